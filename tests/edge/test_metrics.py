"""The exposition, of one process and of several."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge import metrics

WORKER = """
from edge import metrics
metrics.REQUESTS.labels("home", "200").inc(2)
metrics.REQUEST_SECONDS.labels("home").observe(0.003)
metrics.BREAKER_OPEN.set({open})
metrics.CATALOGUE_PRODUCTS.labels("demo").set({products})
"""


def samples(text: str) -> dict[tuple[str, str], float]:
    """Sample values by name and the labels, written out."""
    return {
        (sample.name, ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def run(directory: Path, code: str) -> str:
    """What a worker with this metrics directory prints."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_metrics_of_all_workers_are_added_up(tmp_path: Path) -> None:
    """Whichever worker is asked: counters and times are sums, the catalogue and the breaker the largest value."""
    run(tmp_path, WORKER.format(open=1, products=120))
    run(tmp_path, WORKER.format(open=0, products=119))
    seen = samples(run(tmp_path, "from edge import metrics; print(metrics.exposition().decode())"))
    assert seen["endcap_requests_total", "route=home,status=200"] == 4
    assert seen["endcap_request_seconds_count", "route=home"] == 2
    assert seen["endcap_request_seconds_bucket", "le=0.002,route=home"] == 0
    assert seen["endcap_request_seconds_bucket", "le=0.005,route=home"] == 2
    assert seen["endcap_breaker_open", ""] == 1
    assert seen["endcap_catalogue_products", "shop=demo"] == 120


def test_requests_at_work_are_those_of_living_workers(tmp_path: Path) -> None:
    """A worker that was killed at work does not count for ever, once its launcher has said so."""
    killed = "import os; from edge import metrics; metrics.IN_FLIGHT.inc(); print(os.getpid(), flush=True); os._exit(9)"
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", killed], env=environment, capture_output=True, text=True, check=False)
    clean_up = f"""
from prometheus_client.multiprocess import mark_process_dead
from edge import metrics
mark_process_dead({int(done.stdout)})
metrics.IN_FLIGHT.inc(3)
print(metrics.exposition().decode())
"""
    assert samples(run(tmp_path, clean_up))["endcap_in_flight", ""] == 3


def test_one_process_tells_its_own() -> None:
    """As Prometheus text that its own parser reads, with every name under `endcap_` explained."""
    metrics.DEGRADED.labels("test_metrics").inc()
    text = metrics.exposition().decode()
    assert samples(text)["endcap_degraded_total", "what=test_metrics"] >= 1
    for family in text_string_to_metric_families(text):
        if family.name.startswith("endcap_"):
            assert family.documentation
