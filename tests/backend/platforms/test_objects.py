"""What orders and products of the platforms become: same names, same quantities, nobody's address."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from backend.platforms import adobe_objects, bigcommerce_objects, shopify_objects
from backend.platforms.http import PlatformError
from backend.platforms.taken import Taken, checked, checked_product, money
from edge.core.events import Event, Line
from edge.core.products import Product
from tests.backend.platforms.shop_server import (
    adobe_order,
    adobe_product,
    bc_order,
    bc_product,
    gid,
    shopify_line,
    shopify_order,
    shopify_product,
)

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 5, 10, tzinfo=UTC)
MAIL = "Sun, 01 Nov 2026 10:00:00 +0000"


def shopify(node: dict[str, Any]) -> Taken:
    """An order of Shopify's, translated."""
    return shopify_objects.order_events(shopify_objects.read(node, shopify_objects.OrderNode))


def bigcommerce(order: dict[str, Any]) -> Taken:
    """An order of BigCommerce's, translated."""
    return bigcommerce_objects.order_events(bigcommerce_objects.read_order(order))


def adobe(order: dict[str, Any]) -> Taken:
    """An order of Adobe's, translated."""
    return adobe_objects.order_events(adobe_objects.read_order(order))


def test_a_shopify_order_is_a_purchase() -> None:
    """Under the name that its webhook gives it, with list price and discount per unit."""
    (event,) = shopify(shopify_order(1, AT)).events
    assert (event.id, event.type, event.time) == ("shopify:order:1", "purchase-complete", AT)
    assert (event.customer_id, event.order_id, event.currency) == ("7", "1", "EUR")
    assert event.products == (Line("101", "1010", 2, 5.0, 1.0), Line("102", "1020", 1, 3.5))


def test_each_refund_is_a_return_where_refunds_say_what_came_back() -> None:
    """Of one order asked for by itself; lines that are no product of ours do not come back."""
    lines = [{"quantity": 1, "lineItem": {"id": gid("LineItem", 11)}}, {"quantity": 1, "lineItem": {"id": "x"}}]
    refund = {"id": gid("Refund", 5), "createdAt": LATER.isoformat(), "refundLineItems": {"nodes": lines}}
    money_only = {"id": gid("Refund", 6), "createdAt": LATER.isoformat(), "refundLineItems": {"nodes": []}}
    bought, back = shopify(shopify_order(1, AT, refunds=[refund, money_only])).events
    assert (back.id, back.type, back.time, back.order_id) == ("shopify:return:5", "return", LATER, "1")
    assert back.products == (Line("101", "1010", 1, 5.0, 1.0),)
    assert bought.products[0].quantity == 2


def test_in_bulk_what_lines_have_lost_is_the_last_refunds() -> None:
    """Bulk queries may not look into refunds."""
    refunds = [{"id": gid("Refund", n), "createdAt": f"2026-11-0{n}T00:00:00Z"} for n in (3, 5, 4)]
    lines = {"nodes": [shopify_line(11, 101, 3, currentQuantity=1), shopify_line(12, 102)]}
    _, back = shopify(shopify_order(1, AT, refunds=refunds, lineItems=lines)).events
    assert (back.id, [(line.product_id, line.quantity) for line in back.products]) == ("shopify:return:5", [("101", 2)])


def test_a_cancelled_order_comes_back_whole() -> None:
    """Once: by its refund where there is one."""
    _, back = shopify(shopify_order(1, AT, cancelledAt=LATER.isoformat())).events
    assert (back.id, back.type, back.time, len(back.products)) == ("shopify:cancelled:1", "return", LATER, 2)
    refunds = [{"id": gid("Refund", 5), "createdAt": LATER.isoformat()}]
    lines = {"nodes": [shopify_line(11, 101, 3, currentQuantity=0)]}
    events = shopify(shopify_order(1, AT, cancelledAt=LATER.isoformat(), refunds=refunds, lineItems=lines)).events
    assert [event.id for event in events] == ["shopify:order:1", "shopify:return:5"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"test": True}, "test order"),
        ({"customer": None}, "order without a customer"),
        ({"lineItems": {"nodes": [shopify_line(1, None)]}}, "order without a product"),
        ({"lineItems": {"nodes": [shopify_line(1, 5, isGiftCard=True)]}}, "order without a product"),
    ],
)
def test_what_is_no_purchase_of_a_shopper_is_left_out(changed: dict[str, Any], reason: str) -> None:
    """And counted by reason."""
    taken = shopify(shopify_order(1, AT) | changed)
    assert taken.events == []
    assert reason in taken.skipped


def test_an_order_has_as_many_lines_as_an_event() -> None:
    """The rest is counted."""
    taken = shopify(shopify_order(1, AT, lineItems={"nodes": [shopify_line(n, n) for n in range(1, 206)]}))
    assert len(taken.events[0].products) == 200
    assert taken.skipped == ["more than 200 lines in one order"] * 5


def test_a_shopify_product_is_a_card() -> None:
    """With the first variant that can be bought, its price before, and the shop's own category."""
    node = shopify_product(101)
    sold_out = node["variants"]["nodes"][0] | {"id": gid("ProductVariant", 1), "position": 0, "availableForSale": False}
    node["variants"]["nodes"].append(sold_out)
    card = shopify_objects.product_card(shopify_objects.read(node, shopify_objects.ProductNode), "EUR")
    assert card == Product(
        "101", "Product 101", 3.5, "EUR", 4.0, True, "Tea > Green", "Leaf", "product-101", "/products/product-101",
        "https://cdn.test/p.png", "1010", 20_455,
    )  # fmt: skip
    bare = shopify_product(1, productType="", featuredMedia=None, publishedAt=None, status="DRAFT")
    card = shopify_objects.product_card(shopify_objects.read(bare, shopify_objects.ProductNode), "EUR")
    assert (card.category, card.image, card.available) == ("Drinks", None, False)


def test_a_listing_carries_stock_for_stock_messages() -> None:
    """Variant, inventory item, quantity, and whether it sells without stock."""
    node = shopify_product(101)
    endless = node["variants"]["nodes"][0] | {
        "id": gid("ProductVariant", 2),
        "position": 2,
        "inventoryPolicy": "CONTINUE",
    }
    untracked = endless | {
        "id": gid("ProductVariant", 3),
        "inventoryPolicy": "DENY",
        "inventoryItem": {"id": "i", "tracked": False},
    }
    node["variants"]["nodes"] += [endless, untracked]
    listing = shopify_objects.listing(shopify_objects.read(node, shopify_objects.ProductNode), "EUR")
    assert [(one.id, one.item, one.quantity, one.endless) for one in listing.variants] == [
        ("1010", "10100", 3, False), ("2", "10100", 3, True), ("3", "i", 3, True),
    ]  # fmt: skip
    assert (listing.id, listing.on_sale, listing.time) == ("101", True, datetime(2026, 5, 1, tzinfo=UTC).timestamp())


def test_a_product_without_a_price_is_no_card() -> None:
    """Shown for nothing, it would be sold for nothing."""
    for price in (None, "free", "-1"):
        node = shopify_product(1)
        node["variants"]["nodes"][0]["price"] = price
        with pytest.raises(PlatformError, match="no price"):
            shopify_objects.product_card(shopify_objects.read(node, shopify_objects.ProductNode), "EUR")
    with pytest.raises(PlatformError, match="no price"):
        bigcommerce_objects.read_product(bc_product(1, price=None), {}, {}, "USD")
    with pytest.raises(PlatformError, match="no price"):
        adobe_objects.read_product(adobe_product("HAT", price=None), "USD")


def test_a_bigcommerce_order_is_a_purchase_with_its_returns() -> None:
    """Price with tax, discount per unit, a return per refund of products."""
    items = [{"item_type": "PRODUCT", "item_id": 10, "quantity": 1}, {"item_type": "SHIPPING", "quantity": 1}]
    refunds = [{"id": 4, "created": "2026-11-05T10:00:00+00:00", "items": items},
               {"id": 5, "created": "2026-11-05T10:00:00+00:00", "items": items[1:]}]  # fmt: skip
    bought, back = bigcommerce(bc_order(1, MAIL, refunds=refunds)).events
    assert (bought.id, bought.time, bought.customer_id) == ("bigcommerce:order:1", AT, "7")
    assert bought.products == (Line("201", "301", 2, 6.0, 0.5),)
    assert (back.id, back.time, back.products[0].quantity) == ("bigcommerce:return:4", LATER, 1)


def test_a_cancelled_order_of_bigcommerce_comes_back() -> None:
    """As with Shopify."""
    bought, back = bigcommerce(bc_order(1, MAIL, status_id=5, date_modified="2026-11-05T10:00:00")).events
    assert (back.id, back.time, back.products) == ("bigcommerce:cancelled:1", LATER, bought.products)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status_id": 0}, "incomplete order"),
        ({"status_id": 6}, "declined order"),
        ({"is_deleted": True}, "deleted order"),
        ({"customer_id": 0}, "order without a customer"),
        ({"products": [{"id": 1, "product_id": 0}]}, "order without a product"),
        ({"products": [{"id": 1, "product_id": 5, "type": "giftcertificate"}]}, "order without a product"),
    ],
)
def test_what_never_was_an_order_of_bigcommerce_is_left_out(changed: dict[str, Any], reason: str) -> None:
    """And counted by reason."""
    taken = bigcommerce(bc_order(1, MAIL) | changed)
    assert taken.events == []
    assert reason in taken.skipped


def test_a_bigcommerce_product_is_a_card() -> None:
    """Its longest category path, its brand's name; a ring of categories ends."""
    categories: dict[int, dict[str, Any]] = {
        1: {"name": "Tea", "parent_id": 2}, 2: {"name": "Drinks", "parent_id": 1}, 3: {"name": "Sale", "parent_id": 0},
    }  # fmt: skip
    brands = {5: {"name": "Leaf"}}
    product = bc_product(9, sale_price=4.5, categories=[3, 1])
    card = bigcommerce_objects.read_product(product, categories, brands, "USD")
    assert card == Product(
        "9", "Product 9", 4.5, "USD", 8.0, True, "Drinks > Tea", "Leaf", "", "/product-9/", "https://cdn.test/b.png",
        "301", 20_454,
    )  # fmt: skip
    for changed in ({"inventory_level": 0}, {"availability": "disabled"}, {"is_visible": False}):
        assert not bigcommerce_objects.read_product(bc_product(9, **changed), {}, {}, "USD").available


def test_an_adobe_order_is_a_purchase_with_its_returns() -> None:
    """Inner lines of configurable products do not count twice; a return per credit memo."""
    memo = {"entity_id": 8, "order_id": 1, "created_at": "2026-11-05 10:00:00",
            "items": [{"order_item_id": 1, "qty": 1}, {"order_item_id": 2, "qty": 1}]}  # fmt: skip
    bought, back = adobe(adobe_order(1, "2026-11-01 10:00:00") | {"creditmemos": [memo, memo | {"items": []}]}).events
    assert (bought.id, bought.time) == ("adobe:order:1", AT)
    assert bought.products == (Line("SHIRT-RED", None, 2, 10.0, 2.0), Line("HAT", None, 1, 5.0))
    assert (back.id, back.time, back.products) == ("adobe:return:8", LATER, (Line("SHIRT-RED", None, 1, 10.0, 2.0),))
    assert adobe(adobe_order(1, "2026-11-01 10:00:00", state="canceled")).skipped == ["cancelled order"]


def test_an_adobe_product_is_a_card() -> None:
    """With its special price, by SKU; hidden and sold out ones are not available."""
    card = adobe_objects.read_product(adobe_product("HAT"), "USD")
    assert (card.id, card.price, card.compare_at_price, card.url) == ("HAT", 8.0, 10.0, "/the-hat.html")
    assert (card.image, card.available) == ("/media/catalog/product/h/hat.png", True)
    gone: list[dict[str, Any]] = [
        {"status": 2}, {"visibility": 1}, {"extension_attributes": {"stock_item": {"is_in_stock": False}}}
    ]  # fmt: skip
    for changed in gone:
        assert not adobe_objects.read_product(adobe_product("HAT", **changed), "USD").available


def test_nothing_of_another_shape_is_taken() -> None:
    """Each with the platform's name."""
    with pytest.raises(PlatformError, match="Shopify's OrderNode"):
        shopify({"id": "gid://shopify/Order/1"})
    with pytest.raises(PlatformError, match="BigCommerce's Order"):
        bigcommerce({"id": "x"})
    with pytest.raises(PlatformError, match="no time of BigCommerce"):
        bigcommerce(bc_order(1, "yesterday"))
    with pytest.raises(PlatformError, match="Adobe Commerce's Order"):
        adobe({})
    with pytest.raises(PlatformError, match="no time of Adobe"):
        adobe(adobe_order(1, "yesterday"))


def test_what_is_taken_keeps_the_rules_of_events_and_cards() -> None:
    """As if a page had sent it."""
    event = Event("e", "purchase-complete", AT, customer_id="7", products=(Line("p", quantity=20_000),))
    with pytest.raises(PlatformError, match="no valid event"):
        checked([event])
    fine = msgspec.structs.replace(event, products=(Line("p"),))
    assert checked([fine]) == [fine]
    with pytest.raises(PlatformError, match="no valid card"):
        checked_product(Product("p", "", 1.0))


AMOUNTS = [("12.50", 12.5), (3, 3.0), (None, None), ("", None), ("x", None), ("nan", None), ("inf", None), (-1, None)]


@pytest.mark.parametrize(("text", "amount"), AMOUNTS)
def test_amounts_are_numbers_or_nothing(text: str | float | None, amount: float | None) -> None:
    """As platforms write them."""
    assert money(text) == amount


def test_no_address_reaches_an_event() -> None:
    """Whatever an order carries, only what is named here goes on."""
    for taken in (bigcommerce(bc_order(1, MAIL)), shopify(shopify_order(1, AT) | {"email": "canary@secret.test"})):
        assert b"canary" not in msgspec.json.encode(taken.events)
