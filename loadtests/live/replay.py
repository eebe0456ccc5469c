"""The weeks to be lived again: events of a file, in order of time, day by day.

In: a file with one event a line as `POST /v1/events` takes it (`python -m training holdout` writes it), .gz or plain.
Out: `Day`s of orders. An order's time is kept; what simulates it moves the servers' clock instead.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from loadtests.server import RunError

_WEEK = timedelta(days=7)


class Line(msgspec.Struct, frozen=True):
    """A product in an event."""

    product_id: str


class Past(msgspec.Struct, frozen=True):
    """What a simulation must know of an event; `raw` is the whole of it."""

    id: str
    type: str
    time: datetime
    customer_id: str | None = None
    visitor_id: str | None = None
    products: tuple[Line, ...] = ()
    raw: dict[str, Any] = {}

    @property
    def shopper(self) -> str:
        """Who it was, under whatever name."""
        return self.customer_id or f"visitor {self.visitor_id}"

    @property
    def items(self) -> tuple[str, ...]:
        """The products, each once."""
        return tuple(dict.fromkeys(line.product_id for line in self.products))


@dataclass(frozen=True)
class Day:
    """One day's events, and which week of the replay it lies in, from 0."""

    week: int
    date: datetime
    events: tuple[Past, ...]


def read(path: Path) -> list[Past]:
    """All events, oldest first. Raises RunError for a file that is none or has a line that is no event."""
    opened = gzip.open if path.suffix == ".gz" else open
    events = []
    number = 0
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007 -- the number is for the error's message
                raw = msgspec.json.decode(line)
                events.append(msgspec.structs.replace(msgspec.convert(raw, Past, strict=False), raw=raw))
    except (OSError, EOFError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path}, after {number} lines: {error}; write it with `python -m training holdout`") from error
    if not events:
        raise RunError(f"{path} has no events; write it with `python -m training holdout`")
    return sorted(events, key=lambda event: (event.time, event.id))


def days(events: list[Past]) -> Iterator[Day]:
    """The events by day (UTC), weeks counted from the first day."""
    first = _midnight(events[0].time)
    for date, group in groupby(events, key=lambda event: _midnight(event.time)):
        yield Day((date - first) // _WEEK, date, tuple(group))


def end_of(week: int, events: list[Past]) -> datetime:
    """The last second of a week, counted from 0 at the first event's day."""
    return _midnight(events[0].time) + (week + 1) * _WEEK - timedelta(seconds=1)


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
