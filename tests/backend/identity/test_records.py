"""One shopper's records: what is damaged or another's is none, and nothing is written over what has changed."""

from typing import Any

import pytest
from redis import Redis

from backend.identity.learn import denies, learn, may_learn
from backend.identity.links import Link, change_link, decode_link, encode_link, read_links
from backend.identity.parts import OWN, PARTS_CAP, Parts, combine, fold, read_parts, write_parts
from backend.identity.records import read_records, rewrite
from edge.core import keys
from edge.core.codec import decode_profile, encode_profile
from edge.core.consent import Decision, encode_decision
from edge.core.errors import CodecError
from edge.core.profile import Profile, apply
from tests.backend.consume.feed import BEGAN, NOW, SHOP, deny
from tests.backend.identity.conftest import A, B, Shop, V, W, look, same

pytestmark = pytest.mark.store
LINK = Link(SHOP, V, A, "merged", 5.0)


def history(*products: str, shopper: str = A, first: float = 0) -> Profile:
    """A profile that has looked at these products, a minute apart."""
    profile = Profile(SHOP, shopper)
    for minute, product in enumerate(products):
        apply(profile, look(product, first + minute), NOW)
    return profile


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x01", b"\x01\xff\xff", b"\x02" + encode_link(LINK)[1:], encode_link(LINK)[:-3]]
)
def test_what_is_no_link_is_said_to_be_none(data: bytes) -> None:
    """Another version, cut off, or nothing at all."""
    with pytest.raises(CodecError, match="stored link"):
        decode_link(data)


def test_a_link_is_the_same_after_storing() -> None:
    """In every state."""
    for state in ("alias", "held", "merging", "merged", "shared", "unlinking", "unlinked", "moving", "moved"):
        link = Link(SHOP, V, A, state, 1_700_000_000.25)
        assert decode_link(encode_link(link)) == link


async def test_a_link_changes_only_from_what_was_read(shop: Shop, redis: "Redis") -> None:
    """Of two who decide at once the second is told; a link lives as long as a profile."""
    assert await change_link(shop.client, None, LINK)
    other = Link(SHOP, V, B, "merged", 9.0)
    assert not await change_link(shop.client, None, other)
    assert not await change_link(shop.client, other, other)
    assert await read_links(shop.client, SHOP, [V, W]) == {V: LINK}
    assert await change_link(shop.client, LINK, other)
    assert await read_links(shop.client, SHOP, [V]) == {V: other}
    ttl: Any = redis.ttl(keys.alias_key(SHOP, V))
    assert 0 < ttl <= keys.LINK_TTL_S


def test_a_profile_without_parts_is_its_own_only_part() -> None:
    """Damaged parts count as none: the profile has it all anyway; what waits to leave is no part."""
    profile = history("milk")
    profile.parts = 3
    for stored in ({}, {b"own": b"nonsense"}, {b"own": encode_profile(history("x")), b"v": b""}):
        parts = read_parts(stored, SHOP, A, history("milk"))
        assert parts.keys() == {OWN}
        assert list(parts[OWN].viewed) == ["milk"]
    assert read_parts({b"out:v": b"nonsense", b"out": b""}, SHOP, A, profile)[OWN].parts == 0
    assert read_parts({}, SHOP, A, None) == {OWN: Profile(SHOP, A)}
    only_device = read_parts({V.encode(): encode_profile(history("tea"))}, SHOP, A, None)
    assert only_device.keys() == {OWN, V}


def test_parts_make_one_profile_in_any_order() -> None:
    """And a lone own part needs no storing."""
    parts: Parts = {OWN: history("milk"), V: history("tea", first=5), W: history("salt", first=9)}
    whole = combine(SHOP, A, parts)
    assert same(whole, combine(SHOP, A, dict(reversed(parts.items()))))
    assert (whole.parts, list(whole.viewed)) == (2, ["milk", "tea", "salt"])
    assert write_parts({OWN: history("milk")}) == {}
    assert {name: list(decode_profile(data).viewed) for name, data in write_parts(parts).items()} == {
        OWN: ["milk"], V: ["tea"], W: ["salt"],
    }  # fmt: skip


@pytest.mark.parametrize("more", [-1, 0, 1, 4])
def test_the_longest_unused_devices_become_the_customers_own(more: int) -> None:
    """Only as many as are too many, whatever their names; nothing of the whole is lost."""
    count = PARTS_CAP + more
    parts: Parts = {OWN: history("own")} | {f"d{99 - n}": history(f"p{n}", first=n + 1) for n in range(count)}
    before = combine(SHOP, A, parts)
    fold(parts)
    gone = max(0, more)
    assert len(parts) == count - gone + 1
    assert list(parts[OWN].viewed) == ["own", *(f"p{n}" for n in range(gone))]
    assert same(combine(SHOP, A, parts), before)


@pytest.mark.parametrize("data", [b"nonsense", encode_profile(history("milk", shopper=B))])
async def test_a_profile_that_is_damaged_or_anothers_is_none(shop: Shop, redis: "Redis", data: bytes) -> None:
    """Nobody is taken for somebody else."""
    redis.set(keys.profile_key(SHOP, A), data)
    records = await read_records(shop.client, SHOP, A)
    assert records.profile is None
    assert records.profile_bytes == data
    assert records.parts == {OWN: Profile(SHOP, A)}
    assert records.waiting("out") is None


@pytest.mark.parametrize(
    ("data", "denied"),
    [
        (None, False),
        (b"nonsense", False),
        (encode_decision(Decision(SHOP, B, (), 0.0, "web")), False),
        (encode_decision(Decision("other", A, (), 0.0, "web")), False),
        (encode_decision(Decision(SHOP, A, ("analytics",), 0.0, "web")), True),
        (encode_decision(Decision(SHOP, A, ("personalization",), 0.0, "web")), False),
    ],
)
async def test_a_readable_decision_of_the_shoppers_own_decides(
    shop: Shop, redis: "Redis", data: bytes | None, *, denied: bool
) -> None:
    """As the edge reads it."""
    if data is not None:
        redis.set(keys.consent_key(SHOP, A), data)
    assert (await read_records(shop.client, SHOP, A)).denied is denied


async def test_records_are_rewritten_in_one_step_or_not_at_all(shop: Shop, redis: "Redis") -> None:
    """Parts, names and marks go together; after a change of profile or consent nothing of it happens."""
    empty = await read_records(shop.client, SHOP, A)
    parts: Parts = {OWN: history("milk"), V: history("tea", first=5)}
    assert await rewrite(shop.client, empty, parts, link=(V, f"+{V}"), marks=[(b"m" * 12, 7.0)])
    assert not await rewrite(shop.client, empty, {OWN: history("beer")}, link=("never",))
    records = await read_records(shop.client, SHOP, A)
    assert (shop.seen(A), records.took_in(V), records.took_in(W)) == ({"milk", "tea"}, True, False)
    assert records.marks == [(b"m" * 12, 7.0)]
    assert records.links == {V.encode(), f"+{V}".encode()}
    deny(redis, A)
    assert not await rewrite(shop.client, records, {OWN: history("beer")})
    assert shop.seen(A) == {"milk", "tea"}


async def test_what_is_taken_out_leaves_and_what_waits_stays(shop: Shop, redis: "Redis") -> None:
    """A part that is no more goes; a history on its way to another slot lies beside until it is fetched."""
    parts: Parts = {OWN: history("milk"), V: history("tea", first=5)}
    assert await rewrite(shop.client, await read_records(shop.client, SHOP, A), parts, link=(V,))
    waiting = {f"out:{V}": encode_profile(history("tea", shopper=V))}
    records = await read_records(shop.client, SHOP, A)
    assert await rewrite(shop.client, records, {OWN: history("milk")}, unlink=(V,), out=waiting)
    records = await read_records(shop.client, SHOP, A)
    assert await rewrite(shop.client, records, records.parts)
    after = await read_records(shop.client, SHOP, A)
    left = after.waiting(f"out:{V}")
    assert left
    assert (list(left.viewed), after.links, shop.seen(A)) == (["tea"], set(), {"milk"})
    assert await rewrite(shop.client, after, {OWN: Profile(SHOP, A)})
    assert not redis.exists(keys.profile_key(SHOP, A))  # a profile of nothing is none


async def test_links_are_learned_where_nobody_has_denied_it(shop: Shop) -> None:
    """By name or by shopper; the shopper's list has the name before the link is there."""
    deny(shop.redis, B, "analytics")
    lessons = [(None, Link(SHOP, "n1", A, "alias", 1.0)), (None, Link(SHOP, "n2", B, "alias", 1.0))]
    lessons += [(None, Link(SHOP, B, A, "alias", 1.0))]
    assert await learn(shop.client, SHOP, lessons) == {"n1": lessons[0][1]}
    assert shop.names(A) == {"n1"}
    assert shop.names(B) == set()
    assert await learn(shop.client, SHOP, []) == {}


async def test_a_link_that_changed_meanwhile_is_not_learned_over(shop: Shop) -> None:
    """Nor is a visitor called merged who has a profile: that takes a merge."""
    first, second = Link(SHOP, "n1", A, "alias", 1.0), Link(SHOP, "n1", B, "alias", 2.0)
    assert await learn(shop.client, SHOP, [(None, first)])
    assert await learn(shop.client, SHOP, [(None, second)]) == {}
    assert await learn(shop.client, SHOP, [(first, second)]) == {"n1": second}
    await shop.take(look("milk", 1, visitor_id=V))
    assert await learn(shop.client, SHOP, [(None, LINK), (None, Link(SHOP, W, A, "merged", BEGAN.timestamp()))])
    assert shop.link(V) is None
    assert shop.link(W) is not None


async def test_only_a_readable_denial_forbids_learning(shop: Shop) -> None:
    """Of any of the names; a damaged decision is none here, as for the edge."""
    assert not denies(b"")
    assert not denies(b"nonsense")
    assert await may_learn(shop.client, SHOP, [])
    shop.redis.set(keys.consent_key(SHOP, W), b"nonsense")
    assert await may_learn(shop.client, SHOP, [V, W])
    deny(shop.redis, V)
    assert not await may_learn(shop.client, SHOP, [V, W])
