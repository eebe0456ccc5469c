"""Shelves to read, and the check that they are whole and personal."""

import io
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from loadtests.ask import free_port
from loadtests.server import RunError
from loadtests.shelves import Wanted, last_baskets, show_shelves


def shown(shop: Any, wanted: Wanted) -> tuple[list[str], str]:
    """What is lacking, and what is printed."""
    out = io.StringIO()
    lacking = show_shelves(shop.url, wanted, Console(file=out, width=110))
    return lacking, out.getvalue()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A prepared data set of one customer with four baskets, and of others who must not appear."""
    rows = [
        ("o1", "c:1", "2026-01-01 10:00", "purchase-complete", "p1", 1),
        ("o2", "c:1", "2026-01-02 10:00", "purchase-complete", "p1", 2),
        ("o3", "c:1", "2026-01-03 10:00", "purchase-complete", "p2", 3),
        ("o3", "c:1", "2026-01-03 10:00", "purchase-complete", "p1", 4),
        ("o4", "c:1", "2026-01-04 10:00", "purchase-complete", "gone", 5),
        (None, "c:1", "2026-01-05 10:00", "detail-page-view", "p2", 6),
        ("o5", "v:1", "2026-01-06 10:00", "purchase-complete", "p2", 7),
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE l (order_id TEXT, shopper TEXT, time TIMESTAMP, type TEXT, product_id TEXT, line BIGINT)"
        )
        connection.executemany("INSERT INTO l VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute(
            "CREATE TABLE p AS SELECT * FROM (VALUES ('p1', 'Green Tea'), ('p2', 'Rye Bread')) t(id, title)"
        )
        connection.sql("SELECT *, 'e' || line AS event_id FROM l").write_parquet(str(tmp_path / "lines.parquet"))
        connection.sql("SELECT * FROM p").write_parquet(str(tmp_path / "products.parquet"))
    return tmp_path / "lines.parquet"


def test_all_surfaces_are_printed_with_titles_prices_and_reasons(shop: Any) -> None:
    """The homepage, a product page and a cart made from what the homepage shows."""
    lacking, text = shown(shop, Wanted(("1",)))
    assert lacking == []
    for word in ("Customer 1", "home", "pdp for Product p0", "cart for Product p0, Product p1", "For you", "personal",
                 "Product p3", "2.50 USD", "popular", "0.50", "model v1", "Every surface answered"):  # fmt: skip
        assert word in text, word


def test_product_and_cart_can_be_named(shop: Any) -> None:
    """Then these are asked about."""
    shown(shop, Wanted(("1",), product="p7", cart=("p8", "p9")))
    assert any("pdp?product_id=p7&" in path for path in shop.asked)
    assert any("cart?product_ids=p8,p9&" in path for path in shop.asked)


def test_several_customers_are_shown_one_after_the_other(shop: Any) -> None:
    """Each with all surfaces."""
    _, text = shown(shop, Wanted(("1", "2")))
    assert text.index("Customer 1") < text.index("Customer 2")
    assert len(shop.asked) == 6


def test_an_unknown_customer_lacks_something_personal(shop: Any) -> None:
    """On every surface; the check says by whom each shelf was served instead."""
    lacking, text = shown(shop, Wanted(("99",)))
    assert lacking == [f"{s} of customer 99: nothing personal (for_you popular)" for s in ("home", "pdp", "cart")]
    assert "lacking" in text


def test_degraded_answers_and_missing_models_are_lacking(shop: Any) -> None:
    """Both are said."""
    shop.degraded, shop.model_version = ["profile"], None
    lacking, _ = shown(shop, Wanted(("1",)))
    assert "home of customer 1: degraded: profile" in lacking
    assert "cart of customer 1: no model version" in lacking


def test_an_error_is_lacking_with_its_status(shop: Any) -> None:
    """Without a homepage there is no product to ask about either, unless one is named."""
    shop.status = 500
    lacking, _ = shown(shop, Wanted(("1",)))
    assert lacking[0].startswith("home of customer 1: status 500")
    assert lacking[1] == "pdp of customer 1: the homepage showed no product to ask about"
    lacking, _ = shown(shop, Wanted(("1",), product="p1", cart=("p1",)))
    assert [line[:4] for line in lacking] == ["home", "pdp ", "cart"]


def test_no_server_is_lacking_everything(shop: Any) -> None:
    """The reason is said, not thrown."""
    shop.url = f"http://127.0.0.1:{free_port()}"
    lacking, _ = shown(shop, Wanted(("1",)))
    assert "ConnectionRefusedError" in lacking[0]


def test_baskets_stand_above_the_shelves(shop: Any, lines: Path) -> None:
    """The last three, so that the reader sees whether the shelves fit them."""
    _, text = shown(shop, Wanted(("1", "2"), baskets=lines))
    assert text.index("2026-01-04") < text.index("For you")
    assert "Rye Bread, Green Tea" in text
    assert "no baskets in the data set" in text


def test_the_last_three_baskets_are_read_oldest_first(lines: Path) -> None:
    """Purchases only, of this customer only; a product without a title keeps its id."""
    assert last_baskets(lines, "1") == [
        ("2026-01-02", ["Green Tea"]),
        ("2026-01-03", ["Rye Bread", "Green Tea"]),
        ("2026-01-04", ["gone"]),
    ]
    assert last_baskets(lines, "7") == []


def test_a_data_set_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A wrong path is a common mistake."""
    with pytest.raises(RunError, match=r"cannot read the baskets in .*nothing\.parquet"):
        last_baskets(tmp_path / "nothing.parquet", "1")
