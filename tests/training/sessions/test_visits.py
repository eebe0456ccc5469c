"""The visits of a shop, out of the numbered lines of its data set."""

import itertools
from datetime import datetime

import numpy as np
import pytest
from rich.console import Console

from edge.core.bundle import SESSIONS, read_arrays, read_manifest
from edge.core.sessions.index import SessionIndex
from edge.scoring import load_model
from training import engine as engines
from training.dataset import Dataset
from training.facts import Facts
from training.pipeline import run
from training.sessions import model, tuning, visits
from training.sessions.clicks import Clicks
from training.settings import Settings

ALWAYS = 10**6  # a day after all others


def clicks_of(*sessions: list[int]) -> Clicks:
    """Sessions of products numbered from 0."""
    items = np.array(list(itertools.chain(*sessions)), np.int32)
    ptr = np.cumsum([0, *map(len, sessions)]).astype(np.int64)
    return Clicks([f"p{at}" for at in range(10)], items, ptr)


def test_a_visit_is_what_was_looked_at_in_order(facts: Facts, shop_dir: Dataset) -> None:
    """Read off the events themselves: views and cart lines of one session by time, purchases left out."""
    lines = shop_dir.lines()
    looked = lines.filter(lines.type != "purchase-complete")
    wanted: dict[str, list[tuple[datetime, str]]] = {}
    for row in engines.arrow(shop_dir.engine, looked).to_pylist():
        key = row["session_id"] or row["event_id"]
        wanted.setdefault(key, []).append((row["time"], row["product_id"]))
    expected = sorted(tuple(id_ for _, id_ in sorted(some, key=lambda one: one[0])) for some in wanted.values())
    got = visits.collect(facts, ALWAYS)
    found = sorted(tuple(got.ids[at] for at in got.session(number)) for number in range(len(got)))
    assert found == expected


def test_visits_are_numbered_by_time_and_end_before_the_day_asked_for(facts: Facts) -> None:
    """An index of before a day holds nothing of it; fewer days are the beginning of more."""
    middle = (facts.first_day + facts.last_day) // 2
    early, late = visits.collect(facts, middle), visits.collect(facts, ALWAYS)
    assert 0 < len(early) < len(late)
    assert late.items[: early.ptr[-1]].tolist() == early.items.tolist()
    assert len(visits.collect(facts, facts.first_day)) == 0


def test_only_the_newest_whole_sessions_count() -> None:
    """Of three sessions of two, three and two clicks, six hold the last two, five too, and four the last one."""
    clicks = clicks_of([1, 2], [3, 4, 5], [6, 7])
    for most, kept in ((7, 3), (6, 2), (5, 2), (4, 1), (2, 1), (1, 0)):
        some = visits.newest(clicks, most)
        assert len(some) == kept
        assert [some.session(at).tolist() for at in range(kept)] == [[1, 2], [3, 4, 5], [6, 7]][3 - kept :]


def test_visits_of_one_click_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of two clicks or more count towards the least."""
    monkeypatch.setattr(visits, "MIN_VISITS", 2)
    assert visits.enough(clicks_of([1, 2], [3, 4], [5]))
    assert not visits.enough(clicks_of([1, 2], [3], [5]))


def test_a_run_learns_next_clicks_where_visits_are_enough(
    shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle has both parts, an edge loads it, and the manifest says what was chosen and how good it is."""
    monkeypatch.setattr(visits, "MIN_VISITS", 100)
    monkeypatch.setattr(model, "_CLICKS_READ", 1)
    monkeypatch.setattr(model, "_QUESTIONS", 300)
    monkeypatch.setattr(model, "_TRIED_ON", 20)
    monkeypatch.setattr(model, "_COMPARED_ON", 100)
    monkeypatch.setattr(tuning, "FORESTS", tuning.FORESTS[:1])
    root = tmp_path_factory.mktemp("both")
    settings = Settings(data_dir=root, train_orders=150, test_orders=40)
    outcome = run(shop_dir, settings, Console(quiet=True))
    manifest = read_manifest(outcome.directory)
    assert manifest.sessions is not None
    assert 0 < manifest.metrics[model.SLOT]["endcap"]["hit_rate@20"] <= 1
    assert manifest.data["sessions:trees"] == tuning.FORESTS[0].trees
    assert SessionIndex.from_arrays(read_arrays(outcome.directory, SESSIONS)).ids
    assert load_model(outcome.directory).next_clicks is not None
    assert set(model.STAGES) < set(outcome.seconds)
