"""What the backend counts, for Prometheus; whoever runs a job beside a web server exposes it there."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

CONSUMED = Counter("endcap_consumed", "Events the consumer is done with, by what became of them", ["shop", "outcome"])
CONSUME_SECONDS = Histogram("endcap_consume_batch_seconds", "Time to apply one batch", ["shop"], buckets=_SECONDS)
CONSUME_LAG = Gauge("endcap_consume_lag", "Entries of the stream not yet applied", ["shop"])
CONSUME_AGE = Gauge("endcap_consume_oldest_seconds", "Age of the oldest entry not yet applied", ["shop"])
RECLAIMED = Counter("endcap_consume_reclaimed", "Entries taken over from consumers that went silent", ["shop"])
CONSUME_RETRIES = Counter("endcap_consume_retries", "Shoppers written again, by why", ["shop", "reason"])
CONSUME_FAILURES = Counter("endcap_consume_failures", "Events that failed and stay pending", ["shop"])
DEAD_LETTERS = Gauge("endcap_dead_letters", "Events that could not be applied and wait for a person", ["shop"])
TRIMMED = Counter("endcap_stream_trimmed", "Entries removed once every group was done with them", ["shop"])
