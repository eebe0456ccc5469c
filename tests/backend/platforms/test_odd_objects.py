"""Payloads as platforms really send them, field by field: absent prices, odd states, fractions, times of any shape."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from backend.platforms import adobe_objects, bigcommerce_objects, shopify_objects
from backend.platforms.http import PlatformError
from backend.platforms.shopify_objects import CustomerNode, OrderNode, ProductNode, order_events, product_card, read
from backend.platforms.taken import Taken, cancelled_event, merged, order_event, return_event, units
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


def shopify(**changed: Any) -> Taken:
    """Order 1 of Shopify's with some fields changed, translated."""
    return order_events(read(shopify_order(1, AT) | changed, OrderNode))


def bigcommerce(**changed: Any) -> Taken:
    """Order 1 of BigCommerce's with some fields changed, translated."""
    return bigcommerce_objects.order_events(bigcommerce_objects.read_order(bc_order(1, MAIL, **changed)))


def adobe(**changed: Any) -> Taken:
    """Order 1 of Adobe's with some fields changed, translated."""
    return adobe_objects.order_events(adobe_objects.read_order(adobe_order(1, "2026-11-01 10:00:00", **changed)))


def card(**changed: Any) -> Product:
    """Product 1 of Shopify's with some fields changed, as a card."""
    return product_card(read(shopify_product(1, **changed), ProductNode), "EUR")


# --- shopify ---------------------------------------------------------------------------------------------------------


def test_an_imported_old_order_counts_when_it_was_processed() -> None:
    """`processedAt` is when it was bought; `createdAt`, when it was entered, only stands in for it."""
    assert shopify(processedAt=LATER.isoformat()).events[0].time == LATER
    assert shopify(processedAt=None).events[0].time == AT


@pytest.mark.parametrize(
    ("price", "paid", "expected"),
    [
        ("5.00", "4.00", (5.0, 1.0)),
        ("5.00", "5.00", (5.0, None)),
        ("5.00", "6.00", (5.0, None)),
        ("5.00", "4.99995", (5.0, None)),
        ("0.00", "0.00", (0.0, None)),
        ("free", "4.00", (None, None)),
    ],
)
def test_a_lines_discount_is_what_list_price_and_paid_price_differ_by(
    price: str, paid: str, expected: tuple[float | None, float | None]
) -> None:
    """Never below nothing, and none where one of the two is unknown."""
    (event,) = shopify(lineItems={"nodes": [shopify_line(11, 101, 1, price, paid)]}).events
    assert (event.products[0].price, event.products[0].discount) == expected


def test_a_line_without_prices_or_variant_is_still_a_purchase() -> None:
    """Of its product; a line of a product that was deleted since is counted as left out."""
    bare = {"originalUnitPriceSet": None, "discountedUnitPriceAfterAllDiscountsSet": None, "variant": None}
    nodes = [shopify_line(12, 101, 2) | bare, shopify_line(11, None)]
    taken = shopify(lineItems={"nodes": nodes})
    assert taken.events[0].products == (Line("101", None, 2),)
    assert taken.skipped == ["line without a product of the catalogue, or a gift card"]


def test_lines_stand_in_the_order_of_their_ids_wherever_they_came_from() -> None:
    """Whole with the order or apart from it: the same event."""
    together = shopify(lineItems={"nodes": [shopify_line(12, 102), shopify_line(11, 101)]}).events
    apart = [
        read(shopify_line(number, product), shopify_objects.LineNode) for number, product in ((11, 101), (12, 102))
    ]
    order = read(shopify_order(1, AT, lineItems={"nodes": []}), OrderNode)
    assert order_events(order, apart).events == order_events(order, reversed(apart)).events == together


def test_a_refund_of_money_only_is_no_return_and_hides_no_cancellation() -> None:
    """Nothing came back by it; what was cancelled came back whole."""
    refund = {"id": gid("Refund", 5), "createdAt": LATER.isoformat()}
    assert [event.type for event in shopify(refunds=[refund]).events] == ["purchase-complete"]
    cancelled = shopify(refunds=[refund], cancelledAt=LATER.isoformat()).events
    assert [event.id for event in cancelled] == ["shopify:order:1", "shopify:cancelled:1"]


def test_a_return_has_the_orders_shopper_number_and_currency() -> None:
    """Only id, type, time and lines are its own."""
    lines = {"nodes": [{"quantity": 2, "lineItem": {"id": gid("LineItem", 11)}}]}
    bought, back = shopify(
        refunds=[{"id": gid("Refund", 5), "createdAt": LATER.isoformat(), "refundLineItems": lines}]
    ).events
    assert (back.customer_id, back.order_id, back.currency, back.source) == ("7", "1", "EUR", "import")
    assert (bought.customer_id, bought.source, bought.consent) == ("7", "import", ())


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"handle": ""}, "url", ""),
        ({"vendor": "Mill"}, "brand", "Mill"),
        ({"publishedAt": None}, "available", False),
        ({"publishedAt": None}, "listed", 20_454),
        ({"publishedAt": None, "createdAt": None}, "listed", 0),
        ({"status": "ARCHIVED"}, "available", False),
        ({"productType": "", "category": None}, "category", ""),
        ({"featuredMedia": {"preview": None}}, "image", None),
        ({"featuredMedia": {"preview": {"image": None}}}, "image", None),
        ({"id": "77"}, "id", "77"),
        ({"publishedAt": "2026-01-02T23:30:00-05:00"}, "listed", 20_456),
    ],
)
def test_what_a_card_says_where_shopify_says_little(changed: dict[str, Any], field: str, value: Any) -> None:
    """Empty or none, never a guess; days are UTC's."""
    assert getattr(card(**changed), field) == value


def test_a_card_shows_the_first_variant_that_can_be_bought() -> None:
    """By position, not by place; with none to buy the first is shown and the product is not available."""
    variants = [
        {"id": gid("ProductVariant", number), "position": at, "price": price, "availableForSale": sold}
        for number, at, price, sold in ((1, 3, "9.00", True), (2, 2, "7.00", True), (3, 1, "5.00", False))
    ]
    shown = card(variants={"nodes": variants})
    assert (shown.variant_id, shown.price, shown.available) == ("2", 7.0, True)
    shown = card(variants={"nodes": [one | {"availableForSale": False} for one in variants]})
    assert (shown.variant_id, shown.price, shown.available) == ("3", 5.0, False)


@pytest.mark.parametrize(
    ("before", "shown"), [("4.00", 4.0), ("3.50", None), ("3.00", None), (None, None), ("x", None)]
)
def test_a_price_before_is_shown_only_where_it_was_higher(before: str | None, shown: float | None) -> None:
    """On the card and on the listing's variants alike."""
    node = shopify_product(1)
    node["variants"]["nodes"][0]["compareAtPrice"] = before
    product = read(node, ProductNode)
    assert product_card(product, "EUR").compare_at_price == shown
    assert shopify_objects.listing(product, "EUR").variants[0].compare_at_price == shown


def test_a_listing_without_any_time_is_older_than_every_message() -> None:
    """So that stock messages are laid over it."""
    product = read(shopify_product(1, updatedAt=None, createdAt=None, publishedAt=None), ProductNode)
    listing = shopify_objects.listing(product, "EUR")
    assert (listing.time, listing.on_sale) == (0.0, False)
    created = read(shopify_product(1, updatedAt=None), ProductNode)
    assert shopify_objects.listing(created, "EUR").time == datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("fields", "wants"),
    [
        ({}, False),
        ({"defaultEmailAddress": {"marketingState": "SUBSCRIBED"}}, True),
        ({"defaultEmailAddress": {"marketingState": "UNSUBSCRIBED"}}, False),
        ({"defaultEmailAddress": {"marketingState": None}}, False),
        ({"emailMarketingConsent": {"marketingState": "SUBSCRIBED"}}, True),
        ({"defaultEmailAddress": {"marketingState": "PENDING"},
          "emailMarketingConsent": {"marketingState": "SUBSCRIBED"}}, False),
    ],
)  # fmt: skip
def test_mail_is_wanted_by_those_who_said_so(fields: dict[str, Any], *, wants: bool) -> None:
    """The new field counts where both are there; silence and a pending answer are no agreement."""
    assert read({"id": gid("Customer", 1), **fields}, CustomerNode).wants_mail is wants


# --- bigcommerce -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (MAIL, AT),
        ("Sun, 01 Nov 2026 12:00:00 +0200", AT),
        ("Sun, 01 Nov 2026 10:00:00 -0000", AT),
        ("2026-11-01T10:00:00Z", AT),
        ("2026-11-01T12:00:00+02:00", AT),
        ("2026-11-01T10:00:00", AT),
    ],
)
def test_times_of_bigcommerce_come_in_two_shapes(text: str, time: datetime) -> None:
    """Mail's and ISO 8601's; without a zone they are UTC."""
    assert bigcommerce_objects.read_time(text) == time


@pytest.mark.parametrize("text", ["", "yesterday", "Sun, 99 Nov 2026 10:00:00 +0000", "2026-13-01"])
def test_no_time_of_bigcommerce_is_quoted_in_the_error(text: str) -> None:
    """So that the field can be found."""
    with pytest.raises(PlatformError, match="is no time of BigCommerce") as failure:
        bigcommerce_objects.read_time(text)
    assert repr(text) in str(failure.value)


@pytest.mark.parametrize("quantity", [0, -1, 0.5, "nan", "inf"])
def test_a_line_of_no_whole_unit_is_none(quantity: float | str) -> None:
    """On both platforms that write fractions; one bad number stops no import."""
    line = {"id": 10, "product_id": 5, "quantity": quantity}
    assert bigcommerce(products=[line]).skipped == ["order without a product"]
    item = {"item_id": 1, "sku": "HAT", "qty_ordered": quantity}
    assert adobe(items=[item]).skipped == ["order without a product"]


def test_fractions_are_rounded_down_and_discounts_shared_over_units() -> None:
    """2.9 units are two; several discounts of a line add up, those without an amount count nothing."""
    discounts = [{"amount": "2.0000"}, {"amount": 1}, {"amount": None}, {"amount": "x"}]
    line = {
        "id": 10,
        "product_id": 5,
        "variant_id": 0,
        "quantity": "4",
        "price_inc_tax": "",
        "applied_discounts": discounts,
    }
    assert bigcommerce(products=[line]).events[0].products == (Line("5", None, 4, None, 0.75),)
    assert (units(2.9), units(-2.9), units(float("nan")), units(float("-inf"))) == (2, -2, 0, 0)


def test_a_cancelled_orders_refunds_do_not_come_back_twice() -> None:
    """It came back whole already; without a time of change, when it was made."""
    items = [{"item_type": "PRODUCT", "item_id": 10, "quantity": 1}]
    refunds = [{"id": 4, "created": "2026-11-05T10:00:00+00:00", "items": items}]
    bought, back = bigcommerce(status_id=5, refunds=refunds, date_modified=None).events
    assert (back.id, back.time) == ("bigcommerce:cancelled:1", bought.time)


def test_a_guests_refund_is_left_out_with_the_order() -> None:
    """There is nobody it could come back from."""
    items = [{"item_type": "PRODUCT", "item_id": 10, "quantity": 1}]
    refunds = [{"id": 4, "created": "nonsense that is never read", "items": items}]
    taken = bigcommerce(customer_id=0, refunds=refunds)
    assert (taken.events, taken.skipped) == ([], ["order without a customer"])


@pytest.mark.parametrize(
    ("changed", "price", "before"),
    [
        ({}, 6.0, 8.0),
        ({"sale_price": 4}, 4.0, 8.0),
        ({"sale_price": 4, "retail_price": 0}, 4.0, 6.0),
        ({"sale_price": 7}, 6.0, 8.0),
        ({"sale_price": "", "retail_price": None}, 6.0, None),
        ({"price": "0", "retail_price": "0"}, 0.0, None),
    ],
)
def test_the_price_of_bigcommerce_is_the_lower_of_regular_and_sale(
    changed: dict[str, Any], price: float, before: float | None
) -> None:
    """And the price before is the highest it ever names."""
    found = bigcommerce_objects.read_product(bc_product(1, **changed), {}, {}, "USD")
    assert (found.price, found.compare_at_price) == (price, before)


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"inventory_tracking": "none", "inventory_level": 0}, "available", True),
        ({"inventory_tracking": "variant", "inventory_level": 0}, "available", False),
        ({"availability": "preorder"}, "available", False),
        ({"images": []}, "image", None),
        ({"images": [{"url_standard": "a"}, {"url_standard": "b", "is_thumbnail": True}]}, "image", "b"),
        ({"variants": [{"id": 1, "purchasing_disabled": True}, {"id": 2}]}, "variant_id", "2"),
        ({"variants": []}, "variant_id", None),
        ({"custom_url": None}, "url", ""),
        ({"date_created": None}, "listed", 0),
        ({"brand_id": None}, "brand", ""),
        ({"brand_id": 404}, "brand", ""),
        ({"categories": [404]}, "category", ""),
    ],
)
def test_what_a_card_says_where_bigcommerce_says_little(changed: dict[str, Any], field: str, value: Any) -> None:
    """Stock only where it is tracked; names only where they are known."""
    found = bigcommerce_objects.read_product(bc_product(1, **changed), {}, {5: {"name": "Leaf"}}, "USD")
    assert getattr(found, field) == value


@pytest.mark.parametrize("parent", [None, 0, "0", "", "x", -1, 404])
def test_a_category_whose_parent_is_unknown_is_a_root(parent: Any) -> None:
    """Whatever stands there."""
    categories = {1: {"name": "Tea", "parent_id": parent}, 2: {"name": "Green", "parent_id": "1"}}
    found = bigcommerce_objects.read_product(bc_product(1, categories=[2]), categories, {}, "USD")
    assert found.category == "Tea > Green"


# --- adobe -----------------------------------------------------------------------------------------------------------


def test_times_of_adobe_are_utc_unless_they_name_a_zone() -> None:
    """Its REST API names none; exports and extensions may."""
    assert adobe_objects.read_time("2026-11-01 10:00:00") == AT
    assert adobe_objects.read_time("2026-11-01T12:00:00+02:00") == AT
    assert adobe_objects.read_time("2026-11-01 12:00:00+02:00").astimezone(timezone(timedelta(hours=1))) == AT


def test_what_a_memo_says_of_unknown_lines_comes_not_back() -> None:
    """Inner lines stand for nothing; a memo of nothing else is no return."""
    memo = {"entity_id": 8, "created_at": "2026-11-05 10:00:00"}
    items = [{"order_item_id": 2, "qty": 1}, {"order_item_id": 404, "qty": 1}, {"order_item_id": 3, "qty": 0}]
    assert len(adobe(creditmemos=[memo | {"items": items}]).events) == 1
    whole = adobe(creditmemos=[memo | {"items": [{"order_item_id": 3, "qty": 1}]}]).events[1]
    assert (whole.id, whole.time, whole.products) == ("adobe:return:8", LATER, (Line("HAT", None, 1, 5.0),))


@pytest.mark.parametrize("customer", [None, 0])
def test_a_guests_order_of_adobe_is_left_out(customer: int | None) -> None:
    """With its memos."""
    memo = {"entity_id": 8, "created_at": "never read", "items": [{"order_item_id": 3, "qty": 1}]}
    taken = adobe(customer_id=customer, creditmemos=[memo])
    assert (taken.events, taken.skipped) == ([], ["order without a customer"])


@pytest.mark.parametrize(
    ("attributes", "price", "before"),
    [
        ([], 10.0, None),
        ([{"attribute_code": "special_price", "value": "12.00"}], 10.0, None),
        ([{"attribute_code": "special_price", "value": "10.00"}], 10.0, None),
        ([{"attribute_code": "special_price", "value": None}], 10.0, None),
        ([{"attribute_code": "special_price", "value": "0"}], 0.0, 10.0),
    ],
)
def test_a_special_price_is_one_only_where_it_is_lower(
    attributes: list[dict[str, Any]], price: float, before: float | None
) -> None:
    """Else the price is the price."""
    found = adobe_objects.read_product(adobe_product("HAT", custom_attributes=attributes), "USD")
    assert (found.price, found.compare_at_price) == (price, before)
    assert (found.url, found.image, found.handle) == ("", None, "")


def test_a_product_without_stock_or_time_is_available_and_of_no_age() -> None:
    """What the platform does not track is there."""
    for extension in (None, {"stock_item": None}):
        found = adobe_objects.read_product(adobe_product("H", extension_attributes=extension, created_at=None), "USD")
        assert (found.available, found.listed) == (True, 0)
    assert adobe_objects.read_product(adobe_product("H", visibility=2), "USD").available


# --- all -------------------------------------------------------------------------------------------------------------


def test_names_of_events_say_platform_and_kind() -> None:
    """No two kinds of one number meet."""
    names = {
        make(platform, "1")
        for make in (order_event, return_event, cancelled_event)
        for platform in ("shopify", "adobe")
    }
    assert len(names) == 6
    assert "adobe:return:1" in names


def test_an_event_is_taken_where_it_has_a_shopper_and_a_product() -> None:
    """A visitor is one, too; lines of no quantity are gone before."""
    taken = Taken()
    lines = merged([Line("a", quantity=0), Line("b", quantity=2), Line("c", quantity=-1)])
    assert lines == (Line("b", quantity=2),)
    taken.add(Event("e1", "purchase-complete", AT, visitor_id="v", products=lines))
    taken.add(Event("e2", "purchase-complete", AT, products=lines))
    taken.add(Event("e3", "purchase-complete", AT, visitor_id="v"))
    assert [event.id for event in taken.events] == ["e1"]
    assert taken.skipped == ["order without a customer", "order without a product"]
