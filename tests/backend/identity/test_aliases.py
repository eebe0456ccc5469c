"""Orders, loyalty ids, mail and telephone lead to the customer they were seen with."""

from typing import Any

import pytest

from edge.core import keys
from edge.core.keys import order_name, pseudonym
from tests.backend.consume.feed import KEY, SHOP, append, deny
from tests.backend.identity.conftest import A, B, Shop, V, act, look

pytestmark = pytest.mark.store

MAIL = pseudonym(KEY, SHOP, "email", "a@example.org")
PHONE = pseudonym(KEY, SHOP, "phone", "4912345")
CARD = pseudonym(KEY, SHOP, "loyalty", "77")
ORDER = order_name(SHOP, "o1")


@pytest.mark.parametrize("name", [{"loyalty_id": CARD}, {"email": MAIL}, {"phone": PHONE}])
async def test_a_name_seen_with_a_customer_leads_there(shop: Shop, name: dict[str, str]) -> None:
    """A guest's order with a known mail address, a till's with a known card: the customer's profile has it."""
    await shop.take(look("milk", 1, customer_id=A, **name))
    await shop.take(act("purchase-complete", "tea", minute=2, order_id="o9", source="store", **name))
    assert shop.seen(A) == {"milk", "tea"}
    assert shop.names(A) == {*name.values(), order_name(SHOP, "o9")}


async def test_a_return_that_names_only_the_order_finds_the_customer(shop: Shop) -> None:
    """As a platform's refund does."""
    await shop.take(act("purchase-complete", "tea", "milk", customer_id=A, order_id="o1"))
    await shop.take(act("return", "tea", minute=3, order_id="o1", source="store"))
    profile = shop.profile(A)
    assert profile
    assert {product: item.count for product, item in profile.bought.items()} == {"tea": 0, "milk": 1}


async def test_a_return_that_comes_first_waits_under_its_order(shop: Shop) -> None:
    """Any order: it counts for the customer as soon as the order is known."""
    await shop.take(act("return", "tea", minute=3, order_id="o1", source="store"))
    assert shop.profile(ORDER) is not None
    await shop.take(act("purchase-complete", "tea", "milk", customer_id=A, order_id="o1"))
    profile = shop.profile(A)
    assert profile
    assert {product: item.count for product, item in profile.bought.items()} == {"tea": 0, "milk": 1}
    assert shop.profile(ORDER) is None


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("page_first", [False, True])
async def test_an_order_seen_from_page_and_platform_is_a_login_and_counts_once(
    shop: Shop, page_first: bool, together: bool
) -> None:
    """The page knows the visitor, the platform the customer: the visitor's history is the customer's."""
    browse = look("milk", 0, visitor_id=V)
    page = act("purchase-complete", "tea", minute=1, visitor_id=V, order_id="o1")
    platform = act("purchase-complete", "tea", minute=0.9, customer_id=A, order_id="o1", source="store")
    events = [browse, page, platform] if page_first else [browse, platform, page]
    await (shop.take_together if together else shop.take)(*events)
    profile = shop.profile(A)
    assert profile
    assert profile.orders == 1
    assert profile.bought["tea"].count == 1
    assert "milk" in profile.viewed
    assert shop.profile(V) is None


async def test_a_guest_becomes_a_customer(shop: Shop) -> None:
    """Orders under a mail address are the customer's as soon as one event names both."""
    await shop.take(act("purchase-complete", "tea", minute=1, order_id="o1", email=MAIL, source="store"))
    await shop.take(act("purchase-complete", "milk", minute=2, order_id="o2", email=MAIL, source="store"))
    profile = shop.profile(MAIL)
    assert profile
    assert profile.orders == 2
    await shop.take(look("cake", 3, customer_id=A, email=MAIL))
    profile = shop.profile(A)
    assert profile
    assert profile.orders == 2
    assert profile.viewed.keys() == {"cake"}
    assert shop.profile(MAIL) is None
    await shop.take(act("return", "milk", minute=4, order_id="o2", source="store"))
    profile = shop.profile(A)
    assert profile
    assert profile.bought["milk"].count == 0


async def test_a_mail_address_typed_into_a_device_does_not_merge_the_device(shop: Shop) -> None:
    """The order is the customer's; whose the browsing was, nobody knows."""
    await shop.take(look("cake", 0, customer_id=A, email=MAIL), look("milk", 1, visitor_id=V))
    await shop.take(act("purchase-complete", "tea", minute=2, visitor_id=V, order_id="o1", email=MAIL))
    assert shop.seen(A) == {"cake", "tea"}
    assert shop.seen(V) == {"milk"}


async def test_a_name_that_changes_hands_leads_to_the_newer_customer(shop: Shop) -> None:
    """By the events' own time, not by their arrival; what it led to before stays where it is."""
    await shop.take(look("milk", 1, customer_id=A, phone=PHONE), look("rice", 9, customer_id=B, phone=PHONE))
    await shop.take(look("oil", 5, customer_id=A, phone=PHONE))
    await shop.take(act("purchase-complete", "tea", minute=10, order_id="o1", phone=PHONE, source="store"))
    assert shop.seen(B) == {"rice", "tea"}
    assert shop.seen(A) == {"milk", "oil"}


async def test_nothing_is_learned_of_who_denied_it(shop: Shop) -> None:
    """Neither of the customer nor of the name, nor from an event without consent."""
    deny(shop.redis, A)
    deny(shop.redis, MAIL)
    await shop.take(look("milk", 1, customer_id=A, phone=PHONE), look("milk", 2, customer_id=B, email=MAIL))
    await shop.take(act("purchase-complete", "tea", customer_id=B, order_id="o1", consent=("analytics",), phone=PHONE))
    assert list(shop.redis.scan_iter("a:*")) == []
    assert list(shop.redis.scan_iter("l:*")) == []


async def test_an_event_that_names_nobody_changes_no_profile(shop: Shop) -> None:
    """It is consumed and counted."""
    await shop.take(act("detail-page-view", "milk"))
    assert list(shop.redis.scan_iter("p:*")) == []
    assert [int(value) for key in shop.redis.scan_iter("n:*") for value in shop.redis.hvals(key)] == [1]


@pytest.mark.parametrize("damage", [b"\x63nonsense", b"\x01nonsense", "foreign"])
async def test_a_damaged_link_is_none(shop: Shop, damage: Any) -> None:
    """Nobody is taken for somebody else; the customer's next event mends nothing it cannot read, and is applied."""
    await shop.take(look("milk", 1, customer_id=A, phone=PHONE))
    good: Any = shop.redis.get(keys.alias_key(SHOP, PHONE))
    shop.redis.set(keys.alias_key(SHOP, PHONE), good.replace(SHOP.encode(), b"omed") if damage == "foreign" else damage)
    await shop.take(act("purchase-complete", "tea", minute=2, order_id="o1", phone=PHONE, source="store"))
    assert shop.seen(A) == {"milk"}
    append(shop.redis, look("oil", 3, customer_id=A, phone=PHONE))
    await shop.take(look("salt", 4, customer_id=A, phone=PHONE))
    assert shop.seen(A) == {"milk", "oil", "salt"}
