"""Replay: rows back into events, shopper by shopper, from a small hand-made lines file."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edge.core.events import PURPOSES, Line, Purpose
from training.replay import Shopper, replay

START = datetime(2026, 5, 1, tzinfo=UTC)
Row = tuple[str, str, int, str | None, str]  # shopper, event, hours after the start, product, purposes by first letter

# Ordered by shopper and time, as intake leaves them.
ROWS: list[Row] = [
    ("c:7", "e1", 0, "tea", "pam"),
    ("c:7", "e1", 0, "cake", "pam"),
    ("c:7", "e2", 5, None, "a"),
    ("c:7", "e3", 9, "tea", "p"),
    ("c:8", "e4", 2, "soap", ""),
    ("v:7", "e5", 1, "cola", "a"),
]


def lines(where: Path, rows: Sequence[Row]) -> Path:
    """These rows as lines.parquet; what is bought is one piece at 2.5."""
    columns: dict[str, Any] = {
        "shopper": [row[0] for row in rows],
        "event_id": [row[1] for row in rows],
        "type": ["purchase-complete" if row[3] else "search" for row in rows],
        "time": pa.array([(START + timedelta(hours=row[2])).replace(tzinfo=None) for row in rows], pa.timestamp("us")),
        "order_id": pa.array([None] * len(rows), pa.string()),
        "product_id": pa.array([row[3] for row in rows], pa.string()),
        "variant_id": pa.array([None] * len(rows), pa.string()),
        "quantity": pa.array([1] * len(rows), pa.int32()),
        "price": [2.5] * len(rows),
        "currency": pa.array([None] * len(rows), pa.string()),
        "source": ["import"] * len(rows),
    }
    columns |= {purpose: [purpose[0] in row[4] for row in rows] for purpose in PURPOSES}
    pq.write_table(pa.table(columns), where / "lines.parquet")
    return where / "lines.parquet"


def replayed(path: Path, until: datetime | None = None, purpose: Purpose | None = None) -> list[Shopper]:
    """All that is handed out."""
    return list(replay(path, until=until, purpose=purpose, progress=None))


def ids(shoppers: list[Shopper]) -> dict[tuple[str, str], list[str]]:
    """The events' ids by shopper."""
    return {(kind, name): [event.id for event in events] for kind, name, events in shoppers}


def test_each_shopper_comes_once_with_events_in_order(tmp_path: Path) -> None:
    """A customer and a visitor of one name are two; the kind says which id their events carry."""
    found = replayed(lines(tmp_path, ROWS))
    assert ids(found) == {("customer", "7"): ["e1", "e2", "e3"], ("customer", "8"): ["e4"], ("visitor", "7"): ["e5"]}
    assert {(event.customer_id, event.visitor_id) for _, _, events in found for event in events} == {
        ("7", None),
        ("8", None),
        (None, "7"),
    }


def test_only_the_shoppers_asked_for_are_replayed(tmp_path: Path) -> None:
    """By the data set's own names, which tell a customer from a visitor; nobody means nobody."""
    path = lines(tmp_path, ROWS)
    asked = replay(path, until=None, purpose=None, shoppers=pa.array(["v:7", "c:8", "c:9"]), progress=None)
    assert ids(list(asked)) == {("customer", "8"): ["e4"], ("visitor", "7"): ["e5"]}
    nobody = pa.array([], pa.string())
    assert not list(replay(path, until=None, purpose=None, shoppers=nobody, progress=None))


def test_an_event_has_its_rows_as_lines(tmp_path: Path) -> None:
    """Two rows, two lines; an event without a product has none and is still an event."""
    (_, _, events), *_ = replayed(lines(tmp_path, ROWS))
    assert events[0].products == (Line("tea", price=2.5), Line("cake", price=2.5))
    assert events[0].time == START
    assert (events[1].type, events[1].products, events[1].time) == ("search", (), START + timedelta(hours=5))


@pytest.mark.parametrize(("hours", "left"), [(0, []), (1, ["e1"]), (5, ["e1"]), (9, ["e1", "e2"]), (10, None)])
def test_until_is_a_bound_that_is_itself_outside(tmp_path: Path, hours: int, left: list[str] | None) -> None:
    """Only what happened before; a shopper with nothing before it does not appear."""
    found = ids(replayed(lines(tmp_path, ROWS), START + timedelta(hours=hours)))
    assert found.get(("customer", "7"), []) == (["e1", "e2", "e3"] if left is None else left)
    assert (("visitor", "7") in found) == (hours > 1)


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("personalization", {("customer", "7"): ["e1", "e3"]}),
        ("analytics", {("customer", "7"): ["e1", "e2"], ("visitor", "7"): ["e5"]}),
        ("marketing", {("customer", "7"): ["e1"]}),
    ],
)
def test_a_purpose_hands_out_what_may_be_used_for_it(
    tmp_path: Path, purpose: Purpose, expected: dict[tuple[str, str], list[str]]
) -> None:
    """Who agreed to nothing is not there at all; each event says what it may be used for."""
    found = replayed(lines(tmp_path, ROWS), purpose=purpose)
    assert ids(found) == expected
    assert all(purpose in event.consent for _, _, events in found for event in events)


def test_events_of_one_id_and_two_shoppers_do_not_mix(tmp_path: Path) -> None:
    """Where one shopper's rows end, the event ends."""
    rows: list[Row] = [("c:7", "e", 0, "tea", "a"), ("c:8", "e", 0, "cake", "a")]
    assert [[line.product_id for line in events[0].products] for _, _, events in replayed(lines(tmp_path, rows))] == [
        ["tea"],
        ["cake"],
    ]


def test_no_rows_are_no_shoppers(tmp_path: Path) -> None:
    """An empty file is the end, not an error; progress is told what was read, also of what is filtered out."""
    told: list[int] = []
    path = lines(tmp_path, ROWS)
    assert list(replay(path, until=START, purpose=None, progress=told.append)) == []
    assert told == [len(ROWS)]
    assert replayed(lines(tmp_path, ROWS[:0])) == []
