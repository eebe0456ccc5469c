"""A new key between an order and its customer: what waited under a former name still finds its way."""

from typing import Any

import pytest
from redis import Redis

from backend.identity.links import Link, encode_link, present_name, read_links
from backend.identity.merge import unlink
from backend.identity.rotate import move
from edge.core import keys
from edge.core.consent import Decision, decode_decision, encode_decision
from edge.core.events import Purpose
from edge.core.keys import order_name, pseudonym
from tests.backend.consume.feed import BOTH, KEY, SHOP
from tests.backend.identity.conftest import A, Shop, V, act, look
from tests.backend.identity.test_rotate import A2, FORMER, NEW, V2

pytestmark = pytest.mark.store

MAIL, MAIL2 = (pseudonym(key, SHOP, "email", "a@example.org") for key in (KEY, NEW))
ORDER = order_name(SHOP, "o1")
MAILS = ((MAIL, MAIL2),)


def bought(shop: Shop, name: str) -> dict[str, int]:
    """How often each product was bought and kept."""
    profile = shop.profile(name)
    return {product: item.count for product, item in profile.bought.items()} if profile else {}


async def test_a_guests_orders_from_before_the_new_key_become_the_customers(shop: Shop) -> None:
    """The mail address waited under its old name; a login under the new one finds what was bought."""
    await shop.take(act("purchase-complete", "tea", minute=1, order_id="o1", email=MAIL, source="store"))
    await shop.take(look("cake", 3, customer_id=A2, email=MAIL2, former=((A, A2), *MAILS)))
    assert shop.seen(A2) == {"tea", "cake"}
    assert shop.profile(MAIL2) is None
    assert shop.profile(MAIL) is None


async def test_a_guest_who_comes_back_under_the_new_key_first_is_still_one_guest(shop: Shop) -> None:
    """Two orders under one address with a new key between them, then the customer."""
    await shop.take(act("purchase-complete", "tea", minute=1, order_id="o1", email=MAIL, source="store"))
    await shop.take(act("purchase-complete", "milk", minute=2, order_id="o2", email=MAIL2, former=MAILS))
    assert bought(shop, MAIL2) == {"tea": 1, "milk": 1}
    await shop.take(look("cake", 3, customer_id=A2, email=MAIL2, former=((A, A2), *MAILS)))
    assert bought(shop, A2) == {"tea": 1, "milk": 1}
    assert shop.profile(MAIL2) is None


async def test_a_return_of_a_guests_order_finds_the_customer_across_the_new_key(shop: Shop) -> None:
    """It names only the order, whose link still says the guest's old name."""
    await shop.take(act("purchase-complete", "tea", minute=1, order_id="o1", email=MAIL, source="store"))
    await shop.take(look("cake", 3, customer_id=A2, email=MAIL2, former=((A, A2), *MAILS)))
    await shop.take(act("return", "tea", minute=4, order_id="o1", source="store"))
    assert bought(shop, A2) == {"tea": 0}
    assert shop.profile(MAIL2) is None


@pytest.mark.parametrize("rotated", [False, True])
async def test_a_return_of_a_visitors_order_finds_who_logged_in_later(shop: Shop, *, rotated: bool) -> None:
    """With a new key between the order and the login, and without."""
    visitor, customer = (V2, A2) if rotated else (V, A)
    await shop.take(act("purchase-complete", "tea", minute=1, visitor_id=V, order_id="o1"))
    login = {"former": FORMER} if rotated else {}
    await shop.take(look("cake", 3, visitor_id=visitor, customer_id=customer, **login))
    assert bought(shop, customer) == {"tea": 1}
    await shop.take(act("return", "tea", minute=4, order_id="o1", source="store"))
    assert bought(shop, customer) == {"tea": 0}
    assert shop.profile(visitor) is None


async def test_the_platform_names_the_customer_of_an_order_after_the_new_key(shop: Shop) -> None:
    """The page knew the visitor under the old name: their history is the customer's all the same."""
    await shop.take(look("milk", 0, visitor_id=V))
    await shop.take(act("purchase-complete", "tea", minute=1, visitor_id=V, order_id="o1"))
    await shop.take(look("salt", 2, visitor_id=V2, former=FORMER[1:]))
    await shop.take(act("purchase-complete", "tea", minute=1, customer_id=A2, order_id="o1", source="store"))
    assert {"milk", "tea"} <= shop.seen(A2)
    profile = shop.profile(A2)
    assert profile
    assert profile.orders == 1


async def test_a_return_that_waits_under_its_order_is_found_after_the_new_key(shop: Shop) -> None:
    """Order names are no pseudonyms of persons: they outlive the key."""
    await shop.take(act("return", "tea", minute=3, order_id="o1", source="store"))
    assert shop.profile(ORDER) is not None
    purchase = act("purchase-complete", "tea", "milk", customer_id=A2, order_id="o1", former=FORMER[:1])
    await shop.take(purchase)
    assert bought(shop, A2) == {"tea": 0, "milk": 1}
    assert shop.profile(ORDER) is None


async def test_a_parted_device_stays_parted_under_its_new_name(shop: Shop) -> None:
    """Unlinked is for ever: the next login of the same customer takes nothing in."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    assert await unlink(shop.client, SHOP, V, A)
    await shop.take(look("salt", 3, visitor_id=V2, customer_id=A2, former=FORMER))
    await shop.take(look("rice", 4, visitor_id=V2), look("oil", 5, visitor_id=V2, customer_id=A2))
    link = shop.link(V2)
    assert link
    assert link.state == "unlinked"
    assert shop.seen(A2) == {"cake", "salt", "oil"}
    assert shop.seen(V2) == {"milk", "rice"}


async def test_the_newer_of_two_decisions_goes_with_the_shopper(shop: Shop) -> None:
    """One under each name; who agreed again after a denial has agreed, whichever name said it."""
    await shop.take(look("milk", 1, customer_id=A))
    decisions: list[tuple[str, tuple[Purpose, ...], float]] = [(A, (), 10.0), (A2, BOTH, 20.0)]
    for name, granted, at in decisions:
        shop.redis.set(keys.consent_key(SHOP, name), encode_decision(Decision(SHOP, name, granted, at, "banner")))
    await move(shop.client, SHOP, A, A2)
    data: Any = shop.redis.get(keys.consent_key(SHOP, A2))
    decision = decode_decision(data)
    assert (decision.shopper, decision.granted, decision.time) == (A2, BOTH, 20.0)
    assert shop.seen(A2) == {"milk"}


async def test_a_second_move_of_the_same_name_changes_nothing(shop: Shop) -> None:
    """The link says where all went; marks keep what was counted."""
    await shop.take(look("milk", 1, customer_id=A))
    first = await move(shop.client, SHOP, A, A2)
    before: Any = shop.redis.dump(keys.profile_key(SHOP, A2))
    assert await move(shop.client, SHOP, A, A2) == first
    assert shop.redis.dump(keys.profile_key(SHOP, A2)) == before
    assert first == Link(SHOP, A, A2, "moved")


async def test_a_name_is_followed_over_many_keys_and_rings_end(shop: Shop, redis: "Redis") -> None:
    """Each key one hop; two links that point at each other end somewhere instead of never."""
    hops = [("n0", "n1"), ("n1", "n2"), ("n2", "n3"), ("r0", "r1"), ("r1", "r0")]
    for old, new in hops:
        redis.set(keys.alias_key(SHOP, old), encode_link(Link(SHOP, old, new, "moved")))
    redis.set(keys.alias_key(SHOP, "n3"), encode_link(Link(SHOP, "n3", "A", "alias")))
    assert await present_name(shop.client, SHOP, "n0") == "n3"
    assert await present_name(shop.client, SHOP, "n3") == "n3"
    assert await present_name(shop.client, SHOP, "unknown") == "unknown"
    assert await present_name(shop.client, SHOP, "r0") in ("r0", "r1")
    assert await read_links(shop.client, SHOP, []) == {}
    assert set(await read_links(shop.client, SHOP, ["n0", "n0", "unknown"])) == {"n0"}
