"""Metrics added up in plain numbers: in the end they say what prometheus-client's own would."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from edge import metrics
from edge.batched import BatchedCounter, BatchedHistogram

BOUNDS = (0.001, 0.01, 0.1)


@given(st.lists(st.sampled_from(["a", "b"])), st.lists(st.floats(0, 1)), st.lists(st.floats(0, 1)))
def test_batches_tell_what_single_steps_would(names: list[str], first: list[float], second: list[float]) -> None:
    """Counters by label, histograms with and without one, over two flushes; bounds belong to the bucket below them."""
    one, other = CollectorRegistry(), CollectorRegistry()
    batched = BatchedCounter("n", "Number", ["name"], registry=one)
    plain = Counter("n", "Number", ["name"], registry=other)
    labelled = BatchedHistogram("s", "Seconds", ["name"], buckets=BOUNDS, registry=one)
    labelled_plain = Histogram("s", "Seconds", ["name"], buckets=BOUNDS, registry=other)
    bare = BatchedHistogram("r", "Rows", buckets=BOUNDS, registry=one)
    bare_plain = Histogram("r", "Rows", buckets=BOUNDS, registry=other)
    for values in (first, second):
        for name in names:
            batched.add((name,))
            plain.labels(name).inc()
        for value in (*values, 0.01):
            labelled.of("a").add(value)
            labelled_plain.labels("a").observe(value)
            bare.of().add(value)
            bare_plain.observe(value)
        labelled.flush()
    told = [line for line in generate_latest(one).decode().splitlines() if "_created" not in line]
    expected = [line for line in generate_latest(other).decode().splitlines() if "_created" not in line]
    for line, wanted in zip(told, expected, strict=True):  # sums are added up in another order
        (head, _, said), (wanted_head, _, wanted_said) = line.rpartition(" "), wanted.rpartition(" ")
        assert head == wanted_head
        assert said == wanted_said or abs(float(said) - float(wanted_said)) < 1e-9


def test_what_is_rare_may_count_as_ever() -> None:
    """Directly, beside what is batched."""
    registry = CollectorRegistry()
    counter = BatchedCounter("n", "Number", ["name"], registry=registry)
    counter.labels("a").inc(3)
    counter.add(("a",))
    assert registry.get_sample_value("n_total", {"name": "a"}) == 4


async def test_they_are_written_out_by_themselves_and_at_the_end() -> None:
    """What is added before the task ends is not lost; nothing is at work then."""
    task = asyncio.create_task(metrics.run(lambda: 5, every_s=0.01))
    while metrics.IN_FLIGHT._value.get() != 5:
        await asyncio.sleep(0.01)
    metrics.DEGRADED.add(("test_batched",))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert metrics.DEGRADED.labels("test_batched")._value.get() == 1
    assert metrics.IN_FLIGHT._value.get() == 0


def test_a_worker_asked_for_metrics_tells_its_own_up_to_this_moment(tmp_path: Path) -> None:
    """Also where they lie in files of several processes, without waiting for the next time they are written."""
    code = """
from edge import metrics
metrics.REQUESTS.add(("home", "200"))
metrics.RANKED.of().add(100)
metrics.STAGE_SECONDS.of("rank").add(0.0004)
print(metrics.exposition().decode())
"""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert 'endcap_requests_total{route="home",status="200"} 1.0' in told.stdout
    assert "endcap_ranked_candidates_sum 100.0" in told.stdout
    assert 'endcap_stage_seconds_bucket{le="0.0005",stage="rank"} 1.0' in told.stdout
