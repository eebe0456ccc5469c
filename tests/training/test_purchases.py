"""Purchases: what the collaborative baselines learn from, and nothing of the days after."""

from datetime import UTC, datetime
from pathlib import Path

from edge.core.ids import Ids
from training.dataset import Dataset, prepare
from training.facts import Facts
from training.pipeline import Windows
from training.purchases import collect

DAY = 20_574  # 2026-05-01
LINES = """event_id,type,time,product_id,customer_id,visitor_id,consent
o2,purchase-complete,2026-05-02T10:00:00Z,cake,anna,,analytics
o1,purchase-complete,2026-05-01T10:00:00Z,tea,anna,,analytics
o1,purchase-complete,2026-05-01T10:00:00Z,tea,anna,,analytics
o1,purchase-complete,2026-05-01T10:00:00Z,soap,anna,,analytics
v1,detail-page-view,2026-05-01T10:00:00Z,cake,anna,,analytics
o3,purchase-complete,2026-05-01T11:00:00Z,tea,,guest,analytics
o4,purchase-complete,2026-05-03T11:00:00Z,tea,,guest,analytics
o5,purchase-complete,2026-05-01T12:00:00Z,soap,ben,,personalization
"""


def shop(where: Path) -> Dataset:
    """Two shoppers who agreed to analytics, one who did not."""
    (where / "events.csv").write_text(LINES)
    (where / "products.csv").write_text("id,title,price\ntea,Tea,1\ncake,Cake,1\nsoap,Soap,1\n")
    return prepare(where, where / "prepared", now=datetime(2026, 6, 1, tzinfo=UTC))


def test_purchases_by_hand(tmp_path: Path) -> None:
    """Sorted by shopper and time, a product once per order; views, later days and shoppers without consent left out."""
    found = collect(shop(tmp_path), Ids.of(["cake", "soap", "tea"]).position, DAY + 2)
    assert found.rows == {"anna": 0, "guest": 1}
    assert found.shopper.tolist() == [0, 0, 0, 1]
    assert found.item.tolist() == [1, 2, 0, 2]
    assert found.order[0] == found.order[1]
    assert len(set(found.order.tolist())) == 3
    assert found.counts().toarray().tolist() == [[1, 1, 1], [0, 0, 1]]


def test_products_without_a_position_are_left_out(tmp_path: Path) -> None:
    """What the index does not know cannot be recommended."""
    found = collect(shop(tmp_path), Ids.of(["tea"]).position, DAY + 9)
    assert found.item.tolist() == [0, 0, 0]
    assert found.counts().toarray().tolist() == [[1], [2]]


def test_nothing_before_the_first_day(tmp_path: Path) -> None:
    """No purchase yet: no rows, no error."""
    found = collect(shop(tmp_path), Ids.of(["tea"]).position, DAY)
    assert found.rows == {}
    assert found.counts().shape == (0, 1)


def test_orders_of_a_shopper_rise_with_time(shop_dir: Dataset, facts: Facts, windows: Windows) -> None:
    """On the sample shop: as many purchases as lines before the day, each shopper's rows in one block."""
    position = Ids.of(facts.products["id"].to_pylist()).position
    found = collect(shop_dir, position, windows.label)
    wanted = facts.lines.filter(facts.lines.purchase & (facts.lines.day < windows.label))
    assert len(found.item) == wanted.select("order", "item").distinct().count().to_pyarrow().as_py()
    assert (found.shopper[1:] >= found.shopper[:-1]).all()
