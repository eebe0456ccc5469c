"""Events of the tests: small, in pseudonyms, as the edge appends them to the stream."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from backend.event_log.store import EventLog
from edge.core.events import Delivery, Event, EventType, Line
from training import engine as engines

DAY = datetime(2026, 5, 1, 9, tzinfo=UTC)
CONSENT = ("analytics", "personalization")


def event(id_: str, type_: EventType = "detail-page-view", *products: str, **fields: Any) -> Event:
    """An event of visitor `k.v` on the first day, with consent, unless said otherwise."""
    lines = tuple(Line(product, price=2.5) for product in products)
    values: dict[str, Any] = {"time": DAY, "visitor_id": "k.v", "consent": CONSENT, "products": lines} | fields
    return Event(id_, type_, **values)


def order(number: int, customer: str = "k.c", **fields: Any) -> Event:
    """A purchase of two products, an hour after the one before, that was delivered."""
    came = Delivery(method="parcel", cost=4.5, promised_days=3, days=2)
    values: dict[str, Any] = {
        "time": DAY + timedelta(hours=number), "visitor_id": None, "customer_id": customer, "order_id": f"o{number}",
        "currency": "EUR", "delivery": came, "products": (Line("p1", quantity=2, price=3, discount=0.5), Line("p2")),
    }  # fmt: skip
    return event(f"e{number}", "purchase-complete", **(values | fields))


def rows(log: EventLog, shop: str = "demo", **between: Any) -> list[dict[str, Any]]:
    """What the log holds at reading, in order."""
    with engines.opened("duckdb") as engine, log.read(engine, shop, **between) as table:
        found: pa.Table = engines.arrow(engine, table.order_by("time", "event_id", "line"))
    plain: list[dict[str, Any]] = found.to_pylist()
    return plain


def ids(log: EventLog, shop: str = "demo") -> list[str]:
    """The event ids at reading, one per row, in order."""
    return [row["event_id"] for row in rows(log, shop)]
