"""Decisions on consent that are sent again: one effect, whatever came or failed in between."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis import Redis

from edge.collect import Collector
from edge.core import keys
from edge.core.keys import PseudonymKey
from edge.doors import Door
from edge.errors import InputError
from edge.identify import Identifier
from edge.profiles import ShopperStore, StoreUnavailableError, connect

pytestmark = pytest.mark.store

IDENTIFIER = Identifier("demo", PseudonymKey.from_hex("00" * 32))
DEMO = Door("demo")
GRANT, DENY = ["analytics", "personalization"], list[str]()
Decide = Callable[..., Awaitable[frozenset[str]]]


@pytest.fixture
async def collector(session_store: str, redis: "Redis") -> Any:
    """One with a store of its own connections."""
    client = connect(session_store, timeout_s=5, connections=4)
    yield Collector(ShopperStore(client), IDENTIFIER, 1000)
    await client.aclose()


@pytest.fixture
def decide(collector: Collector) -> Decide:
    """`await decide("d1", GRANT)` through the demo door."""

    async def send(id_: str | None, consent: list[str], door: Door = DEMO, **who: str) -> frozenset[str]:
        body = {"id": id_, "consent": consent, **(who or {"visitor_id": "v"})}
        return await collector.consent(json.dumps({k: v for k, v in body.items() if v is not None}).encode(), door)

    return send


async def stored(collector: Collector, *ids: str | None) -> list[str]:
    """What the store lets a visitor (and customer) do who asks for everything."""
    visitor, customer = (*ids, None)[:2]
    known = await collector.store.read(IDENTIFIER.caller(visitor, customer, ["personalization", "analytics"]))
    return sorted(known.consent)


def tasks(redis: "Redis") -> int:
    """How many withdrawals the backend was told of."""
    return int(redis.xlen(keys.tasks_key("demo")))


async def test_an_old_grant_does_not_undo_a_withdrawal(collector: Collector, decide: Decide) -> None:
    """The grant is sent again, late, with its id: the answer says what it said, the withdrawal stands."""
    assert await decide("d1", GRANT) == set(GRANT)
    assert await decide("d2", DENY) == set()
    assert await decide("d1", GRANT) == set(GRANT)
    assert await stored(collector, "v") == []


async def test_an_old_withdrawal_does_not_undo_a_grant(collector: Collector, decide: Decide, redis: "Redis") -> None:
    """The other way round; and the backend is told once."""
    await decide("d1", DENY)
    await decide("d2", GRANT)
    await decide("d1", DENY)
    assert await stored(collector, "v") == sorted(GRANT)
    assert tasks(redis) == 1


async def test_an_id_stands_for_what_it_said_first(collector: Collector, decide: Decide) -> None:
    """Another decision under the same id is not taken, and the answer does not pretend that it was."""
    await decide("d1", DENY)
    assert await decide("d1", GRANT) == set()
    assert await stored(collector, "v") == []


async def test_without_an_id_each_decision_counts(collector: Collector, decide: Decide) -> None:
    """As servers send them."""
    for consent in (GRANT, DENY, GRANT):
        await decide(None, consent)
    assert await stored(collector, "v") == sorted(GRANT)


async def test_an_id_is_of_one_shopper(collector: Collector, decide: Decide) -> None:
    """Somebody else's decision under it, or the same device's after a login, is another decision."""
    await decide("d1", GRANT)
    await decide("d1", DENY, visitor_id="w")
    await decide("d1", DENY, Door("proxy", b"", "7"), visitor_id="v")
    assert await stored(collector, "w") == []
    assert await stored(collector, "v", "7") == []


async def test_a_decision_that_failed_halfway_is_carried_out_whole_the_next_time(
    collector: Collector, decide: Decide, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark was set, the visitor's record written, then the store was away: sent again it reaches the customer."""
    door, once = Door("proxy", b"", "7"), collector.store.ask
    calls = 0

    async def away(call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:  # mark, visitor, customer
            raise StoreUnavailableError("it went away")
        return await once(call, *arguments)

    monkeypatch.setattr(collector.store, "ask", away)
    with pytest.raises(StoreUnavailableError):
        await decide("d1", DENY, door, visitor_id="v")
    assert tasks(redis) == 0
    monkeypatch.undo()
    assert await decide("d1", DENY, door, visitor_id="v") == set()
    assert await stored(collector, None, "7") == []
    assert tasks(redis) == 1


async def test_cut_off_at_any_step_and_sent_again_it_is_whole(
    collector: Collector, decide: Decide, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled before each of its calls in turn, as by a process that goes: never half, never lost."""
    ask = collector.store.ask
    for step in range(1, 6):
        redis.flushall()
        await decide("d0", GRANT)
        left = step

        async def cut(call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise asyncio.CancelledError
            return await ask(call, *arguments)

        monkeypatch.setattr(collector.store, "ask", cut)
        try:
            await decide("d1", DENY, Door("proxy", b"", "7"), visitor_id="v")
        except asyncio.CancelledError:
            pass
        else:
            assert step == 5, "mark, visitor, customer, task"
        monkeypatch.undo()
        await decide("d1", DENY, Door("proxy", b"", "7"), visitor_id="v")
        assert await stored(collector, "v") == await stored(collector, None, "7") == []
        assert tasks(redis) == 1


async def test_two_at_once_are_one(collector: Collector, decide: Decide, redis: "Redis") -> None:
    """A beacon and a fetch of the same decision."""
    await asyncio.gather(*(decide("d1", DENY) for _ in range(4)))
    assert await stored(collector, "v") == []
    assert tasks(redis) == 1


async def test_the_mark_names_nobody_and_goes(decide: Decide, redis: "Redis") -> None:
    """Five minutes; no id, no pseudonym in it."""
    await decide("decision-77", DENY, visitor_id="visitor-77")
    (name,) = redis.keys("k:*")
    assert 0 < redis.ttl(name) <= keys.DECIDED_TTL_S == 300
    pseudonym = IDENTIFIER.caller("visitor-77", None, []).visitor
    for text in (b"visitor-77", b"decision-77", str(pseudonym).encode()):
        assert text not in name
        assert text not in (redis.get(name) or b"")


async def test_after_its_time_an_id_is_new(collector: Collector, decide: Decide, redis: "Redis") -> None:
    """And the backend hears of the new withdrawal, too."""
    await decide("d1", DENY)
    await decide("d2", GRANT)
    redis.delete(*redis.keys("k:*"))
    await decide("d1", DENY)
    assert await stored(collector, "v") == []
    assert tasks(redis) == 2


async def test_pages_must_send_an_id(decide: Decide) -> None:
    """Under the app proxy, where a signed address may come twice."""
    with pytest.raises(InputError) as error:
        await decide(None, DENY, Door("proxy"))
    assert error.value.parameter == "id"


async def test_somebody_must_be_named(decide: Decide) -> None:
    """Nobody is logged in and there is no visitor id: whose decision is it?"""
    with pytest.raises(InputError) as error:
        await decide("d1", DENY, Door("proxy"), source="web")
    assert error.value.parameter == "visitor_id"
