"""Who is meant by an erasure: all of a person's names, and nobody else's."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend.privacy.erase import erase
from backend.privacy.reach import find_reach
from backend.settings import Settings
from edge.core import keys
from edge.core.codec import encode_session
from edge.core.keys import order_name, pseudonym
from edge.core.session import Session
from tests.backend.consume.feed import KEY, SHOP
from tests.backend.identity.conftest import A, B, Shop, V, W, act, look
from tests.backend.identity.test_rotate import A2, FORMER, V2

pytestmark = pytest.mark.store

MAIL = pseudonym(KEY, SHOP, "email", "a@example.org")


async def test_a_mail_address_leads_to_all_of_the_customer(shop: Shop) -> None:
    """Devices, orders, mail."""
    await shop.take(look("milk", 1, visitor_id=V, customer_id=A, email=MAIL))
    await shop.take(act("purchase-complete", "tea", minute=2, customer_id=A, order_id="o1"))
    for name in (MAIL, A):
        assert (await find_reach(shop.client, SHOP, [name])).named == {A, V, MAIL, order_name(SHOP, "o1")}


async def test_an_order_or_a_visitor_does_not_lead_to_the_customer(shop: Shop) -> None:
    """Who asks for the one does not ask for the other; the visitor's part of the customer is known."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    await shop.take(act("purchase-complete", "tea", minute=3, customer_id=A, order_id="o1"))
    assert (await find_reach(shop.client, SHOP, [], ["o1"])).named == {order_name(SHOP, "o1")}
    reach = await find_reach(shop.client, SHOP, [V])
    assert reach.named == {V}
    assert reach.hosts == {A: {V}}


async def test_a_name_leads_from_the_former_key_to_the_present_one_and_back(shop: Shop) -> None:
    """Whichever the request was made with."""
    await shop.take(look("milk", 1, visitor_id=V, customer_id=A))
    await shop.take(look("tea", 2, visitor_id=V2, customer_id=A2, former=FORMER))
    for name in (A, A2):
        assert (await find_reach(shop.client, SHOP, [name])).named >= {A, A2, V, V2}


async def test_erasing_a_visitor_takes_its_part_out_of_the_customer(shop: Shop, tmp_path: Path) -> None:
    """The customer keeps what was done logged in elsewhere; the device's history is in nobody any more."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    await erase(shop.client, Settings(data_dir=tmp_path), [V])
    assert shop.seen(A) == {"cake"}
    assert shop.parts(A) == {}
    assert shop.names(A) == set()
    assert shop.profile(V) is None
    left = [name for name in shop.redis.scan_iter() if V.encode() in name]
    assert left == [keys.consent_key(SHOP, V).encode()]


async def test_erasing_one_of_two_who_share_a_device_leaves_the_other(shop: Shop, tmp_path: Path) -> None:
    """B's profile, visit and events stay; the device forgets A, and is not refused."""
    await shop.take(look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A))
    await shop.take(look("beer", 3, visitor_id=V, customer_id=B), look("salt", 4, visitor_id=V))
    visit = Session(SHOP, V, viewed=["beer"], customer=B)
    shop.redis.set(keys.session_key(SHOP, V), encode_session(visit))
    for minute, who in ((5, A), (6, B), (7, None)):
        shop.redis.xadd(keys.events_key(SHOP), {"e": _bytes(look("rice", minute, visitor_id=V, customer_id=who))})
    await erase(shop.client, Settings(data_dir=tmp_path), [A])
    assert shop.seen(B) == {"beer"}
    assert shop.redis.exists(keys.session_key(SHOP, V))
    assert not shop.redis.exists(keys.consent_key(SHOP, V)), "B may still be known on it"
    assert shop.redis.xlen(keys.events_key(SHOP)) == 1
    assert shop.profile(A) is None
    assert shop.profile(V) is None
    holds = [name for name in shop.redis.scan_iter() if A.encode() in (shop.redis.dump(name) or b"")]
    assert [name for name in holds if not name.startswith(b"c:")] == []
    await shop.take(look("oil", 9, visitor_id=V), look("nuts", 10, visitor_id=V, customer_id=B))
    assert "oil" not in shop.seen(B)


async def test_erasing_again_or_somebody_unknown_finds_nothing(shop: Shop, tmp_path: Path) -> None:
    """And fails over nothing."""
    settings = Settings(data_dir=tmp_path)
    await shop.take(look("milk", 1, visitor_id=V, customer_id=A))
    await erase(shop.client, settings, [A])
    again = await erase(shop.client, settings, [A])
    assert sum(again.values()) == 0
    assert sum((await erase(shop.client, settings, [W])).values()) == 0


def _bytes(event: Any) -> bytes:
    return msgspec.json.encode(event)
