"""Jobs of several commands: which programs they run, what they make of the end, and their outcome in words."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from backend.admin import chores
from backend.reconcile.compare import Day, Reconciled
from backend.release.retrain import TrainingError
from backend.release.state import Attempt
from backend.settings import Settings
from edge.core.errors import EndcapError

DAY_S = 86_400
NO_STORE: Any = None  # none of these jobs asks the store itself


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A shop without anything."""
    return Settings(data_dir=tmp_path, shop="demo", event_log="none")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The programs that were run, each of which says its own name."""
    calls: list[tuple[str, ...]] = []

    async def program(settings: Settings, what: str, *arguments: str) -> str:
        calls.append(arguments)
        return " ".join(arguments)

    monkeypatch.setattr(chores, "_program", program)
    return calls


def reconciled(*days: Day) -> Reconciled:
    """What a comparison found."""
    return Reconciled("demo", "shopify", "2026-11-01", "ids", list(days), [], [])


async def test_the_last_words_of_a_program_are_its_outcome(settings: Settings) -> None:
    """Of a real process; one that says nothing is done."""
    said = await chores._program(settings, "helping", "json.tool", "--help")
    assert said.startswith("--")
    assert await chores._program(settings, "compiling", "compileall", "-q", str(settings.data_dir)) == "done"


async def test_a_program_that_fails_is_an_error_that_says_at_what(settings: Settings) -> None:
    """With the reason of its end."""
    with pytest.raises(TrainingError, match=r"helping did not end well: .*2"):
        await chores._program(settings, "helping", "json.tool", "--no-such-option")


async def test_a_program_is_told_the_store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the settings of this process; without one nothing is invented."""
    given: list[dict[str, str]] = []

    async def limited(command: object, limits: object, said: object, environment: dict[str, str]) -> Any:
        given.append(environment)
        return type("Ended", (), {"done": True})()

    monkeypatch.setattr(chores, "run_limited", limited)
    for url in (None, "unix:///somewhere.sock"):
        await chores._program(settings.model_copy(update={"redis_url": url}), "work", "json.tool")
    assert [one.get("REDIS_URL") for one in given] == [None, "unix:///somewhere.sock"]
    assert {one["ENDCAP_DATA_DIR"] for one in given} == {str(settings.data_dir)}


@pytest.mark.parametrize(("age_days", "fits"), [(None, True), (6, False), (8, True)])
async def test_forecasts_are_fitted_weekly(
    settings: Settings, ran: list[tuple[str, ...]], age_days: int | None, fits: bool
) -> None:
    """Where there are none or they are a week old; facts are computed each time, and are the outcome."""
    if age_days is not None:
        fitted = settings.data_dir / "customers" / "demo" / "live.json"
        fitted.parent.mkdir(parents=True)
        fitted.write_text("{}")
        then = time.time() - age_days * DAY_S
        os.utime(fitted, (then, then))
    assert await chores.facts(settings, NO_STORE) == "backend facts"
    assert ran == [("training", "customers")] * fits + [("backend", "facts")]


def test_without_a_log_the_data_set_is_taken_as_it_stands(
    settings: Settings, ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No log, or one without a day: nothing is prepared. One with a day is prepared by a program of its own."""
    data_set: Any = object()
    monkeypatch.setattr(chores, "opened", lambda _: data_set)
    assert chores.from_log(settings) is data_set
    logged = settings.model_copy(update={"event_log": str(settings.data_dir / "events")})
    assert chores.from_log(logged) is data_set
    assert ran == []
    (settings.data_dir / "events" / "demo" / "day=2026-11-01").mkdir(parents=True)
    (settings.data_dir / "events" / "demo" / "day=2026-11-01" / "one.parquet").write_bytes(b"")
    assert chores.from_log(logged) is data_set
    assert ran == [("backend", "prepare")]


async def test_no_platform_is_nothing_to_compare_with(settings: Settings) -> None:
    """Said, not raised: a shop may have none."""
    assert await chores.reconcile_orders(settings, NO_STORE) == "no platform is connected"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([Day("2026-11-01", 5, 3, missing=2), Day("2026-11-02", 5, 4, missing=1)], "3 of the platform's orders"),
        ([Day("2026-11-01", 5, 6, extra=1)], "0 of the platform's orders are not here, 1 here are not the platform's"),
    ],
)
async def test_orders_that_differ_are_a_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, days: list[Day], words: str
) -> None:
    """Missing ones and those too many, each counted, with the command that names them."""
    monkeypatch.setattr(chores, "reconcile", lambda *_: reconciled(*days))
    with pytest.raises(EndcapError, match=f"{words}.*python -m backend reconcile"):
        await chores.reconcile_orders(settings, NO_STORE)


async def test_orders_that_agree_are_said_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Withheld ones are rightly not here."""
    monkeypatch.setattr(chores, "reconcile", lambda *_: reconciled(Day("2026-11-01", 5, 4, withheld=1)))
    assert await chores.reconcile_orders(settings, NO_STORE) == "all of the platform's orders are here"


async def test_the_outcome_of_retraining_is_told_with_its_reasons(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong where something did, else the version."""
    made: list[Any] = [None]

    async def check(*_: object, **__: object) -> Any:
        return made[0]

    monkeypatch.setattr(chores, "check_and_retrain", check)
    assert await chores.retrain_when_due(settings, NO_STORE) == "no reason to train"
    made[0] = Attempt(1.0, ("first: none yet", "drift: price"), 2.0, "waiting", "v2")
    assert await chores.retrain_when_due(settings, NO_STORE) == "waiting: v2 (first: none yet; drift: price)"
    made[0] = Attempt(1.0, ("first: none yet",), 2.0, "failed", None, "no room")
    assert await chores.retrain_when_due(settings, NO_STORE) == "failed: no room (first: none yet)"
