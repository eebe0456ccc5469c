"""A withdrawal reaches what lies behind the edge: links, a part of another's profile, the log, the history."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backend.event_log.store import EventLog
from backend.privacy.withdraw import withdraw
from backend.settings import Settings
from edge.core import keys
from tests.backend.consume.feed import SHOP, deny
from tests.backend.identity.conftest import A, Shop, V, W, act, look
from training.dataset import open_dataset, prepare

pytestmark = pytest.mark.store


async def test_without_personalization_nothing_leads_to_the_customer(shop: Shop, tmp_path: Path) -> None:
    """Aliases and links go, as the profile has; the log may stay where analytics is still granted."""
    settings = Settings(data_dir=tmp_path)
    await shop.take(look("milk", 1, visitor_id=V, customer_id=A))
    await shop.take(act("purchase-complete", "tea", minute=2, customer_id=A, order_id="o1"))
    deny(shop.redis, A, "analytics")
    assert (await withdraw(shop.client, settings, [A], ["analytics"]))["links"] == 2
    assert list(shop.redis.scan_iter("a:*")) == []
    assert list(shop.redis.scan_iter("l:*")) == []
    await shop.take(look("cake", 3, visitor_id=V, customer_id=A))
    assert list(shop.redis.scan_iter("a:*")) == []


async def test_a_visitors_part_leaves_the_customer(shop: Shop, tmp_path: Path) -> None:
    """The customer, who granted it, keeps the rest."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    deny(shop.redis, V)
    await withdraw(shop.client, Settings(data_dir=tmp_path), [V], [])
    assert shop.seen(A) == {"cake"}
    assert shop.profile(V) is None
    assert shop.redis.hgetall(keys.parts_key(SHOP, V)) == {}


async def test_without_analytics_the_log_forgets_and_training_does_not_learn(shop: Shop, tmp_path: Path) -> None:
    """Rows of the log go; lines of the history are no longer marked for training; others' stay."""
    settings = Settings(data_dir=tmp_path)
    log = EventLog.open(None, tmp_path)
    assert log
    log.write(SHOP, [look("milk", customer_id=A), look("milk", visitor_id=W)], "one")
    plain = tmp_path / "plain"
    plain.mkdir()
    day = datetime(2026, 9, 1, tzinfo=UTC).isoformat()
    rows = [f'{who},purchase-complete,{day},p1,{who},"analytics,personalization"' for who in (A, W)]
    (plain / "events.csv").write_text("\n".join(["event_id,type,time,product_id,customer_id,consent", *rows]))
    (plain / "products.csv").write_text("id,title,price\np1,Tea,1\n")
    prepare(plain, settings.dataset_dir)
    counts = await withdraw(shop.client, settings, [A], ["personalization"])
    assert counts == {"links": 0, "log_rows": 1, "history_rows": 1}
    (path,) = log.files(SHOP)
    assert pq.read_table(tmp_path / "events" / path, partitioning=None)["visitor_id"].to_pylist() == [W]
    dataset = open_dataset(settings.dataset_dir)
    assert dataset.summary.lines_by_consent["analytics"] == 1
    assert dataset.summary.lines_by_consent["personalization"] == 2
    assert (await withdraw(shop.client, settings, [A], ["personalization"]))["log_rows"] == 0
