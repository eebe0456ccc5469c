"""Compaction: a day's small files become one, sorted, each event once, and a crash on the way costs nothing."""

from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from backend.event_log.compaction import compact
from backend.event_log.store import EventLog
from tests.backend.event_log.handmade import DAY, event, ids, order, rows

TODAY = date(2026, 5, 3)


@pytest.fixture(name="log")
def log_fixture(log: EventLog) -> EventLog:
    """Two past days in many files, with repetitions, and today in two."""
    for hour in (9, 3, 30, 1, 26, 3):
        log.write("demo", [order(hour)], f"a{hour}", recorded=DAY + timedelta(hours=hour))
    log.write("demo", [order(3), order(9)], "again")
    log.write("demo", [event("today", time=DAY + timedelta(days=2))], "x")
    log.write("demo", [event("now", time=DAY + timedelta(days=2))], "y")
    return log


def test_past_days_become_one_file_each(log: EventLog) -> None:
    """Rows at reading stay the same, repeated ones are gone from the files, today is left alone."""
    before, heard = rows(log), list[date]()
    done = compact(log, "demo", TODAY, heard.append)
    assert (done.days, done.files, done.rows, done.repeated) == (2, 6, 10, 4)
    assert rows(log) == before
    assert [len(log.files("demo", [day])) for day in log.days("demo")] == [1, 1, 2]
    assert heard == [date(2026, 5, 1), date(2026, 5, 2)]
    assert "2 days compacted: 6 files into 2, 10 rows, 4 repeated ones gone" in str(done)
    assert compact(log, "demo", TODAY).days == 0


def test_the_one_file_is_sorted_and_has_the_columns(log: EventLog) -> None:
    """By time; types as they were."""
    with log.on_this_machine(log.files("demo", [date(2026, 5, 1)])[:1]) as (path,):
        schema = pq.read_schema(path)
    compact(log, "demo", TODAY)
    with log.on_this_machine(log.files("demo", [date(2026, 5, 1)])) as (path,):
        table = pq.read_table(path)
    assert table.column_names == schema.names
    assert [str(field.type) for field in table.schema] == [str(field.type) for field in schema]
    times = table["time"].to_pylist()
    assert times == sorted(times)
    assert len(table) == 6


def interrupted(paths: list[str]) -> int:
    """The moment between writing the new file and removing the old ones."""
    raise KeyboardInterrupt(paths)


def test_a_crash_between_writing_and_deleting_costs_nothing(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the new file and the old ones are there: reading counts each event once, the next run tidies up."""
    before = rows(log)
    with monkeypatch.context() as patch:
        patch.setattr(log, "delete", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compact(log, "demo", TODAY)
    assert len(log.files("demo", [date(2026, 5, 1)])) == 5
    assert rows(log) == before
    compact(log, "demo", TODAY)
    assert len(log.files("demo", [date(2026, 5, 1)])) == 1
    assert rows(log) == before


def test_late_events_join_a_compacted_day(log: EventLog) -> None:
    """And erasure reaches into compacted files."""
    compact(log, "demo", TODAY)
    log.write("demo", [event("late"), order(1)], "late")
    assert compact(log, "demo", TODAY).repeated == 2
    assert "late" in ids(log)
    assert log.erase("demo", ["k.c"]) == 10
    assert ids(log) == ["late", "now", "today"]
