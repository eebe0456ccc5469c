"""New key, new names: everything moves with the shopper, a denial first of all."""

import itertools
from typing import Any

import pytest

from backend.identity.merge import absorb, unlink
from backend.identity.rotate import move
from edge.core import keys
from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from tests.backend.consume.feed import SHOP, append, deny
from tests.backend.identity.conftest import A, B, Shop, V, W, act, look, same
from tests.backend.identity.test_merge import dying, whole

pytestmark = pytest.mark.store

NEW = PseudonymKey.from_hex("11" * 32)


def renamed(kind: ShopperKind, name: str) -> str:
    """The name under the new key."""
    return pseudonym(NEW, SHOP, kind, name)


A2, V2 = renamed("customer", "A"), renamed("visitor", "v")
FORMER = ((A, A2), (V, V2))


async def test_a_profile_moves_with_its_parts_and_goes_on(shop: Shop) -> None:
    """The first event under the new name brings all along; nothing is left under the old one but the way."""
    old = [look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A)]
    old += [act("purchase-complete", "tea", minute=3, customer_id=A, order_id="o1")]
    new = look("oil", 4, visitor_id=V2, customer_id=A2, former=FORMER)
    await shop.take(*old, new)
    assert same(shop.profile(A2), whole(*old, new))
    assert shop.profile(A) is None
    profile = shop.profile(A2)
    assert profile
    assert profile.parts == 1
    left = {name.decode() for name in shop.redis.scan_iter(f"*{A}*")}
    assert left <= {keys.alias_key(SHOP, A), keys.marks_key(SHOP, A), keys.consent_key(SHOP, A)}
    assert {A, V} <= shop.names(A2)


async def test_names_learned_under_the_old_key_still_lead_to_the_customer(shop: Shop) -> None:
    """An order's return finds the customer under the new name; the device is still theirs, and nobody else's."""
    await shop.take(look("milk", 1, visitor_id=V, customer_id=A))
    await shop.take(act("purchase-complete", "tea", minute=3, customer_id=A, order_id="o1"))
    await shop.take(look("oil", 4, visitor_id=V2, customer_id=A2, former=FORMER))
    await shop.take(act("return", "tea", minute=5, order_id="o1", source="store"))
    profile = shop.profile(A2)
    assert profile
    assert profile.bought["tea"].count == 0
    link = shop.link(V2)
    assert link
    assert link.state == "merged"
    await shop.take(look("salt", 6, visitor_id=V2, customer_id=B))
    link = shop.link(V2)
    assert link
    assert link.state == "shared"


async def test_entries_still_under_the_old_name_find_the_new_one(shop: Shop) -> None:
    """Also when they come after the move, and once more: each counts once."""
    first, late = look("milk", 1, customer_id=A), look("rice", 2, customer_id=A)
    new = look("oil", 4, customer_id=A2, former=FORMER[:1])
    await shop.take(first, new, late, first, late)
    assert same(shop.profile(A2), whole(first, late, new))
    assert shop.profile(A) is None


async def test_what_lay_under_both_names_is_one_history(shop: Shop) -> None:
    """As when one edge knew the former key and another did not."""
    events = [look("milk", 1, customer_id=A), look("oil", 4, customer_id=A2)]
    await shop.take(*events)
    both = look("tea", 5, customer_id=A2, former=FORMER[:1])
    await shop.take(both)
    assert same(shop.profile(A2), whole(*events, both))


@pytest.mark.parametrize("denied", ["old", "new"])
async def test_a_denial_under_either_name_holds(shop: Shop, denied: str) -> None:
    """The profile does not come back under the new name, nor by a later event."""
    await shop.take(look("milk", 1, customer_id=A))
    deny(shop.redis, A if denied == "old" else A2)
    await shop.take(look("oil", 4, customer_id=A2, former=FORMER[:1]), look("oil", 5, customer_id=A2))
    assert shop.profile(A2) is None
    assert shop.profile(A) is None


async def test_a_shopper_without_records_is_not_moved(shop: Shop) -> None:
    """A new visitor has a former name, too: it never had anything."""
    assert await move(shop.client, SHOP, W, renamed("visitor", "w")) is None
    assert list(shop.redis.scan_iter()) == []


async def test_a_crash_at_any_step_of_a_move_loses_nothing_and_counts_nothing_twice(shop: Shop) -> None:
    """The process ends before each step in turn; the next event finishes it."""
    for step in itertools.count():
        shop.redis.flushall()
        events = [look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A)]
        await shop.take(*events)
        done = await dying(shop, step, lambda c: move(c, SHOP, A, A2))
        late = look("rice", 3, customer_id=A)
        new = look("oil", 4, visitor_id=V2, customer_id=A2, former=FORMER)
        await shop.take(late, new)
        assert same(shop.profile(A2), whole(*events, late, new)), step
        assert shop.profile(A) is None, step
        if done:
            assert step >= 5
            return


async def test_a_merge_under_way_is_finished_before_the_move(shop: Shop) -> None:
    """A crash in a login, then a new key."""
    await shop.take(look("milk", 1, visitor_id=V))
    job: Any = lambda c: absorb(c, SHOP, V, A, whole(look("x", 2)).updated)  # noqa: E731 -- one line, used once
    assert not await dying(shop, 2, job)
    append(shop.redis, look("oil", 4, visitor_id=V2, former=FORMER[1:]))
    await shop.take(look("rice", 5, customer_id=A2, former=FORMER[:1]))
    assert shop.seen(A2) == {"milk", "rice"}
    assert shop.seen(V2) == {"oil"}


@pytest.mark.parametrize("names", [(V, A), (V2, A2), (V, A2)])
async def test_a_merge_from_before_the_new_key_can_be_undone(shop: Shop, names: tuple[str, str]) -> None:
    """Asked for under either key."""
    anonymous, login = look("milk", 1, visitor_id=V), look("cake", 2, visitor_id=V, customer_id=A)
    await shop.take(anonymous, login, look("oil", 4, visitor_id=V2, customer_id=A2, former=FORMER))
    assert await unlink(shop.client, SHOP, *names)
    assert shop.seen(A2) == {"cake", "oil"}
    assert same(shop.profile(V2), whole(anonymous))
    assert shop.parts(A2) == {}
