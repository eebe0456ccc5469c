"""The consumer against a real store: what each event changes, once, whatever happens in between."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.consume import consumer as module
from backend.consume.consumer import Consumer, Limits
from backend.identity.resolve import Owner
from edge.core import keys
from edge.core.codec import encode_profile
from edge.core.events import EVENT_TYPES, Event, EventType
from edge.core.profile import Profile
from edge.profiles import connect
from tests.backend.consume import feed
from tests.backend.consume.feed import SHOP, append, counts, deny, make, stored, visitor

pytestmark = pytest.mark.store

DAY = int(feed.BEGAN.timestamp()) // 86_400
EAGER = Limits(batch=100, reclaim_idle_s=0.001, attempts=2)


async def consume(client: "AsyncRedis", limits: Limits = EAGER) -> Consumer:
    """Apply all there is."""
    consumer = Consumer(client, SHOP, limits)
    await consumer.catch_up()
    return consumer


def pending(redis: "Redis") -> int:
    """Entries delivered and not acknowledged."""
    summary: Any = redis.xpending(keys.events_key(SHOP), keys.PROFILES_GROUP)
    return int(summary["pending"])


@pytest.mark.parametrize("kind", EVENT_TYPES)
async def test_every_type_of_event_changes_something(client: "AsyncRedis", redis: "Redis", kind: EventType) -> None:
    """The tally and the day's counts for all; views, purchases, orders and shelves for those that concern them."""
    append(redis, make(kind, "p1", order_id="o1", attribution_token=feed.TOKEN))
    await consume(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.tally == {kind: 1}
    assert profile.revision == 1
    assert list(profile.viewed) == (["p1"] if kind in {"detail-page-view", "add-to-cart", "wishlist-add"} else [])
    bought = {"purchase-complete": 1, "return": -1}
    assert {name: item.count for name, item in profile.bought.items()} == (
        {"p1": bought[kind]} if kind in bought else {}
    )
    shelf = "for_you:20261121T100455Z-3f9c"
    more = {
        "purchase-complete": {"orders": 1, f"purchases:{shelf}": 1},
        "recommendation-impression": {f"impressions:{shelf}": 1},
        "recommendation-click": {f"clicks:{shelf}": 1},
    }
    assert counts(redis) == {DAY: {f"events:{kind}": 1} | more.get(kind, {})}


async def test_what_is_written_has_a_ttl_and_the_stream_is_empty(client: "AsyncRedis", redis: "Redis") -> None:
    """Profile, marks, counts; the entry is removed once no group needs it, its note on the trail at once."""
    (entry,) = append(redis, make("add-to-cart", "p1"))
    redis.rpush(keys.trail_key(SHOP, visitor("v")), entry, b"9-9")
    await consume(client)
    assert redis.xlen(keys.events_key(SHOP)) == 0
    assert redis.lrange(keys.trail_key(SHOP, visitor("v")), 0, -1) == [b"9-9"]
    for name, most_s in (
        (keys.profile_key(SHOP, visitor("v")), keys.PROFILE_TTL_S),
        (keys.marks_key(SHOP, visitor("v")), keys.SEEN_TTL_S),
        (keys.counts_key(SHOP, DAY), keys.COUNTS_TTL_S),
    ):
        assert most_s - 60 < redis.ttl(name) <= most_s


async def test_a_customers_events_change_the_customers_profile(client: "AsyncRedis", redis: "Redis") -> None:
    """The trail is the device's, whose key lies elsewhere on a cluster; it is cleaned, too."""
    (entry,) = append(redis, make("add-to-cart", "p1", customer_id=feed.customer("c")))
    redis.rpush(keys.trail_key(SHOP, visitor("v")), entry)
    await consume(client)
    assert stored(redis, feed.customer("c")) is not None
    assert stored(redis, visitor("v")) is None
    assert not redis.exists(keys.trail_key(SHOP, visitor("v")))


async def test_the_same_event_in_two_entries_counts_once(client: "AsyncRedis", redis: "Redis") -> None:
    """In one batch and in a later one, and the trail is cleaned of both."""
    event = make("add-to-cart", "p1")
    entries = append(redis, event, event)
    redis.rpush(keys.trail_key(SHOP, visitor("v")), *entries)
    await consume(client)
    append(redis, event)
    await consume(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.tally == {"add-to-cart": 1}
    assert counts(redis)[DAY] == {"events:add-to-cart": 1}
    assert not redis.exists(keys.trail_key(SHOP, visitor("v")))


@pytest.mark.parametrize("page_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("platform_consent", [feed.BOTH, ("analytics",)])
async def test_an_order_told_by_page_and_platform_counts_once(
    client: "AsyncRedis", redis: "Redis", page_first: bool, together: bool, platform_consent: tuple[str, ...]
) -> None:
    """In either order, also where the platform's may only be counted: it does not keep the page's from the profile."""
    page = make("purchase-complete", "p1", id="page", order_id="77")
    platform = msgspec.structs.replace(page, id="platform", consent=platform_consent, source="store")
    for event in (page, platform) if page_first else (platform, page):
        append(redis, event)
        if not together:
            await consume(client)
    await consume(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.orders == 1
    assert counts(redis)[DAY] == {"events:purchase-complete": 1, "orders": 1}


@pytest.mark.parametrize(
    ("consent", "granted", "profile", "counted"),
    [
        (("personalization",), None, True, True),
        (("analytics",), None, False, True),
        (("marketing",), None, False, False),
        ((), None, False, False),
        (feed.BOTH, ("analytics",), False, True),
        (feed.BOTH, ("marketing",), False, False),
        (feed.BOTH, (), False, False),
    ],
)
async def test_consent_is_asked_again_when_the_event_is_applied(
    client: "AsyncRedis", redis: "Redis", consent: Any, granted: Any, profile: bool, counted: bool
) -> None:
    """Of the event and of what is stored, both must allow; nothing kept means nothing counted either."""
    if granted is not None:
        deny(redis, visitor("v"), *granted)
    append(redis, make("add-to-cart", "p1", consent=consent))
    await consume(client)
    assert (stored(redis, visitor("v")) is not None) == profile
    assert counts(redis) == ({DAY: {"events:add-to-cart": 1}} if counted else {})
    assert redis.exists(keys.marks_key(SHOP, visitor("v"))) == counted
    assert pending(redis) == 0


@pytest.mark.parametrize("who", ["visitor", "customer"])
async def test_a_denial_of_either_name_wins(client: "AsyncRedis", redis: "Redis", who: str) -> None:
    """The device's or the customer's."""
    deny(redis, visitor("v") if who == "visitor" else feed.customer("c"))
    append(redis, make("add-to-cart", "p1", customer_id=feed.customer("c")))
    await consume(client)
    assert feed.profiles(redis) == {}


async def test_an_event_of_nobody_is_counted_once(client: "AsyncRedis", redis: "Redis") -> None:
    """A search that names no one: no profile, but the day's counts, and a mark of its own."""
    event = make("search", visitor_id=None)
    append(redis, event, event)
    await consume(client)
    append(redis, event)
    await consume(client)
    assert feed.profiles(redis) == {}
    assert counts(redis)[DAY] == {"events:search": 1}


async def test_two_days_are_counted_apart(client: "AsyncRedis", redis: "Redis") -> None:
    """By the event's own time, not by when it was heard of."""
    append(redis, make("search", id="1"), make("search", id="2", time=feed.BEGAN + timedelta(hours=1)))
    await consume(client)
    assert counts(redis) == {DAY: {"events:search": 1}, DAY + 1: {"events:search": 1}}


async def test_a_days_counts_cannot_be_blown_up_from_outside(client: "AsyncRedis", redis: "Redis") -> None:
    """Past a thousand different fields, new ones are one; known ones go on."""
    known: dict[Any, Any] = {f"x{number}": 1 for number in range(999)} | {"events:recommendation-click": 0}
    redis.hset(keys.counts_key(SHOP, DAY), mapping=known)
    tokens = [f"slot{number}.v.h" for number in range(3)]
    append(redis, *(make("recommendation-click", id=token, attribution_token=token) for token in tokens))
    await consume(client)
    found = counts(redis)[DAY]
    assert found["events:recommendation-click"] == 3
    assert found["other"] == 3
    assert len(found) == 1_001


class Crashing(Consumer):
    """A consumer that ends at a certain step."""

    def __init__(self, client: "AsyncRedis", step: str) -> None:
        super().__init__(client, SHOP, EAGER)
        if step == "applied":
            setattr(self, "_acknowledge", self._end)  # noqa: B010 -- to end there is the point
        else:
            setattr(self._records, step, self._end)

    async def _end(self, *_: object) -> None:
        raise SystemExit


@pytest.mark.parametrize("step", ["read", "write", "forget_trails", "applied"])
async def test_a_crash_at_any_step_leaves_one_effect(client: "AsyncRedis", redis: "Redis", step: str) -> None:
    """Another consumer takes the batch over; what was written before the crash is not written again."""
    sent = feed.load(200, 20, seed=1)
    deny(redis, visitor(3))
    append(redis, *feed.with_trouble(sent, seed=2))
    dying = Crashing(client, step)
    await dying.stream.join()
    raw = await dying.stream.read(100, None)
    with pytest.raises(SystemExit):
        await dying.process(raw)
    assert pending(redis) == 100
    await asyncio.sleep(0.01)
    await consume(client)
    assert (feed.profiles(redis), counts(redis)) == feed.undisturbed(sent, [visitor(3)])
    assert pending(redis) == 0


async def test_two_consumers_at_once_share_the_work(client: "AsyncRedis", redis: "Redis") -> None:
    """The same shoppers in both hands, and batches taken from each other while at work: still one effect each."""
    sent = feed.load(600, 10, seed=6)
    append(redis, *feed.with_trouble(sent, seed=7))
    limits = Limits(batch=40, reclaim_idle_s=0.001, attempts=1_000)
    consumers = [Consumer(client, SHOP, limits) for _ in range(3)]
    await asyncio.gather(*(consumer.catch_up() for consumer in consumers))
    await consume(client, limits)
    assert (feed.profiles(redis), counts(redis)) == feed.undisturbed(sent)


async def test_a_profile_that_changed_meanwhile_is_read_again(
    client: "AsyncRedis", redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes between the consumer's reading and writing: both effects stay."""
    append(redis, make("add-to-cart", "p1"))
    consumer = Consumer(client, SHOP, EAGER)
    write, disturbed = consumer._records.write, list[int]()

    async def write_later(plans: Any) -> Any:
        if not disturbed:
            disturbed.append(1)
            redis.set(keys.profile_key(SHOP, visitor("v")), encode_profile(Profile(SHOP, visitor("v"), orders=5)))
        return await write(plans)

    monkeypatch.setattr(consumer._records, "write", write_later)
    await consumer.catch_up()
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert (profile.orders, profile.tally) == (5, {"add-to-cart": 1})


async def test_a_withdrawal_that_comes_meanwhile_wins(
    client: "AsyncRedis", redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A denial between reading and writing: no profile comes back."""
    append(redis, make("add-to-cart", "p1"))
    consumer = Consumer(client, SHOP, EAGER)
    write = consumer._records.write

    async def write_later(plans: Any) -> Any:
        deny(redis, visitor("v"))
        return await write(plans)

    monkeypatch.setattr(consumer._records, "write", write_later)
    await consumer.catch_up()
    assert feed.profiles(redis) == {}
    assert counts(redis) == {}
    assert pending(redis) == 0


async def test_records_that_never_rest_leave_the_event_pending(
    client: "AsyncRedis", redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some rounds it is put off, not lost and not looped over for ever."""
    append(redis, make("add-to-cart", "p1"))
    consumer = Consumer(client, SHOP, Limits(reclaim_idle_s=60))
    write, rounds = consumer._records.write, list[int]()

    async def write_later(plans: Any) -> Any:
        rounds.append(1)
        redis.set(keys.profile_key(SHOP, visitor("v")), encode_profile(Profile(SHOP, visitor("v"), orders=len(rounds))))
        return await write(plans)

    monkeypatch.setattr(consumer._records, "write", write_later)
    left = await consumer.catch_up()
    assert left.pending == 1
    assert 1 < len(rounds) < 50


@pytest.mark.parametrize("data", [b"\x01 of an old version", b"\xff random", b""])
@pytest.mark.fault(8)
async def test_a_damaged_profile_is_begun_anew(client: "AsyncRedis", redis: "Redis", data: bytes) -> None:
    """It could not be read by anybody."""
    redis.set(keys.profile_key(SHOP, visitor("v")), data)
    append(redis, make("add-to-cart", "p1"))
    await consume(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.revision == 1


async def test_a_decision_that_cannot_be_read_denies(client: "AsyncRedis", redis: "Redis") -> None:
    """It may have been a denial."""
    redis.set(keys.consent_key(SHOP, visitor("v")), b"damaged")
    append(redis, make("add-to-cart", "p1"))
    await consume(client)
    assert feed.profiles(redis) == {}


async def test_a_resolver_says_whose_profile_it_is(
    client: "AsyncRedis", redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seam for identities: asked once for the batch, in stream order; a failing event does not hold the others."""
    asked: list[list[str]] = []

    async def resolve(redis: Any, shop: str, events: Sequence[Event]) -> list[Owner | None]:
        asked.append([event.id for event in events])
        if any(event.id == "bad" for event in events):
            raise ValueError("this one")
        return [Owner(feed.customer("everybody")) for _ in events]

    monkeypatch.setattr(module, "resolve", resolve)
    append(redis, make("search", id="1"), make("search", id="bad"), make("search", id="2"))
    consumer = Consumer(client, SHOP, Limits(reclaim_idle_s=60))
    left = await consumer.catch_up()
    profile = stored(redis, feed.customer("everybody"))
    assert profile is not None
    assert profile.tally == {"search": 2}
    assert left.pending == 1
    assert asked[0] == ["1", "bad", "2"]


async def test_it_runs_until_it_is_told_to_stop(client: "AsyncRedis", redis: "Redis") -> None:
    """As the backend app runs it: events that come while it waits are applied; its name leaves with it."""
    stop = asyncio.Event()
    consumer = Consumer(client, SHOP, Limits(janitor_s=0.01))
    running = asyncio.create_task(consumer.run(stop))
    for number in range(3):
        append(redis, make("search", id=str(number)))
        while (profile := stored(redis, visitor("v"))) is None or profile.revision <= number:
            await asyncio.sleep(0.005)
    stop.set()
    await running
    assert redis.xinfo_consumers(keys.events_key(SHOP), keys.PROFILES_GROUP) == []


async def test_a_deleted_stream_is_joined_again(client: "AsyncRedis", redis: "Redis") -> None:
    """As after a shop was erased: the consumer goes on with what comes next."""
    consumer = await consume(client)
    redis.delete(keys.events_key(SHOP))
    append(redis, make("search"))
    await consumer.catch_up()
    await consumer.catch_up()
    assert stored(redis, visitor("v")) is not None


async def test_a_store_that_forgot_its_scripts_is_taught_again(client: "AsyncRedis", redis: "Redis") -> None:
    """As after a restart without one of the nodes."""
    for number in range(2):
        append(redis, make("search", id=str(number)))
        redis.script_flush()
        await consume(client)
    profile = stored(redis, visitor("v"))
    assert profile is not None
    assert profile.revision == 2


async def test_a_batch_that_the_store_interrupted_is_finished_by_the_same_consumer(
    client: "AsyncRedis", redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """No waiting until the entries look abandoned: it still has them."""
    append(redis, make("search"))
    consumer, stop, failures = Consumer(client, SHOP, Limits(reclaim_idle_s=600)), asyncio.Event(), list[int]()
    acknowledge = consumer._acknowledge

    async def fail_once(*arguments: Any) -> None:
        if not failures:
            failures.append(1)
            raise ConnectionError
        await acknowledge(*arguments)
        stop.set()

    monkeypatch.setattr(consumer, "_acknowledge", fail_once)
    await asyncio.wait_for(consumer.run(stop), 20)
    assert counts(redis)[DAY] == {"events:search": 1}
    assert pending(redis) == 0


async def test_old_marks_are_dropped(client: "AsyncRedis", redis: "Redis") -> None:
    """96 hours of stream time after their event; younger ones stay."""
    old, young = (keys.SEEN_TTL_S + 60) * 1000, 60_000
    name = keys.marks_key(SHOP, visitor("v"))
    (entry,) = append(redis, make("search"))
    milliseconds = int(entry.partition(b"-")[0])
    redis.zadd(name, {b"old": (milliseconds - old) * 4096, b"young": (milliseconds - young) * 4096})
    await consume(client)
    marks: Any = redis.zrange(name, 0, -1)
    assert b"old" not in marks
    assert b"young" in marks
    assert len(marks) == 2


def test_progress_hears_of_every_entry(session_store: str, redis: "Redis") -> None:
    """For the command's bar."""
    heard: list[int] = []
    append(redis, *(make("search", id=str(number)) for number in range(7)), b"broken")

    async def job() -> None:
        client = connect(session_store, timeout_s=10, connections=2)
        await Consumer(client, SHOP, Limits(batch=3), heard.append).catch_up()
        await client.aclose()

    asyncio.run(job())
    assert sum(heard) == 8
