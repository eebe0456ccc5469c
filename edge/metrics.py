"""What the edge counts, for Prometheus; with several workers the files in PROMETHEUS_MULTIPROC_DIR are added up.

What every request counts is batched: it reaches those files with `flush`, a few times a second.
"""

import asyncio
import os
from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from edge.batched import BatchedCounter, BatchedHistogram

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)

REQUESTS = BatchedCounter("endcap_requests", "Answers by route and status", ["route", "status"])
REQUEST_SECONDS = BatchedHistogram("endcap_request_seconds", "Time to answer", ["route"], buckets=_SECONDS)
STAGE_SECONDS = BatchedHistogram(
    "endcap_stage_seconds", "Time per stage of a recommendation", ["stage"], buckets=_SECONDS
)
SLOTS = BatchedCounter("endcap_slots", "Shelves served, by what shaped them", ["slot", "served_by"])
DEGRADED = BatchedCounter("endcap_degraded", "Answers given with less, by what failed", ["what"])
RANKED = BatchedHistogram(
    "endcap_ranked_candidates",
    "Candidates in one run of the ranker",
    buckets=(24.0, 49.0, 99.0, 149.0, 199.0, 299.0),
)
CACHE = BatchedCounter("endcap_cache", "Look-ups in the answer cache", ["outcome"])
EVENTS = Counter("endcap_events", "Events received, by what became of them", ["type", "status"])
WEBHOOKS = Counter("endcap_webhooks", "Deliveries of shops' platforms", ["platform", "topic", "outcome"])
REFUSED = Counter("endcap_refused", "Requests turned away with 401, by door and failed check", ["door", "reason"])
CUT = Counter("endcap_cut", "Connections ended for being too slow or too large, by what was", ["reason"])
STORE_ERRORS = Counter("endcap_store_errors", "Failed calls to the store, by kind of error", ["kind"])
RECORDS_IGNORED = Counter("endcap_records_ignored", "Stored records that were not believed", ["record", "reason"])
BUNDLES_REFUSED = Counter("endcap_bundles_refused", "Bundles that failed verification", ["shop", "role"])
BUNDLES_LOADED = Counter("endcap_bundles_loaded", "Bundles verified and swapped in", ["shop"])
TRIAL_ANSWERS = Counter("endcap_trial_answers", "Answers while a canary serves, by who gave them", ["role", "outcome"])
SHADOW = Counter("endcap_shadow", "Requests a shadow was to be asked, by what became of it", ["outcome"])
SHADOW_OVERLAP = Histogram(
    "endcap_shadow_overlap",
    "Share of a shelf's products that live model and shadow agree on",
    ["slot"],
    buckets=(0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0),
)
BREAKER_OPEN = Gauge("endcap_breaker_open", "1 while the store is not being asked", multiprocess_mode="max")
IN_FLIGHT = Gauge("endcap_in_flight", "Recommendation requests at work", multiprocess_mode="livesum")
CATALOGUE_PRODUCTS = Gauge("endcap_catalogue_products", "Products known", ["shop"], multiprocess_mode="max")

_BATCHED = (REQUESTS, REQUEST_SECONDS, STAGE_SECONDS, SLOTS, DEGRADED, RANKED, CACHE)


def flush() -> None:
    """Write out what this process has added up."""
    for metric in _BATCHED:
        metric.flush()


async def run(at_work: Callable[[], int], every_s: float = 0.25) -> None:
    """Write out for ever, and once more when cancelled. `at_work`: how many recommendations are, for the gauge."""
    try:
        while True:
            await asyncio.sleep(every_s)
            IN_FLIGHT.set(at_work())
            flush()
    finally:
        IN_FLIGHT.set(0)
        flush()


def exposition() -> bytes:
    """All metrics in Prometheus text format, of all workers when there are several; of this one, up to this moment."""
    flush()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # because prometheus-client leaves this class untyped
    return generate_latest(registry)
