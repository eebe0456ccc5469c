"""The shopper's records in Redis: profile, session, consent. One trip to read them, atomic steps to write them.

In: a `Caller`. Out: `Known`, or StoreUnavailableError after at most the configured wait: no retries, a breaker instead.
Every record carries its shop and shopper and is believed only where they match, so that a mixed-up reply is a miss.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, cast

import msgspec
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MaxConnectionsError, RedisClusterException, RedisError, ResponseError

from edge.breaker import Breaker
from edge.core import keys
from edge.core.codec import decode_columns, decode_profile, decode_session, encode_session
from edge.core.columns import ProfileColumns
from edge.core.consent import Decision, decode_decision, encode_decision, in_force
from edge.core.errors import CodecError
from edge.core.events import Event, Purpose
from edge.core.profile import Profile
from edge.core.session import Session, observe
from edge.errors import EndcapError
from edge.identify import Caller
from edge.metrics import BREAKER_OPEN, RECORDS_IGNORED, STORE_ERRORS
from edge.scripts import DECIDE, WRITE_SESSION
from edge.trip import LostTooError, Trip

logger = logging.getLogger("endcap.profiles")


class StoreUnavailableError(EndcapError):
    """The store did not answer in time, refused, or is not being asked at the moment."""


class Known(msgspec.Struct, frozen=True):
    """What one trip brought: the records as they may be used, and the raw bytes that a later write must still find."""

    profile: ProfileColumns | None
    session: Session | None
    consent: frozenset[Purpose]
    session_bytes: bytes | None
    consent_bytes: bytes | None  # of the session's owner
    elsewhere: Session | None = None  # the visit on this device, where it is another person's


NOTHING_KNOWN = Known(None, None, frozenset(), None, None)

# All that a call may raise when the store is away or refuses; what a cluster's client adds is no RedisError, and uvloop
# raises RuntimeError for a write to a connection that was reset a moment ago, which redis-py lets through as it is.
STORE_FAILURES = (RedisError, RedisClusterException, OSError, RuntimeError)
_ATTEMPTS = 5
_SAY_EVERY_S = 60.0


def connect(url: str, *, timeout_s: float, connections: int) -> "Redis":
    """A client that fails fast: redis-py's defaults take seconds to give up, and RESP3 skips a check on reuse.

    `redis+cluster://` (`rediss+cluster://` with TLS) names any node of a Redis Cluster.
    """
    scheme, mark, rest = url.partition("+cluster://")
    limits: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": connections,
    }
    if mark:
        # It has every command used here; the two classes share no type.
        return cast("Redis", RedisCluster.from_url(f"{scheme}://{rest}", **limits))
    client: Redis = Redis.from_url(url, **limits)
    return client


async def get_many(redis: "Redis", names: Sequence[str]) -> list[Any]:
    """Values of any keys, in the order of the names: one command, on a cluster one per slot, all nodes at once."""
    client: object = redis
    if isinstance(client, RedisCluster):
        found: list[Any] = await client.mget_nonatomic(names)
        return found
    return await redis.mget(names)


class _Owned(Protocol):
    @property
    def shop(self) -> str: ...
    @property
    def shopper(self) -> str: ...


_Record = TypeVar("_Record", bound=_Owned)
_Kept = TypeVar("_Kept", ProfileColumns, Session)
_Result = TypeVar("_Result")


class ShopperStore:
    """Reads and writes shoppers' records through one client and one breaker; with a `trip`, reads them over that."""

    def __init__(self, redis: "Redis", breaker: Breaker | None = None, trip: Trip | None = None) -> None:
        self.redis = redis
        self.trip = trip
        self._get_many = trip.get_many if trip else partial(get_many, redis)
        self.breaker = breaker or Breaker()
        self._write_session = redis.register_script(WRITE_SESSION)
        self._decide_script = redis.register_script(DECIDE)

    async def ask(self, call: Callable[..., Awaitable[_Result]], *arguments: Any) -> _Result:  # noqa: ANN401 -- the call's
        """Make one call to the store through the breaker. Raises StoreUnavailableError."""
        if not self.breaker.allow():
            STORE_ERRORS.labels("skipped").inc()
            raise StoreUnavailableError("the store failed repeatedly and is not being asked for a moment")
        try:
            result = await call(*arguments)
        except STORE_FAILURES as error:
            kind = type(error).__name__
            STORE_ERRORS.labels(kind).inc()
            if isinstance(error, (ResponseError, MaxConnectionsError)) and not isinstance(error, ClusterDownError):
                # It answered, or was not even asked: out of memory, a stream that is full, a pool that is too small.
                raise StoreUnavailableError(f"the store refused: {kind}") from error
            if not isinstance(error, LostTooError):
                self.breaker.failed()
            BREAKER_OPEN.set(self.breaker.open)
            raise StoreUnavailableError(f"the store did not answer: {kind}") from error
        if self.breaker.open:
            BREAKER_OPEN.set(0)
        self.breaker.succeeded()
        return result

    async def read(self, caller: Caller) -> Known:
        """Profile, session and stored consent of a caller in one trip. Raises StoreUnavailableError."""
        shop, shopper, visit = caller.shop, caller.shopper, caller.visit
        if shopper is None or visit is None:
            return NOTHING_KNOWN
        # The present names first: what lies under a former one counts only where the present one has nothing.
        people, visits, owners = caller.names(shopper), caller.names(visit), caller.subjects
        if caller.former:
            owners = (*owners, *[old for old, _ in caller.former])  # the first is the visit's
        names = [keys.profile_key(shop, name) for name in people] + [keys.session_key(shop, name) for name in visits]
        names += [keys.consent_key(shop, owner) for owner in owners]
        values: list[Any] = await self.ask(self._get_many, names)
        profiles, decisions = values[: len(people)], values[-len(owners) :]
        sessions = values[len(people) : -len(owners)]
        consent = _consent(caller, owners, decisions)
        if "personalization" not in consent:
            return Known(None, None, consent, sessions[0], decisions[0])
        session = theirs = _newest("session", decode_session, sessions, shop, visits)
        if session:
            customers = caller.names(caller.customer)
            if session.customer in customers:
                session.customer = caller.customer or ""
            theirs = session if session.open_to(*customers) else None
        return Known(
            profile=_newest("profile", decode_columns, profiles, shop, people),
            session=theirs,
            consent=consent,
            session_bytes=sessions[0],
            consent_bytes=decisions[0],
            elsewhere=None if theirs else session,
        )

    async def observe(
        self, caller: Caller, known: Known, events: Sequence[Event], entries: Sequence[bytes], now: float
    ) -> frozenset[Purpose]:
        """Change the caller's session by these events and note their stream entries; the consent then in force.

        When somebody else wrote since `known` was read, reads again and repeats. Raises StoreUnavailableError.
        """
        shop, visit = caller.shop, caller.visit
        if visit is None:
            return known.consent
        names = [keys.session_key(shop, visit), keys.consent_key(shop, visit), keys.trail_key(shop, visit)]
        for _ in range(_ATTEMPTS):
            after = b""
            if "personalization" in known.consent:
                session = known.session or (known.elsewhere.afresh() if known.elsewhere else Session(shop, visit))
                session.customer = caller.customer or ""
                for event in events:
                    observe(session, event, now)
                after = encode_session(session)
            arguments = [known.session_bytes or b"", known.consent_bytes or b"", after, keys.SESSION_TTL_S]
            arguments += [keys.TRAIL_TTL_S, *entries]
            if await self.ask(self._write_session, names, arguments):
                return known.consent
            known = await self.read(caller)
        raise StoreUnavailableError(
            f"a session kept changing under {_ATTEMPTS} attempts to write it; send the events again"
        )

    async def decide(self, caller: Caller, decision: Callable[[str], Decision]) -> None:
        """Store each subject's decision; without personalization their data go. Raises StoreUnavailableError."""
        for subject in (*caller.subjects, *(old for old, _ in caller.former)):
            made = decision(subject)
            await self.ask(self._decide, caller.shop, subject, made)

    async def _decide(self, shop: str, subject: str, decision: Decision) -> None:
        trail_key = keys.trail_key(shop, subject)
        names = [keys.consent_key(shop, subject), trail_key]
        if "personalization" not in decision.granted:
            held = (keys.profile_key, keys.session_key, keys.parts_key, keys.facts_key)
            names += [name(shop, subject) for name in held]
            if "analytics" not in decision.granted:  # else the marks still tell a repeated event from a new one
                names.append(keys.marks_key(shop, subject))
        arguments: list[bytes | int] = [encode_decision(decision), keys.CONSENT_TTL_S]
        for _ in range(_ATTEMPTS):
            before: Any = await self.redis.get(names[0])
            stored = believed_decision(before, shop, subject)
            if stored is not None and stored.time > decision.time:
                return  # an earlier decision that arrives late
            entries: Any = await self._decide_script(keys=names, args=[*arguments, before or b""])
            if entries is not None:
                break
        else:
            raise StoreUnavailableError(f"a decision kept changing under {_ATTEMPTS} attempts; send it again")
        if entries and not {"personalization", "analytics"} <= set(decision.granted):
            # The stream lies on another node of a cluster than the shopper's keys, so this is a second step; the
            # trail goes last, so that a crash in between leaves something to repeat the withdrawal from.
            await self.redis.xdel(keys.events_key(shop), *entries)
            await self.redis.delete(trail_key)

    async def aclose(self) -> None:
        """Hang up."""
        if self.trip is not None:
            self.trip.close()
        await self.redis.aclose()

    async def ready(self) -> bool:
        """Whether the store answers."""
        try:
            await self.ask(self.redis.ping)
        except StoreUnavailableError:
            return False
        return True


def _believed(
    record: str, decode: Callable[[bytes], _Record], data: bytes | None, shop: str, shopper: str
) -> _Record | None:
    """A stored record, or None when there is none, it is unreadable, or it is somebody else's."""
    if data is None:
        return None
    try:
        value = decode(data)
    except CodecError as error:
        _ignored(record, "unreadable", str(error))
        return None
    if (value.shop, value.shopper) != (shop, shopper):
        _ignored(record, "foreign", "it names another shop or shopper")
        return None
    return value


def _consent(caller: Caller, owners: Sequence[str], decisions: Sequence[bytes | None]) -> frozenset[Purpose]:
    """The purposes in force by the request and by what its owners decided before, where they did."""
    if not any(decisions):
        return caller.consent
    made = [(data, owner) for data, owner in zip(decisions, owners, strict=True) if data is not None]
    return in_force(caller.consent, [believed_decision(data, caller.shop, owner) for data, owner in made])


def _newest(
    record: str, decode: Callable[[bytes], _Kept], values: Sequence[bytes | None], shop: str, names: Sequence[str]
) -> _Kept | None:
    """The record under the newest of a shopper's names that has one, now under the present name."""
    for data, name in zip(values, names, strict=True):
        if value := _believed(record, decode, data, shop, name):
            value.shopper = names[0]
            return value
    return None


def believed_profile(data: bytes | None, shop: str, shopper: str) -> Profile | None:
    """A stored profile, or None where there is none, or none to believe."""
    return _believed("profile", decode_profile, data, shop, shopper)


def believed_decision(data: bytes | None, shop: str, shopper: str) -> Decision | None:
    """A stored decision on consent, or None where there is none, or none to believe."""
    return _believed("consent", decode_decision, data, shop, shopper)


_said: dict[tuple[str, str], float] = {}


def _ignored(record: str, reason: str, detail: str) -> None:
    """Count each, and say so once a minute: after a change of version, every shopper's record is one of these."""
    RECORDS_IGNORED.labels(record, reason).inc()
    now = time.monotonic()
    if now - _said.get((record, reason), -math.inf) >= _SAY_EVERY_S:
        _said[record, reason] = now
        logger.warning("a stored %s was ignored, %s: %s; more within a minute are only counted", record, reason, detail)
