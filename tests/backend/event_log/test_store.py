"""The log's files: whole or absent, each event once at reading, nothing left of the erased; on disk and elsewhere."""

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from backend.event_log.rows import LogError, of_events
from backend.event_log.store import EventLog
from edge.core.events import Line
from edge.object_store import ObjectStoreError
from tests.backend.event_log.handmade import DAY, event, ids, order, rows
from training import engine as engines


def test_what_was_written_is_read(log: EventLog) -> None:
    """By shop and day, in the files it was said to go to."""
    assert log.write("demo", [order(1), event("v"), order(30)], "first") == 5
    assert log.write("other", [event("x")], "first") == 1
    assert log.days("demo") == [date(2026, 5, 1), date(2026, 5, 2)]
    assert log.files("demo") == ["demo/day=2026-05-01/first.parquet", "demo/day=2026-05-02/first.parquet"]
    assert log.shops() == ["demo", "other"]
    assert ids(log) == ["v", "e1", "e1", "e30", "e30"]
    assert [row["event_id"] for row in rows(log, first=date(2026, 5, 2))] == ["e30", "e30"]
    assert [row["event_id"] for row in rows(log, last=date(2026, 5, 1))] == ["v", "e1", "e1"]
    assert rows(log)[1]["delivery_method"] == "parcel"


def test_an_empty_log_reads_as_no_rows(log: EventLog) -> None:
    """With all the columns."""
    assert rows(log) == []
    assert log.days("demo") == log.files("demo") == log.shops() == []


def test_what_nobody_consented_to_makes_no_file(log: EventLog) -> None:
    """Nor a directory."""
    assert log.write("demo", [event("e", consent=("personalization",))], "name") == 0
    assert log.files("demo") == []


def test_an_event_written_twice_counts_once(log: EventLog) -> None:
    """The copy recorded last, with all its lines and no other's: also two equal lines of one event."""
    twice = event("t", "add-to-cart", "p1", "p1")
    later = DAY + timedelta(days=1)
    log.write("demo", [order(1, currency="USD", products=(Line("p1"),) * 3), twice], "a", recorded=DAY)
    log.write("demo", [order(1), twice, event("v")], "b", recorded=later)
    log.write("demo", [twice], "c", recorded=later)  # the same moment: as a compaction that did not end leaves it
    assert ids(log) == ["t", "t", "v", "e1", "e1"]
    assert rows(log)[3]["currency"] == "EUR"


def test_a_name_written_again_replaces_its_files(log: EventLog) -> None:
    """So an import that is repeated leaves one copy."""
    log.write("demo", of_events([event("a"), event("b")], DAY), "import-1")
    log.write("demo", of_events([event("a")], DAY), "import-1")
    assert ids(log) == ["a"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 200])
def test_names_that_are_no_file_names_are_refused(log: EventLog, name: str) -> None:
    """Before anything is written."""
    with pytest.raises(LogError, match="cannot name a file"):
        log.write("demo", [event("a")], name)


def test_erasing_removes_every_row_of_the_names(log: EventLog) -> None:
    """As visitor, as customer, by order; files without such rows are not touched; again finds nothing."""
    log.write("demo", [order(1, "k.gone"), event("v"), order(2, "k.stays"), event("w", visitor_id="k.also")], "a")
    log.write("demo", [event("x", customer_id="k.gone"), order(3, "k.guest")], "b")
    log.write("demo", [event("y", time=DAY + timedelta(days=3))], "c")
    log.write("other", [event("z", customer_id="k.gone")], "a")
    assert log.erase("demo", ["k.gone", "k.also"], ["o3"]) == 2 + 1 + 1 + 2
    assert ids(log) == ["v", "e2", "e2", "y"]
    assert ids(log, "other") == ["z"]
    assert log.files("demo") == ["demo/day=2026-05-01/a.parquet", "demo/day=2026-05-04/c.parquet"]
    assert log.erase("demo", ["k.gone", "k.also"], ["o3"]) == 0
    assert log.erase("demo", [], []) == 0


def test_nothing_of_the_erased_is_left_in_any_byte(tmp_path: Path) -> None:
    """Not in values, statistics or footers, nor in what a killed writer left under a temporary name."""
    log = EventLog(str(tmp_path))
    # The canary would be the least and the greatest value of its column: those stand in the footer in plain text.
    log.write("demo", [order(1, "AAAA.canary"), order(2, "zzzz.canary"), event("v", customer_id="k.m")], "a")
    whole = (tmp_path / "demo/day=2026-05-01/a.parquet").read_bytes()
    assert b"AAAA.canary" in whole
    left = tmp_path / "demo/day=2026-05-01/b.parquet#1"
    left.write_bytes(whole)
    assert log.erase("demo", ["AAAA.canary", "zzzz.canary"]) == 4
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert b"canary" not in path.read_bytes(), path
        if path.suffix == ".parquet":
            assert "canary" not in str(pq.read_table(path).to_pylist())
    assert not left.exists()
    assert ids(log) == ["v"]


def test_days_and_shops_can_be_dropped(log: EventLog) -> None:
    """Retention by age, and a shop that leaves; others keep theirs."""
    log.write("demo", [event(str(day), time=DAY + timedelta(days=day)) for day in range(4)], "a")
    log.write("other", [event("x")], "a")
    assert log.drop_days("demo", date(2026, 5, 3)) == 2
    assert ids(log) == ["2", "3"]
    assert log.drop_days("demo", date(2026, 5, 3)) == 0
    assert log.drop_shop("demo") == 2
    assert (log.files("demo"), ids(log, "other")) == ([], ["x"])


def test_no_empty_directories_stay(tmp_path: Path) -> None:
    """A day that is gone leaves nothing on disk but the lock."""
    log = EventLog(str(tmp_path))
    log.write("demo", [event("a")], "a")
    log.drop_shop("demo")
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]


def test_duckdb_reads_the_directory_as_it_is(tmp_path: Path) -> None:
    """The query of docs/event-log.md, with nothing of ours in between."""
    log = EventLog(str(tmp_path))
    log.write("demo", [order(1), event("v")], "a")
    log.write("demo", [order(1)], "b")
    query = """SELECT event_id, line, day, price FROM read_parquet(?)
        QUALIFY row_number() OVER (PARTITION BY event_id, line ORDER BY recorded DESC) = 1 ORDER BY ALL"""
    found = duckdb.execute(query, [f"{tmp_path}/demo/*/*.parquet"]).fetchall()
    assert found == [
        ("e1", 0, date(2026, 5, 1), 3.0),
        ("e1", 1, date(2026, 5, 1), None),
        ("v", 0, date(2026, 5, 1), None),
    ]


def test_the_setting_says_where(tmp_path: Path) -> None:
    """Unset is below the data directory; a path, a URL, and `none`, which is no log at all."""
    path, url = str(tmp_path / "x"), f"file://{tmp_path}/y%20z"
    places = {None: tmp_path / "events", path: tmp_path / "x", url: tmp_path / "y z", "memory:///": None}
    for setting, root in places.items():
        log = EventLog.open(setting, tmp_path)
        assert log is not None
        assert log.root == root
    assert EventLog.open(" NONE ", tmp_path) is None


def test_no_location_is_said_plainly() -> None:
    """A scheme that nobody knows."""
    with pytest.raises(ObjectStoreError, match="cannot be used as a place for files"):
        EventLog("ftp://example/x")


WRITER = """
import sys
from tests.backend.event_log.handmade import order
from backend.event_log.store import EventLog
log, number = EventLog(sys.argv[1]), 0
events = [order(hour % 48) for hour in range(400)]
import msgspec
events = [msgspec.structs.replace(one, id=f"{at}-" + "x" * 90) for at, one in enumerate(events)]
print("ready", flush=True)
while True:
    number += 1
    log.write("demo", events, f"n{number}")
"""


def test_a_killed_writer_leaves_whole_files_only(tmp_path: Path) -> None:
    """Killed at random moments, in the middle of writing: every file that is there can be read to its end."""
    chance = random.Random(4)
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd()
        ) as one:
            assert one.stdout is not None
            one.stdout.readline()
            while not list(tmp_path.rglob("*.parquet")):
                pass
            try:
                one.wait(chance.uniform(0.01, 0.2))
            except subprocess.TimeoutExpired:
                os.kill(one.pid, signal.SIGKILL)
    files = list(tmp_path.rglob("*.parquet"))
    assert files
    for path in files:
        assert len(pq.read_table(path)) > 0
    log = EventLog(str(tmp_path), patience_s=5)
    assert log.write("demo", [event("after")], "after") == 1  # the dead one's lock is free
    assert "after" in ids(log)
    log.drop_days("demo", date(2030, 1, 1))
    assert not list(tmp_path.rglob("*.parquet*"))


def test_reading_takes_part_of_the_days(log: EventLog) -> None:
    """And the engine computes on it."""
    log.write("demo", [order(hour) for hour in range(40)], "a", recorded=datetime(2026, 5, 3, tzinfo=UTC))
    with engines.opened("duckdb") as engine, log.read(engine, "demo", date(2026, 5, 2)) as table:
        assert engines.scalar(engine, table.order_id.nunique()) == 40 - 15
