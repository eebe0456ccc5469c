"""Setting weeks aside: nothing lost, nothing twice, and the history is a plain shop like any other."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from edge.core.events import Event
from training.__main__ import app
from training.dataset import DataError, Dataset, prepare
from training.holdout import HISTORY, REPLAY, Split, hold_out


@pytest.fixture(scope="module")
def split(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Split, Path]:
    """The sample shop, three weeks set aside."""
    out = tmp_path_factory.mktemp("split")
    return hold_out(shop_dir, 21, out), out


def replayed(out: Path) -> list[Event]:
    """The events of the replay file."""
    with gzip.open(out / REPLAY) as file:
        return [msgspec.json.decode(line, type=Event) for line in file]


def as_sets(dataset: Dataset) -> dict[str, set[str]]:
    """Each shopper's event ids."""
    return {f"{kind}:{id_}": {event.id for event in events} for kind, id_, events in dataset.replay(purpose=None)}


def test_both_sides_together_are_the_whole(shop_dir: Dataset, split: tuple[Split, Path], tmp_path: Path) -> None:
    """Every event of every shopper is on exactly one side of the cut, with its lines, prices and consents."""
    told, out = split
    history = prepare(out / HISTORY, tmp_path / "prepared")
    after = replayed(out)
    assert told.lines_before == history.summary.lines
    assert told.events_after == len(after)
    assert history.summary.last < told.cut <= after[0].time
    ids = {event.id for event in after}
    known = as_sets(history)
    for shopper, events in as_sets(shop_dir).items():
        assert known.get(shopper, set()) == events - ids
    whole = {event.id: event for _, _, events in shop_dir.replay(purpose=None) for event in events}
    assert all(whole[event.id] == event for event in after)
    assert {event.id for _, _, events in history.replay(purpose="analytics") for event in events} == {
        event.id for event in whole.values() if "analytics" in event.consent and event.id not in ids
    }


def test_the_replay_is_in_order_of_time(split: tuple[Split, Path]) -> None:
    """As the weeks were lived, whoever did it."""
    times = [event.time for event in replayed(split[1])]
    assert times == sorted(times)
    assert times[0].tzinfo is not None


def test_the_products_come_along(shop_dir: Dataset, split: tuple[Split, Path], tmp_path: Path) -> None:
    """Card by card, the day of listing included."""
    history = prepare(split[1] / HISTORY, tmp_path / "prepared")
    assert list(history.catalogue()) == list(shop_dir.catalogue())


def test_setting_everything_aside_is_refused(shop_dir: Dataset, tmp_path: Path) -> None:
    """There must be something to learn from."""
    days = (datetime.now(UTC) - shop_dir.summary.first).days + 400
    with pytest.raises(DataError, match=f"{days} days cannot be set aside"):
        hold_out(shop_dir, days, tmp_path)


def test_the_command_says_where_it_cut(shop_dir: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the prepared data of the shop."""
    target = tmp_path / "datasets" / "demo"
    target.parent.mkdir()
    target.symlink_to(shop_dir.directory)
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["holdout", str(tmp_path / "out"), "--days", "7"])
    assert done.exit_code == 0, done.output
    assert "lines before 2026-10-" in done.output
    assert (tmp_path / "out" / REPLAY).exists()
