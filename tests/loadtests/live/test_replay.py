"""The replay file: days in order, weeks from its first day, and bad files named."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loadtests.live.replay import days, end_of, read
from loadtests.server import RunError


def line(id_: str, time: str, **more: Any) -> bytes:
    """One event as the file holds it."""
    event = {"id": id_, "type": "purchase-complete", "time": time, "customer_id": "7", "consent": ["analytics"]}
    products = [{"product_id": "milk", "quantity": 2}, {"product_id": "eggs"}, {"product_id": "milk"}]
    return json.dumps(event | {"products": products} | more).encode() + b"\n"


LINES = [
    line("b", "2026-10-02T10:00:00Z"),
    line("a", "2026-10-01T23:00:00Z"),
    line("c", "2026-10-08T00:00:00Z", customer_id=None, visitor_id="v"),
]


@pytest.mark.parametrize("name", ["replay.jsonl", "replay.jsonl.gz"])
def test_events_come_oldest_first_and_whole(name: str, tmp_path: Path) -> None:
    """Compressed or not; what is not looked at is kept to be sent."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"".join(LINES)) if name.endswith("gz") else b"".join(LINES))
    events = read(path)
    assert [event.id for event in events] == ["a", "b", "c"]
    assert events[0].items == ("milk", "eggs")
    assert events[0].raw["products"][0]["quantity"] == 2
    assert [event.shopper for event in events] == ["7", "7", "visitor v"]


def test_days_know_their_week(tmp_path: Path) -> None:
    """Weeks are counted from the day the replay begins with, not from Mondays."""
    path = tmp_path / "replay.jsonl"
    path.write_bytes(b"".join(LINES))
    found = list(days(read(path)))
    assert [(day.week, day.date.day, len(day.events)) for day in found] == [(0, 1, 1), (0, 2, 1), (1, 8, 1)]
    assert found[0].date == datetime(2026, 10, 1, tzinfo=UTC)
    assert end_of(0, read(path)) == datetime(2026, 10, 7, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "has no events"), (LINES[0] + b"{oops\n", "after 2 lines"), (b'{"id": "a"}\n', "after 1 lines")],
)
def test_a_bad_file_is_named_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    """And what writes a good one."""
    path = tmp_path / "replay.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError, match=said) as error:
        read(path)
    assert "python -m training holdout" in str(error.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    """Half a gzip is not half a replay."""
    path = tmp_path / "replay.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(LINES * 50))[:-20])
    with pytest.raises(RunError, match=r"replay\.jsonl\.gz"):
        read(path)
