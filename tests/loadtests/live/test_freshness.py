"""How soon an event shows, against a real server and a real consumer in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from loadtests.live import freshness
from loadtests.live.freshness import Fresh, measure
from loadtests.server import RunError
from tests.serving import KEY, Running, Serve


@pytest.fixture
def consumer(serve: Serve) -> Iterator[Running]:
    """The small shop with its consumer beside it."""
    shop = serve()
    environment = {
        **os.environ,
        "REDIS_URL": str(shop.settings.redis_url),
        "ENDCAP_DATA_DIR": str(shop.settings.data_dir),
        "ENDCAP_PSEUDONYM_KEY": KEY,
    }
    process = subprocess.Popen([sys.executable, "-m", "backend", "consume"], env=environment)
    yield shop
    process.terminate()
    process.wait(20)


def test_events_show_on_the_next_page_and_reach_the_profile(consumer: Running) -> None:
    """Under a little load: no probe is missed, every wait is measured, the load really ran."""
    products = [f"p{number:03}" for number in range(1, 21)]
    fresh = measure(consumer.url, products, probes=4, pages_s=20, events_s=40)
    assert fresh.visit_missed == 0
    assert len(fresh.profile_ms) == 4
    assert fresh.pages > 0
    assert fresh.events > 0
    assert "4 probes: the next answer lacked what was just viewed 0 times" in str(fresh)


def test_without_a_consumer_it_says_so(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The visit shows, the profile never does."""
    monkeypatch.setattr(freshness, "_GIVE_UP_S", 0.3)
    with pytest.raises(RunError, match="is `python -m backend` running"):
        measure(serve().url, ["p001"], probes=1, pages_s=0, events_s=0)


def test_a_server_that_is_away_is_said_so() -> None:
    """At the first event."""
    with pytest.raises(RunError, match="events were answered 0"):
        measure("http://127.0.0.1:9", ["p001"], probes=1, pages_s=0, events_s=0)


def test_the_summary_names_percentiles() -> None:
    """p50, p95, p99 and the worst, and the load per second."""
    fresh = Fresh(0, [float(number) for number in range(1, 101)], pages=50, events=200, seconds=2.0)
    assert "50 / 95 / 99 ms" in str(fresh)
    assert "at most 100; meanwhile 25 pages/s and 100 events/s" in str(fresh)
