"""What the backend counts, for Prometheus; whoever runs a job beside a web server exposes it there."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

CONSUMED = Counter("endcap_consumed", "Events the consumer is done with, by what became of them", ["shop", "outcome"])
CONSUME_SECONDS = Histogram("endcap_consume_batch_seconds", "Time to apply one batch", ["shop"], buckets=_SECONDS)
CONSUME_LAG = Gauge(
    "endcap_consume_lag", "Entries of the stream not yet applied", ["shop"], multiprocess_mode="livemax"
)
CONSUME_AGE = Gauge(
    "endcap_consume_oldest_seconds", "Age of the oldest entry not yet applied", ["shop"], multiprocess_mode="livemax"
)
RECLAIMED = Counter("endcap_consume_reclaimed", "Entries taken over from consumers that went silent", ["shop"])
CONSUME_RETRIES = Counter("endcap_consume_retries", "Shoppers written again, by why", ["shop", "reason"])
CONSUME_FAILURES = Counter("endcap_consume_failures", "Events that failed and stay pending", ["shop"])
DEAD_LETTERS = Gauge(
    "endcap_dead_letters",
    "Events that could not be applied and wait for a person",
    ["shop"],
    multiprocess_mode="livemax",
)
TRIMMED = Counter("endcap_stream_trimmed", "Entries removed once every group was done with them", ["shop"])
LOGGED = Counter("endcap_log_events", "Entries of the stream, by what the event log did with them", ["shop", "outcome"])
LOG_WAITING = Gauge(
    "endcap_log_waiting_events",
    "Events gathered for the event log and not yet written",
    ["shop"],
    multiprocess_mode="livesum",
)
LOG_FAILURES = Counter("endcap_log_failures", "Failed attempts to read the stream or to write files", ["shop"])


def exposition() -> bytes:
    """All metrics in Prometheus text format; those of the services' processes, too, where they share a directory."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # because prometheus-client leaves this class untyped
    return generate_latest(registry)
