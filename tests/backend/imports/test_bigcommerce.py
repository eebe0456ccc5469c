"""BigCommerce's past into the event log: from its API, from files, gone on with where it was killed."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend import audit
from backend.imports.run import Declared, import_bigcommerce, run_bigcommerce
from backend.platforms.http import PlatformError
from backend.settings import Settings
from edge.core.snapshot import read_snapshot
from tests.backend.imports.conftest import ALL, logged, named
from tests.backend.platforms.shop_server import TOKEN, Platforms, bc_order, bc_product, running
from training.rules import DataError

Tell = Callable[[str, int, int], None]
AT = "Fri, 01 May 2026 10:00:00 +0000"
REFUND = {"id": 4, "created": "2026-05-09T10:00:00+00:00",
          "items": [{"item_type": "PRODUCT", "item_id": 20, "quantity": 1}]}  # fmt: skip


@pytest.fixture
def connected(settings: Settings) -> Iterator[tuple[Settings, Platforms]]:
    """Settings and the store they lead to: seven orders, three products."""
    with running() as platforms:
        url = f"{platforms.url}/stores/abc"
        given = Settings(bigcommerce_url=url, bigcommerce_token=TOKEN)
        platforms.bc_orders = [bc_order(number, AT) for number in range(1, 8)]
        platforms.bc_orders[1]["products"][0]["quantity_refunded"] = 1
        platforms.bc_orders[1]["refunds"] = [REFUND]
        platforms.bc_orders[2]["status_id"] = 0
        platforms.bc_products = [bc_product(number) for number in (201, 202)]
        platforms.bc_categories = [{"id": 1, "name": "Tea", "parent_id": 0}]
        platforms.bc_brands = [{"id": 5, "name": "Leaf"}]
        yield (
            settings.model_copy(update={"bigcommerce_url": url, "bigcommerce_token": given.bigcommerce_token}),
            platforms,
        )


def test_a_store_is_read_page_by_page(connected: tuple[Settings, Platforms], tell: Tell) -> None:
    """Orders, returns and products arrive; each page of orders leaves an audit line; no address is kept anywhere."""
    settings, _ = connected
    report = run_bigcommerce(settings, datetime(2026, 1, 1, tzinfo=UTC), ALL, tell)
    rows = logged(settings)
    assert [row["event_id"] for row in rows if row["type"] == "purchase-complete"] == [
        f"bigcommerce:order:{number}" for number in (1, 2, 4, 5, 6, 7)
    ]
    assert [(row["event_id"], row["quantity"]) for row in rows if row["type"] == "return"] == [
        ("bigcommerce:return:4", 1)
    ]
    assert {row["customer_id"] for row in rows} == {named("customer", "7")}
    assert (report.rows, report.products, report.left_out["incomplete order"]) == (7, 2, 1)
    (first, *_) = read_snapshot(settings.data_dir / "catalogue" / "demo.cat").products
    assert (first.category, first.brand, first.currency) == ("Tea", "Leaf", "USD")
    fetches = [entry for entry in audit.read(settings.data_dir) if entry.action == "fetch"]
    assert [entry.details["count"] for entry in fetches] == [3, 3, 1]
    for path in settings.data_dir.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes(), path


def test_a_run_that_was_cut_off_asks_for_no_page_twice(connected: tuple[Settings, Platforms], tell: Tell) -> None:
    """It goes on after the last page it has written, and the outcome is whole."""
    settings, platforms = connected
    declared = Declared(("analytics",))
    platforms.faults = ["ok"] * 7 + ["401"]
    with pytest.raises(PlatformError, match="scope"):
        run_bigcommerce(settings, None, declared, tell)
    before = [line for line in platforms.asked if line.endswith("/products")]
    platforms.faults, platforms.asked = [], []
    assert run_bigcommerce(settings, None, declared, tell).rows == 7
    again = {line for line in platforms.asked if line.endswith("/products") and "v2" in line}
    assert len(before) >= 3
    assert not {f"GET /stores/abc/v2/orders/{number}/products" for number in (1, 2, 3)} & again


def write(path: Path, content: Any) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(content))
    return path


def test_files_of_its_objects_do_as_well(settings: Settings, tmp_path: Path, tell: Tell) -> None:
    """As lists, as the API answers, or a line each; without lines an order is none."""
    lines = [json.dumps(bc_order(3, AT)), "", json.dumps(bc_order(4, AT, products={"url": "elsewhere"}))]
    (tmp_path / "orders-2.jsonl").write_text("\n".join(lines))
    files = [
        write(tmp_path / "orders-1.json", [bc_order(1, AT), bc_order(2, AT), {"id": "x", "products": []}]),
        tmp_path / "orders-2.jsonl",
        write(tmp_path / "products.json", {"data": [bc_product(201), {"id": 5}]}),
        write(tmp_path / "categories.json", [{"id": 1, "name": "Tea", "parent_id": 0}]),
    ]
    report = import_bigcommerce(settings, files, ALL, tell)
    assert [row["order_id"] for row in logged(settings)] == ["1", "2", "3"]
    assert report.left_out["order without its lines (`products` must be the list itself)"] == 1
    assert (report.left_out["order that cannot be read"], report.left_out["product that cannot be read"]) == (1, 1)
    assert [product.category for product in read_snapshot(settings.data_dir / "catalogue" / "demo.cat").products] == [
        "Tea"
    ]


def test_a_file_that_is_none_of_these_is_refused(settings: Settings, tmp_path: Path, tell: Tell) -> None:
    """By name, or by content."""
    with pytest.raises(DataError, match="begin with orders"):
        import_bigcommerce(settings, [write(tmp_path / "export.json", [])], ALL, tell)
    (tmp_path / "orders.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        import_bigcommerce(settings, [tmp_path / "orders.json"], ALL, tell)
