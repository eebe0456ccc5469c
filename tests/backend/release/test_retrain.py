"""Retraining for real: in a process of its own, judged, waiting or published; ended cleanly when it takes too much."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from backend import audit
from backend.release import review, steps
from backend.release import verdict as verdicts
from backend.release.retrain import opened, retrain
from backend.release.state import ReleaseError
from backend.settings import Settings
from edge.core.bundle import read_live
from training.dataset import DataError, Dataset


@pytest.fixture
def light(releases: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a small run; how long a shelf takes is no matter here, on a machine that does other things, too."""
    monkeypatch.setenv("ENDCAP_TRAIN_ORDERS", "600")
    monkeypatch.setenv("ENDCAP_TEST_ORDERS", "150")
    settings: Settings = releases.settings
    return settings.model_copy(update={"gate_slower": 50.0})


def lines(settings: Settings) -> list[tuple[str, str]]:
    """Step and outcome of every line of the audit log."""
    return [(entry.action, entry.outcome) for entry in audit.read(settings.data_dir)]


def hidden(settings: Settings) -> list[Path]:
    """Half-written bundles."""
    return [path for path in (settings.bundles_dir / settings.shop).glob(".*") if path.is_dir()]


async def test_a_run_ends_with_a_candidate_that_waits(light: Settings, releases: Any) -> None:
    """Trained, judged, reviewed; nothing serves but what did; progress only grows; every step has its line."""
    heard: list[tuple[str, float]] = []
    attempt = await retrain(light, "command:ann", ["asked for"], progress=lambda *one: heard.append(one))
    assert (attempt.outcome, attempt.message) == ("waiting", "")
    state = steps.state_of(light)
    candidate = state.candidate()
    assert candidate is not None
    assert (candidate.version, candidate.stage, candidate.reasons) == (attempt.version, "waiting", ("asked for",))
    assert state.attempt() == attempt
    assert read_live(light.bundles_dir, "demo").live == releases.live
    assert lines(light) == [("train-start", "done"), ("train", "done"), ("gate", "pass"), ("wait", "waiting")]
    assert {entry.actor for entry in audit.read(light.data_dir)} == {"command:ann"}
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert len({stage for stage, _ in heard}) > 10
    assert verdicts.read(steps.reports_dir(light), candidate.version) is not None
    page = review.page_of(light, candidate.version).read_text()
    assert candidate.version in page
    assert (steps.reports_dir(light) / f"{candidate.version}.html").exists()
    change = steps.approve(light, "command:ann")
    assert (change.before, change.live.live) == (releases.live, candidate.version)
    assert lines(light)[-2:] == [("approve", "done"), ("publish", "done")]


async def test_auto_publishes_what_passes(light: Settings, releases: Any) -> None:
    """PUBLISH=auto: nobody is waited for."""
    attempt = await retrain(light.model_copy(update={"publish": "auto"}), "scheduler", ["interval"])
    assert attempt.outcome == "published"
    assert read_live(light.bundles_dir, "demo").live == attempt.version
    assert [release.version for release in steps.state_of(light).releases()] == [releases.live, attempt.version]
    assert lines(light)[-1] == ("publish", "done")


async def test_auto_publishes_nothing_that_is_refused(light: Settings, releases: Any) -> None:
    """The gate's reasons are in the candidate, the log and the verdict; approving it is refused, too."""
    strict = light.model_copy(update={"publish": "auto", "gate_least_shoppers": 100_000})
    attempt = await retrain(strict, "scheduler", ["interval"])
    assert attempt.outcome == "refused"
    assert read_live(light.bundles_dir, "demo").live == releases.live
    candidate = steps.state_of(light).candidate()
    assert candidate is not None
    assert candidate.stage == "refused"
    assert "nothing to judge by" in candidate.refusals[0]
    gate = next(entry for entry in audit.read(light.data_dir) if entry.action == "gate")
    assert gate.outcome == "fail"
    assert "nothing to judge by" in str(gate.details["reasons"])
    with pytest.raises(ReleaseError, match="nothing to judge by"):
        steps.approve(light, "command:ann")


@pytest.mark.parametrize(
    ("limit", "words"), [({"retrain_memory_mib": 120}, "MiB, more than 120"), ({"retrain_time_limit_s": 2.0}, "2 s")]
)
async def test_a_run_that_takes_too_much_is_ended(light: Settings, releases: Any, limit: Any, words: str) -> None:
    """The real trainer, over memory and over time: no candidate, no half bundle, the reason in the log."""
    attempt = await retrain(light.model_copy(update=limit), "scheduler", ["interval"])
    assert attempt.outcome == "failed"
    assert words in attempt.message
    assert steps.state_of(light).candidate() is None
    assert hidden(light) == []
    assert lines(light) == [("train-start", "done"), ("train", "fail")]
    assert words in str(audit.read(light.data_dir)[-1].details["why"])
    assert read_live(light.bundles_dir, "demo").live == releases.live


async def test_stopping_the_backend_ends_the_run(light: Settings) -> None:
    """Cancelled in the middle: the trainer is gone, the log says why, and another run may begin."""
    begun = asyncio.Event()
    task = asyncio.create_task(
        retrain(light, "scheduler", ["interval"], progress=lambda _, done: begun.set() if done > 0.01 else None)
    )
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [child for child in psutil.Process().children(recursive=True) if "training" in child.cmdline()]
    assert lines(light)[-1] == ("train", "fail")
    attempt = steps.state_of(light).attempt()
    assert attempt is not None
    assert (attempt.outcome, attempt.message) == ("failed", "stopped")
    assert hidden(light) == []


async def test_one_run_at_a_time(light: Settings) -> None:
    """Whoever comes second is told so, at once."""

    def slow() -> Dataset:
        time.sleep(1)
        raise DataError("no data today")

    first = asyncio.create_task(retrain(light, "scheduler", ["one"], prepare=slow))
    await asyncio.sleep(0.2)
    with pytest.raises(ReleaseError, match="under way"):
        await retrain(light, "scheduler", ["two"])
    assert (await first).message == "no data today"


async def test_preparing_that_fails_is_a_failed_run(light: Settings) -> None:
    """And the data are prepared by whoever was asked to."""
    asked: list[str] = []

    def prepare() -> Dataset:
        asked.append("prepared")
        raise DataError("the event log is away; look at it")

    attempt = await retrain(light, "scheduler", ["interval"], prepare=prepare)
    assert asked == ["prepared"]
    assert (attempt.outcome, attempt.message) == ("failed", "the event log is away; look at it")
    assert opened(light).fingerprint


async def test_a_gate_that_cannot_judge_is_a_failed_run(light: Settings, releases: Any) -> None:
    """live.json is damaged: the candidate is kept, and neither passed nor refused."""
    (releases.shop / "live.json").write_text("?")
    attempt = await retrain(light, "scheduler", ["interval"])
    assert attempt.outcome == "failed"
    assert "did not come to a verdict" in attempt.message
    candidate = steps.state_of(light).candidate()
    assert candidate is not None
    assert candidate.stage == "trained"


async def test_a_live_model_that_changed_meanwhile_stops_auto(
    light: Settings, releases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged beside another model than the one that serves now: a person must look."""
    real: Callable[..., Any] = verdicts.read

    def read(reports: Path, version: str) -> Any:
        judged = real(reports, version)
        return judged and msgspec.structs.replace(judged, live="another")

    monkeypatch.setattr(verdicts, "read", read)
    attempt = await retrain(light.model_copy(update={"publish": "auto"}), "scheduler", ["interval"])
    assert attempt.outcome == "waiting"
    assert read_live(light.bundles_dir, "demo").live == releases.live
    assert lines(light)[-1] == ("wait", "waiting")
