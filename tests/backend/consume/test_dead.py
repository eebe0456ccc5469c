"""Dead letters: what cannot be applied goes aside with its reason and holds nobody up, and can be replayed."""

import asyncio
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.consume.consumer import Consumer, Limits
from backend.consume.dead import bury, dead_letters, replay_dead
from edge.core import keys
from edge.core.codec import PROFILE_VERSION, encode_profile
from edge.core.profile import Profile
from tests.backend.consume import feed
from tests.backend.consume.feed import SHOP, append, counts, encoded, make, stored, visitor

pytestmark = pytest.mark.store

EAGER = Limits(batch=100, reclaim_idle_s=0.001, attempts=3)


async def until_quiet(client: "AsyncRedis") -> Consumer:
    """Consume, again and again, until nothing is pending."""
    consumer = Consumer(client, SHOP, EAGER)
    while (await consumer.catch_up()).lag:
        await asyncio.sleep(0.002)
    return consumer


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{broken", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"[" * 5_000, "unreadable"),
        (b'{"id": "1", "type": "yodel", "time": "2026-10-01T00:00:00Z"}', "yodel"),
        (b'{"id": "1", "type": "search"}', "time"),
        (b"", "unreadable"),
    ],
)
@pytest.mark.fault(20)
async def test_what_is_no_event_is_dead_at_once(client: "AsyncRedis", redis: "Redis", data: bytes, words: str) -> None:
    """With its bytes and the reason; its neighbours are applied."""
    append(redis, make("search", id="1"), data, make("search", id="2"))
    left = await Consumer(client, SHOP, EAGER).catch_up()
    assert (left.lag, left.dead) == (0, 1)
    (letter,) = await dead_letters(client, SHOP)
    assert letter.data == data
    assert words in letter.reason
    assert counts(redis) == {int(feed.BEGAN.timestamp()) // 86_400: {"events:search": 2}}


async def test_an_entry_without_event_is_dead(client: "AsyncRedis", redis: "Redis") -> None:
    """Somebody else's entry in our stream."""
    redis.xadd(keys.events_key(SHOP), {"other": "field"})
    assert (await Consumer(client, SHOP, EAGER).catch_up()).dead == 1


@pytest.mark.fault(8)
async def test_a_profile_of_a_newer_program_is_not_written_over(client: "AsyncRedis", redis: "Redis") -> None:
    """The event waits among the dead, with the version in the reason; the profile is as it was; others go on."""
    newer = bytes((PROFILE_VERSION + 1,)) + encode_profile(Profile(SHOP, visitor("v")))[1:]
    redis.set(keys.profile_key(SHOP, visitor("v")), newer)
    append(redis, make("search", id="1"), make("search", id="2", visitor_id=visitor("w")))
    await until_quiet(client)
    assert redis.get(keys.profile_key(SHOP, visitor("v"))) == newer
    assert stored(redis, visitor("w")) is not None
    (letter,) = await dead_letters(client, SHOP)
    assert f"version {PROFILE_VERSION + 1}" in letter.reason
    assert letter.deliveries == EAGER.attempts
    assert letter.shoppers == (visitor("v"),)


@pytest.mark.fault(8)
async def test_a_key_that_holds_something_else_is_a_reason(client: "AsyncRedis", redis: "Redis") -> None:
    """A list under the name of a profile: named in the letter, and nobody else's trouble."""
    redis.rpush(keys.marks_key(SHOP, visitor("v")), "a list")
    append(redis, make("search", id="1"), make("search", id="2", visitor_id=visitor("w")))
    await until_quiet(client)
    (letter,) = await dead_letters(client, SHOP)
    assert "WRONGTYPE" in letter.reason
    assert stored(redis, visitor("w")) is not None


@pytest.mark.fault(20)
async def test_what_ends_its_consumers_is_found_out_and_dies_alone(client: "AsyncRedis", redis: "Redis") -> None:
    """An entry at which every consumer is killed: after some deaths it is given alone, its neighbours come through."""
    entries = append(redis, *(make("search", id=str(number)) for number in range(10)))
    poison = entries[4]
    for _ in range(50):
        consumer = Consumer(client, SHOP, EAGER)
        await consumer.stream.join()
        raw = await consumer.stream.read(100, None) or await consumer.stream.reclaim(0, 100, EAGER.attempts)
        if not raw:
            break
        dies = any(entry == poison and deliveries <= 2 * EAGER.attempts for entry, _, deliveries in raw)
        if not dies:
            await consumer.process(raw)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.revision == 9
    (letter,) = await dead_letters(client, SHOP)
    assert letter.entry == poison.decode()
    assert "ended 6 times" in letter.reason


async def test_a_replayed_letter_is_applied_once(client: "AsyncRedis", redis: "Redis") -> None:
    """When the cause is mended; it is among the dead no longer."""
    redis.rpush(keys.marks_key(SHOP, visitor("v")), "a list")
    append(redis, make("search", id="1"), make("search", id="2"))
    await until_quiet(client)
    redis.delete(keys.marks_key(SHOP, visitor("v")))
    first, second = await dead_letters(client, SHOP)
    assert await replay_dead(client, SHOP, [first.id, "1-1"]) == 1
    assert await replay_dead(client, SHOP) == 1
    assert await replay_dead(client, SHOP, [second.id]) == 0
    await until_quiet(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.tally == {"search": 2}
    assert await dead_letters(client, SHOP) == []


async def test_a_letter_names_all_its_shoppers(client: "AsyncRedis", redis: "Redis") -> None:
    """Also where the bytes are no JSON: erasure must find them."""
    event = encoded(make("search", customer_id=feed.customer("c"), email=feed.customer("mail")))
    append(redis, event[:-1])
    await Consumer(client, SHOP, EAGER).catch_up()
    (letter,) = await dead_letters(client, SHOP)
    assert set(letter.shoppers) == {visitor("v"), feed.customer("c"), feed.customer("mail")}


async def test_burying_and_acknowledging_are_one_step(client: "AsyncRedis", redis: "Redis") -> None:
    """Two consumers give the same entry up: one letter."""
    (entry,) = append(redis, b"broken")
    consumer = Consumer(client, SHOP, EAGER)
    await consumer.stream.join()
    await consumer.stream.read(1, None)
    assert await bury(client, SHOP, entry, b"broken", "reason", 1)
    assert not await bury(client, SHOP, entry, b"broken", "reason", 1)
    assert redis.xlen(keys.dead_key(SHOP)) == 1


async def test_dead_letters_do_not_live_for_ever(client: "AsyncRedis", redis: "Redis") -> None:
    """They hold shoppers' data: a month for somebody to look, then each goes, and the key has a TTL."""
    redis.xadd(keys.dead_key(SHOP), {"e": "old", "r": "long ago"}, id="1000-0")
    append(redis, b"broken")
    await Consumer(client, SHOP, EAGER).catch_up()
    (letter,) = await dead_letters(client, SHOP)
    assert letter.data == b"broken"
    ttl: Any = redis.ttl(keys.dead_key(SHOP))
    assert keys.DEAD_TTL_S - 60 < ttl <= keys.DEAD_TTL_S
