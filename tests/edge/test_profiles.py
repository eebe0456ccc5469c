"""The shopper's records in the store: one trip, atomic writes, nothing believed that is not the shopper's own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from edge.breaker import Breaker
from edge.core import keys
from edge.core.codec import decode_session, encode_profile, encode_session
from edge.core.consent import Decision, decode_decision, encode_decision
from edge.core.events import Event, Line
from edge.core.keys import PseudonymKey
from edge.core.profile import Profile
from edge.core.session import Session
from edge.embedded import EmbeddedStore
from edge.identify import Caller, Identifier
from edge.metrics import RECORDS_IGNORED
from edge.profiles import NOTHING_KNOWN, ShopperStore, StoreUnavailableError, connect
from edge.trip import Trip

pytestmark = pytest.mark.store

IDENTIFIER = Identifier("demo", PseudonymKey.from_hex("00" * 32))
CALLER = IDENTIFIER.caller("v", "c", ["personalization", "analytics"])
NOW = time.time()


def view(product: str) -> Event:
    """A product looked at, now."""
    return Event("e", "detail-page-view", datetime.now(UTC), visitor_id="v", products=(Line(product),))


@pytest.fixture(params=["redis-py", "trip"])
async def store(request: pytest.FixtureRequest, session_store: str, redis: "Redis") -> AsyncIterator[ShopperStore]:
    """A store client with patience, on an empty store; its reads by redis-py, or over a trip as at the edge."""
    client = connect(session_store, timeout_s=5, connections=20)
    trip = Trip(session_store, timeout_s=5) if request.param == "trip" else None
    found = ShopperStore(client, trip=trip)
    yield found
    await found.aclose()


def owner(caller: Caller = CALLER) -> tuple[str, str]:
    """Whose profile and whose session."""
    assert caller.shopper is not None
    assert caller.visit is not None
    return caller.shopper, caller.visit


async def test_nothing_stored_is_nothing_known(store: ShopperStore) -> None:
    """The consent of the request stands, there is no profile and no session."""
    known = await store.read(CALLER)
    assert known.profile is None
    assert known.session is None
    assert known.consent == {"personalization", "analytics"}


async def test_nobody_is_not_asked_about(store: ShopperStore) -> None:
    """Without ids there is no trip at all."""
    await store.aclose()
    assert await store.read(IDENTIFIER.caller(None, None, ["personalization"])) == NOTHING_KNOWN


async def test_profile_session_and_consent_come_in_one_trip(store: ShopperStore, redis: "Redis") -> None:
    """The customer's profile, the visitor's session: one command."""
    shopper, visit = owner()
    redis.set(keys.profile_key("demo", shopper), encode_profile(Profile("demo", shopper, orders=3)))
    redis.set(keys.session_key("demo", visit), encode_session(Session("demo", visit, viewed=["1"])))
    before = redis.info("commandstats")
    known = await store.read(CALLER)
    after = redis.info("commandstats")
    assert known.profile is not None
    assert known.profile.orders == 3
    assert known.session is not None
    assert known.session.viewed == ["1"]
    ran = {name for name in after if after[name]["calls"] != before.get(name, {"calls": 0})["calls"]}
    assert ran - {"cmdstat_info", "cmdstat_client|setinfo", "cmdstat_hello", "cmdstat_select"} == {"cmdstat_mget"}


async def test_each_reading_sees_what_was_just_written(store: ShopperStore, redis: "Redis") -> None:
    """Nothing is kept between two: an answer is never older than what the shopper just did."""
    assert (await store.read(CALLER)).session is None
    await store.observe(CALLER, await store.read(CALLER), [view("1")], [], NOW)
    session = (await store.read(CALLER)).session
    assert session is not None
    assert session.viewed == ["1"]
    shopper, _ = owner()
    redis.set(keys.profile_key("demo", shopper), encode_profile(Profile("demo", shopper, revision=1)))
    profile = (await store.read(CALLER)).profile
    assert profile is not None
    assert profile.revision == 1


@pytest.mark.parametrize("whose", ["visitor", "customer"])
async def test_a_stored_denial_wins(store: ShopperStore, redis: "Redis", whose: str) -> None:
    """Of either id: the records are there and are not shown."""
    shopper, visit = owner()
    redis.set(keys.profile_key("demo", shopper), encode_profile(Profile("demo", shopper)))
    redis.set(keys.session_key("demo", visit), encode_session(Session("demo", visit)))
    subject = CALLER.visitor if whose == "visitor" else CALLER.customer
    assert subject is not None
    denial = Decision("demo", subject, ("analytics",), NOW, "banner")
    redis.set(keys.consent_key("demo", subject), encode_decision(denial))
    known = await store.read(CALLER)
    assert (known.profile, known.session) == (None, None)
    assert known.consent == {"analytics"}


@pytest.mark.parametrize(
    "kind", ["random", "future version", "wrong type", "of another shopper", "of another shop", "huge"]
)
async def test_bad_records_are_ignored_not_believed(store: ShopperStore, redis: "Redis", kind: str) -> None:
    """Whatever lies under the shopper's keys, the answer is `nothing known`, never an error, never somebody else."""
    shopper, visit = owner()
    for name, mine in ((keys.profile_key("demo", shopper), shopper), (keys.session_key("demo", visit), visit)):
        good = encode_profile(Profile("demo", mine)) if name.startswith("p:") else encode_session(Session("demo", mine))
        match kind:
            case "random":
                redis.set(name, os.urandom(300))
            case "future version":
                redis.set(name, b"\x63" + good[1:])
            case "wrong type":
                redis.rpush(name, "a list")
            case "of another shopper":
                redis.set(name, encode_profile(Profile("demo", "k1.other")))
                redis.set(keys.session_key("demo", visit), encode_session(Session("demo", "k1.other")))
            case "of another shop":
                redis.set(name, encode_profile(Profile("other", mine)))
                redis.set(keys.session_key("demo", visit), encode_session(Session("other", visit)))
            case "huge":
                redis.set(name, b"\x01" + b"x" * 5_000_000)
    known = await store.read(CALLER)
    assert (known.profile, known.session) == (None, None)
    assert "personalization" in known.consent


async def test_ignored_records_are_counted_and_said_once_a_minute(
    store: ShopperStore, redis: "Redis", caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A metric for each; one line that says what and why, and holds nobody's name."""
    monkeypatch.setattr("edge.profiles._said", {})
    shopper, _ = owner()
    redis.set(keys.profile_key("demo", shopper), b"\x63 from the future")
    before = RECORDS_IGNORED.labels("profile", "unreadable")._value.get()
    for _ in range(5):
        await store.read(CALLER)
    assert RECORDS_IGNORED.labels("profile", "unreadable")._value.get() == before + 5
    (line,) = [record.getMessage() for record in caplog.records if "was ignored" in record.getMessage()]
    assert "version 99" in line
    assert shopper not in line


async def test_what_is_seen_is_written_with_a_ttl(store: ShopperStore, redis: "Redis") -> None:
    """The session, and the trail of stream entries; nothing else."""
    await store.observe(CALLER, await store.read(CALLER), [view("1"), view("2")], [b"1-1", b"1-2"], NOW)
    _, visit = owner()
    session = decode_session(redis.get(keys.session_key("demo", visit)))  # type: ignore[arg-type]  # because redis-py types both clients at once
    assert session.viewed == ["1", "2"]
    names = {name.decode(): redis.ttl(name) for name in redis.scan_iter()}
    assert set(names) == {keys.session_key("demo", visit), keys.trail_key("demo", visit)}
    assert keys.SESSION_TTL_S - 60 < names[keys.session_key("demo", visit)] <= keys.SESSION_TTL_S
    assert names[keys.trail_key("demo", visit)] > 0


async def test_events_at_the_same_time_all_count(store: ShopperStore) -> None:
    """Several pages of one visitor at once: no view overwrites another."""
    known = await store.read(CALLER)
    results = await asyncio.gather(
        *(store.observe(CALLER, known, [view(str(n))], [], NOW) for n in range(4)), return_exceptions=True
    )
    session = (await store.read(CALLER)).session
    assert session is not None
    written = [result for result in results if not isinstance(result, BaseException)]
    assert len(session.viewed) == len(written) >= 3


async def test_a_withdrawal_in_between_is_not_undone(store: ShopperStore, redis: "Redis") -> None:
    """Consent goes between reading and writing a session: the write must not bring the session back."""
    known = await store.read(CALLER)
    await store.decide(CALLER, lambda subject: Decision("demo", subject, (), NOW, "banner"))
    await store.observe(CALLER, known, [view("1")], [], NOW)
    _, visit = owner()
    assert redis.get(keys.session_key("demo", visit)) is None


async def test_withdrawal_deletes_everything_but_the_decision(store: ShopperStore, redis: "Redis") -> None:
    """Profile, session, and the unread stream entries of both ids."""
    shopper, visit = owner()
    entries = [redis.xadd(keys.events_key("demo"), {"e": "mine"}) for _ in range(3)]
    other = redis.xadd(keys.events_key("demo"), {"e": "somebody else's"})
    redis.set(keys.profile_key("demo", shopper), encode_profile(Profile("demo", shopper)))
    await store.observe(CALLER, await store.read(CALLER), [view("1")], entries, NOW)  # type: ignore[arg-type]  # because redis-py types both clients at once
    await store.decide(CALLER, lambda subject: Decision("demo", subject, (), NOW, "banner"))
    assert {name.decode() for name in redis.scan_iter()} == {
        keys.events_key("demo"),
        keys.consent_key("demo", shopper),
        keys.consent_key("demo", visit),
    }
    assert [entry for entry, _ in redis.xrange(keys.events_key("demo"))] == [other]  # type: ignore[union-attr]  # because redis-py types both clients at once
    stored = decode_decision(redis.get(keys.consent_key("demo", visit)))  # type: ignore[arg-type]  # because redis-py types both clients at once
    assert stored.granted == ()
    assert 0 < redis.ttl(keys.consent_key("demo", visit)) <= keys.CONSENT_TTL_S


async def test_withdrawing_analytics_alone_leaves_the_profile(store: ShopperStore, redis: "Redis") -> None:
    """Only what that purpose allowed goes: the entries on their way to the log."""
    shopper, _ = owner()
    redis.set(keys.profile_key("demo", shopper), encode_profile(Profile("demo", shopper)))
    entry = redis.xadd(keys.events_key("demo"), {"e": "mine"})
    await store.observe(CALLER, await store.read(CALLER), [view("1")], [entry], NOW)  # type: ignore[list-item]  # because redis-py types both clients at once
    await store.decide(CALLER, lambda subject: Decision("demo", subject, ("personalization",), NOW, "banner"))
    known = await store.read(CALLER)
    assert known.profile is not None
    assert known.session is not None
    assert redis.xlen(keys.events_key("demo")) == 0


async def test_a_store_that_is_not_there_fails_fast_and_opens_the_breaker(tmp_path: Path) -> None:
    """After the threshold it is not even asked."""
    client = connect(f"unix://{tmp_path}/nothing.sock", timeout_s=0.05, connections=2)
    store = ShopperStore(client, Breaker(threshold=2, open_s=60))
    for expected in ("did not answer", "did not answer", "not being asked"):
        with pytest.raises(StoreUnavailableError, match=expected):
            await store.read(CALLER)
    assert not await store.ready()
    await client.aclose()


async def test_a_frozen_store_costs_one_timeout_and_recovers(tmp_path: Path) -> None:
    """SIGSTOP: connections are accepted and never answered. After SIGCONT the same client works again."""
    with EmbeddedStore(tmp_path) as frozen:
        client = connect(frozen.url, timeout_s=0.05, connections=2)
        store = ShopperStore(client, Breaker(threshold=3, open_s=0.01))
        assert await store.ready()
        pid = int((tmp_path / "store.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        for _ in range(5):
            assert not await store.ready()
        os.kill(pid, signal.SIGCONT)
        ends = time.monotonic() + 20
        while not await store.ready() and time.monotonic() < ends:
            await asyncio.sleep(0.02)
        assert (await store.read(CALLER)).consent
        await client.aclose()


async def test_a_store_that_refuses_writes_still_reads(tmp_path: Path) -> None:
    """Out of memory: reading goes on, writing says so."""
    with EmbeddedStore(tmp_path) as small:
        client = connect(small.url, timeout_s=5, connections=2)
        store = ShopperStore(client)
        await client.config_set("maxmemory", "1")
        assert (await store.read(CALLER)).profile is None
        with pytest.raises(StoreUnavailableError, match="OutOfMemoryError"):
            await store.observe(CALLER, await store.read(CALLER), [view("1")], [], NOW)
        await client.aclose()


async def test_cancelled_readers_never_leave_their_reply_to_the_next(store: ShopperStore, redis: "Redis") -> None:
    """A storm of cancellations: every reply that arrives is the caller's own."""
    callers = [IDENTIFIER.caller(f"v{n}", None, ["personalization"]) for n in range(20)]
    for caller in callers:
        redis.set(keys.session_key("demo", owner(caller)[1]), encode_session(Session("demo", owner(caller)[1])))
    for round_ in range(30):
        tasks = [asyncio.create_task(store.read(caller)) for caller in callers]
        await asyncio.sleep(0.0005 * (round_ % 4))
        for task in tasks[::2]:
            task.cancel()
        for caller, result in zip(callers, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
            if not isinstance(result, BaseException):
                assert result.session is not None
                assert result.session.shopper == caller.visit


def test_importing_the_store_client_loads_no_server() -> None:
    """The backend uses this module; it must not bring Starlette."""
    code = "import sys, edge.profiles; print('starlette' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_a_connection_reset_before_the_write_is_a_failing_store(store: ShopperStore) -> None:
    """uvloop calls it RuntimeError: no fault of ours, but one more failure for the breaker."""

    async def write() -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    for _ in range(5):
        with pytest.raises(StoreUnavailableError, match="did not answer: RuntimeError"):
            await store.ask(write)
    assert store.breaker.open
