"""BigCommerce's thin messages, through the running server."""

from typing import Any

import pytest

from edge.core.keys import overlay_key
from edge.core.products import decode_change
from edge.core.tasks import Erase, Fetch
from tests.edge.webhooks.conftest import Shop
from tests.edge.webhooks.signing import STORE

pytestmark = pytest.mark.store


def message(
    scope: str, id_: Any, hash_: str = "dd70c0976e06b67aaf671e73f49dcb79230ebf9d", **data: Any
) -> dict[str, Any]:
    """One message as it comes."""
    return {
        "scope": scope,
        "store_id": "1025646",
        "producer": f"stores/{STORE}",
        "hash": hash_,
        "created_at": 1_561_479_335,
        "data": {"type": scope.split("/")[1], "id": id_, **data},
    }


@pytest.mark.parametrize(
    ("scope", "id_", "kind"),
    [
        ("store/order/created", 250, "order"),
        ("store/order/statusUpdated", 250, "order"),
        ("store/product/updated", 205, "product"),
        ("store/cart/updated", "09346904-4175-44fd-be53-f7e598531b6c", "cart"),
        ("store/cart/lineItem/created", "09346904-4175-44fd-be53-f7e598531b6c", "cart"),
    ],
)
def test_a_thin_message_becomes_one_fetch(shop: Shop, scope: str, id_: Any, kind: str) -> None:
    """However often it is told: `hash` names it. Another change of the same object is another fetch."""
    for _ in range(3):
        answer = shop.bigcommerce(message(scope, id_))
        assert (answer.status_code, answer.content) == (200, b"")
    (task,) = shop.tasks()
    assert isinstance(task, Fetch)
    assert (task.platform, task.kind, task.object_id) == ("bigcommerce", kind, str(id_))
    shop.bigcommerce(message(scope, id_, "0" * 40))
    assert len(shop.tasks()) == 2


def available(shop: Shop, product_id: str) -> bool | None:
    """What the overlay says of a product's stock."""
    data: Any = shop.redis.hget(overlay_key("demo"), product_id)
    return decode_change(data).available if data else None


@pytest.mark.parametrize(("value", "expected"), [(0, False), (7, True)])
def test_stock_shows_before_the_backend_has_fetched_anything(shop: Shop, value: int, expected: bool) -> None:
    """Of a product as a whole, and absolute; what one variant has left says nothing of the others."""
    told = {"product_id": 206, "method": "absolute", "value": value}
    shop.bigcommerce(message("store/product/inventory/updated", 206, inventory=told))
    assert available(shop, "206") is expected
    relative = message("store/product/inventory/updated", 207, "1" * 40, inventory=told | {"method": "relative"})
    shop.bigcommerce(relative)
    assert available(shop, "207") is None
    sku = message("store/sku/inventory/updated", 461, "2" * 40, inventory=told | {"product_id": 208, "variant_id": 509})
    shop.bigcommerce(sku)
    assert available(shop, "208") is None
    fetched = [task.object_id for task in shop.tasks() if isinstance(task, Fetch)]
    assert fetched == ["206", "207", "208"]
    assert shop.bigcommerce(message("store/sku/created", 461, "3" * 40)).status_code == 200
    assert len(shop.tasks()) == 3


def test_a_deleted_product_is_gone_and_a_deleted_customer_forgotten(shop: Shop) -> None:
    """Nothing need be fetched for either; other news of customers are of no use."""
    shop.bigcommerce(message("store/product/deleted", 205))
    assert available(shop, "205") is False
    shop.bigcommerce(message("store/customer/updated", 32, "1" * 40))
    shop.bigcommerce(message("store/customer/deleted", 32, "2" * 40))
    (task,) = shop.tasks()
    assert isinstance(task, Erase)
    assert task.shoppers == (shop.name("customer", "32"),)


def test_another_stores_messages_are_refused(shop: Shop) -> None:
    """An app has one secret for all its stores."""
    assert shop.bigcommerce(message("store/order/created", 1) | {"producer": "stores/other"}).status_code == 403
    assert shop.tasks() == []


def test_what_is_unknown_or_unreadable_is_acknowledged(shop: Shop) -> None:
    """Refusals would block the whole destination."""
    assert shop.bigcommerce(message("store/shipment/created", 1)).status_code == 200
    for bad in (b"", b"[]", b"\xff", {"scope": "store/order/created", "producer": f"stores/{STORE}"}):
        assert shop.bigcommerce(bad).status_code == 200
    assert shop.bigcommerce(message("store/order/created", 1, "a:b c")).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("bigcommerce", "unknown", "unknown") >= 1
    assert shop.outcome("bigcommerce", "order", "unreadable") >= 2
