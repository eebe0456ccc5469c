"""How long an event takes to change an answer, while the servers are busy: the visit at once, the profile soon.

In: an address, the number of probes, a load. Out: milliseconds from the accepted event to the first answer that shows
it. The visit is asked for by the visitor who looked, once: the next answer must show it. The profile is asked for by
the customer alone, who has no visit of that name, so that what shows is what the consumer has written.
"""

import json
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from loadtests.ask import Asker
from loadtests.live.arms import CONSENT, Page
from loadtests.measure import percentile
from loadtests.server import RunError

_POLL_S, _GIVE_UP_S = 0.01, 30.0
_BATCH = 10  # events in one request of the load


@dataclass
class Fresh:
    """What was measured: waits in milliseconds, and how busy the servers were kept meanwhile."""

    visit_missed: int = 0
    profile_ms: list[float] = field(default_factory=list)
    pages: int = 0
    events: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        waits = sorted(self.profile_ms)
        share = " / ".join(f"{percentile(waits, at):.0f}" for at in (0.5, 0.95, 0.99))
        return (
            f"{len(waits)} probes: the next answer lacked what was just viewed {self.visit_missed} times; "
            f"profile after {share} ms (p50 / p95 / p99), at most {max(waits):.0f}; "
            f"meanwhile {self.pages / self.seconds:.0f} pages/s and {self.events / self.seconds:.0f} events/s"
        )


def measure(url: str, products: Sequence[str], *, probes: int, pages_s: float, events_s: float) -> Fresh:
    """Probe one after the other under load. Raises RunError when an event never shows."""
    fresh = Fresh()
    with Asker(url) as asker:
        _probe(asker, products, Fresh())  # not counted: the backend may just be starting
    began = time.monotonic()
    with _busy(url, products, fresh, pages_s, events_s), Asker(url) as asker:
        for _ in range(probes):
            _probe(asker, products, fresh)
    fresh.seconds = time.monotonic() - began
    return fresh


def _probe(asker: Asker, products: Sequence[str], fresh: Fresh) -> None:
    visitor, customer = uuid.uuid4().hex, f"probe-{uuid.uuid4().hex[:12]}"
    product = products[len(fresh.profile_ms) % len(products)]
    _post(asker, [_view(product, visitor, customer)])
    began = time.perf_counter()
    if product not in _seen(asker, {"visitor_id": visitor, "customer_id": customer}):
        fresh.visit_missed += 1
    while product not in _seen(asker, {"customer_id": customer}):
        if time.perf_counter() - began > _GIVE_UP_S:
            raise RunError(f"an event was not in the profile after {_GIVE_UP_S:.0f} s; is `python -m backend` running?")
        time.sleep(_POLL_S)
    fresh.profile_ms.append((time.perf_counter() - began) * 1000)


def _seen(asker: Asker, who: dict[str, str]) -> tuple[str, ...]:
    """The products under recently viewed."""
    query = who | {"consent": CONSENT, "slots": "recently_viewed", "limit": "5"}
    reply = asker.get(f"/v1/recommendations/home?{urlencode(query, safe=',')}")
    if reply.status != 200:
        raise RunError(f"the homepage answered {reply.status}: {reply.body[:200].decode(errors='replace')}")
    slots = msgspec.json.decode(reply.body, type=Page).slots
    return next((slot.ids for slot in slots if slot.id == "recently_viewed"), ())


def _view(product: str, visitor: str, customer: str | None = None) -> dict[str, Any]:
    event = {
        "id": uuid.uuid4().hex,
        "type": "detail-page-view",
        "time": datetime.now(UTC).isoformat(),
        "visitor_id": visitor,
        "products": [{"product_id": product}],
        "consent": CONSENT.split(","),
    }
    return event | ({"customer_id": customer} if customer else {})


def _post(asker: Asker, events: list[dict[str, Any]]) -> None:
    reply = asker.post("/v1/events", json.dumps({"events": events}))
    if reply.status != 200:
        raise RunError(f"events were answered {reply.status}: {reply.body[:200].decode(errors='replace')}")


@contextmanager
def _busy(url: str, products: Sequence[str], fresh: Fresh, pages_s: float, events_s: float) -> Iterator[None]:
    """Two callers in the background, each at its rate, for as long as the block lasts."""
    over = threading.Event()
    random = Random(11)

    def pages(asker: Asker) -> None:
        query = {"product_id": random.choice(products), "visitor_id": f"load-{random.randrange(5_000)}"}
        asker.get(f"/v1/recommendations/pdp?{urlencode(query | {'consent': CONSENT}, safe=',')}")
        fresh.pages += 1

    def events(asker: Asker) -> None:
        batch = [_view(random.choice(products), f"load-{random.randrange(5_000)}") for _ in range(_BATCH)]
        asker.post("/v1/events", json.dumps({"events": batch}))
        fresh.events += _BATCH

    def caller(step: Any, rate: float) -> None:  # noqa: ANN401 -- a step takes an Asker and returns nothing
        with Asker(url) as asker:
            due = time.monotonic()
            while not over.is_set():
                step(asker)
                due += 1 / rate
                over.wait(max(0.0, due - time.monotonic()))

    threads = [
        threading.Thread(target=caller, args=(step, rate))
        for step, rate in ((pages, pages_s), (events, events_s / _BATCH))
        if rate > 0
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
