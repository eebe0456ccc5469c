"""The log's commands as people run them: from the stream to the data set, and what `none` means to each."""

import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from redis import Redis

from backend.event_log.store import EventLog
from edge.core import keys
from edge.core.consent import Decision, encode_decision
from edge.core.products import Change, encode_change
from tests.backend.event_log.handmade import event, order
from tests.backend.program import backend
from training.dataset import open_dataset

pytestmark = pytest.mark.store

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(data_dir: Path, session_store: str, redis: "Redis") -> Command:
    """`python -m backend ...` on the test's data directory and store."""
    return partial(backend, ENDCAP_DATA_DIR=str(data_dir), REDIS_URL=session_store)


def send(redis: "Redis", number: int) -> None:
    """Yesterday's orders of three customers, each of two products of the sample shop."""
    for at in range(number):
        when = datetime.now(UTC) - timedelta(days=1, minutes=number - at)
        products = order(at, f"k.c{at % 3}", time=when)
        line = msgspec.structs.replace(products.products[0], product_id="p001")
        other = msgspec.structs.replace(line, product_id="brand-new")
        redis.xadd(
            keys.events_key("demo"),
            {"e": msgspec.json.encode(msgspec.structs.replace(products, products=(line, other)))},
        )


def test_from_the_stream_to_the_data_set(command: Command, data_dir: Path, redis: "Redis") -> None:
    """Log, compact, prepare: with a product listed after the snapshot, without a customer who denied meanwhile."""
    log = EventLog(str(data_dir / "events"))
    for _ in range(2):
        send(redis, 6)
        done = command("log", "--once")
        assert (done.returncode, done.stderr) == (0, "")
        assert "6 events written" in done.stdout
    done = command("compact")
    assert (done.returncode, done.stderr) == (0, "")
    assert "compacted" in done.stdout
    assert len(log.files("demo")) == len(log.days("demo"))
    denial = Decision("demo", "k.c1", (), time.time(), "erased")
    redis.set(keys.consent_key("demo", "k.c1"), encode_decision(denial))
    assert command("listing", "brand-new", "--title", "New Tea", "--price", "4").returncode == 0
    done = command("prepare")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shoppers are pseudonyms" in done.stdout
    dataset = open_dataset(data_dir / "datasets" / "demo")
    assert dataset.summary.shoppers == 2
    assert {line["product_id"] for line in dataset.lines().to_pyarrow().to_pylist()} == {"p001", "brand-new"}
    assert {shopper for _, shopper, _ in dataset.replay()} == {"k.c0", "k.c2"}
    assert command("refresh").returncode == 0
    assert redis.exists(keys.profile_key("demo", "k.c0"))


def test_a_price_of_before_the_snapshot_does_not_come_back(command: Command, data_dir: Path, redis: "Redis") -> None:
    """Only what changed after it counts, and a price for a product that nobody knows is none."""
    EventLog(str(data_dir / "events")).write("demo", [event("a", "detail-page-view", "p001")], "a")
    overlay = keys.overlay_key("demo")
    redis.hset(overlay, "p001", encode_change(Change("p001", -1.0, price=77.0)))
    redis.hset(overlay, "p002", encode_change(Change("p002", time.time(), price=78.0)))
    redis.hset(overlay, "unknown", encode_change(Change("unknown", time.time(), price=79.0)))
    done = command("prepare")
    assert (done.returncode, done.stderr) == (0, "")
    prices = {product.id: product.price for product in open_dataset(data_dir / "datasets" / "demo").catalogue()}
    assert prices["p001"] != 77.0
    assert prices["p002"] == 78.0
    assert "unknown" not in prices


def test_none_is_said_by_every_command(command: Command, data_dir: Path) -> None:
    """Training then reads the platform's order history; nothing is written."""
    for name in ("log", "compact"):
        done = command(name, EVENT_LOG="none")
        assert (done.returncode, done.stderr) == (0, "")
        assert "events are not kept" in done.stdout
    done = command("prepare", EVENT_LOG="none")
    assert done.returncode == 2
    assert "`python -m training prepare`" in done.stderr
    assert not (data_dir / "events").exists()


@pytest.mark.parametrize(
    ("setting", "words"), [("ftp://example/log", "cannot be used as a place"), ("memory:///", "holds nothing of shop")]
)
def test_a_log_that_cannot_be_used_is_said(command: Command, setting: str, words: str) -> None:
    """In one line."""
    done = command("prepare", ENDCAP_EVENT_LOG=setting)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
