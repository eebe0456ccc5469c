"""Rates of publishable keys: the arithmetic, several processes with one store between them, and a running edge."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from edge.core.access import make_key
from edge.core.keys import rates_key
from edge.profiles import connect
from edge.rates import Bucket, Rate, Rates, TooManyError, client_of
from tests.edge.doors import SETTINGS

HOME = "/v1/recommendations/home"
SECRET = b"s" * 32


class OneCaller(RuleBasedStateMachine):
    """A caller who asks whenever it likes, of a bucket with any rate."""

    def __init__(self) -> None:
        super().__init__()
        self.rate, self.now, self.bucket = Rate(4.0, 10.0), 1_000.0, Bucket()
        self.taken: list[tuple[float, int]] = []

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(count=st.integers(1, 10))
    def take(self, count: int) -> None:
        """What is refused now is given when the time named has passed, and not much earlier."""
        wait = self.bucket.take(self.rate, self.now, count)
        if wait:
            early = self.bucket.take(self.rate, self.now + wait * 0.9, count)
            assert early > 0
            self.now += wait
            assert self.bucket.take(self.rate, self.now, count) == 0
        self.taken.append((self.now, count))

    @rule(count=st.integers(1, 1_000))
    def others(self, count: int) -> None:
        """Others' asking lowers what is left, and keeps nobody out for longer than two bursts."""
        self.bucket.charge(self.rate, self.now, count)
        assert self.bucket.full_at - self.now <= 2 * self.rate.burst / self.rate.per_s + 1e-6

    @invariant()
    def never_more_than_the_rate(self) -> None:
        """In any time, at most a burst and what was earned in it."""
        for start, (since, _) in enumerate(self.taken):
            total = sum(count for _, count in self.taken[start:])
            assert total <= self.rate.burst + self.rate.per_s * (self.now - since) + 1e-3


OneCaller.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOneCaller = OneCaller.TestCase


def greedy(rates: Rates, now: float, tries: int = 500) -> int:
    """How many requests a process lets through when asked that often at once."""
    for given in range(tries):
        try:
            rates.take("key", None, now=now)
        except TooManyError:
            return given
    return tries


@pytest.fixture
async def store(session_store: str, redis: "Redis") -> Any:
    """The store, for code that awaits."""
    client = connect(session_store, timeout_s=5, connections=2)
    yield client
    await client.aclose()


def process(processes: int = 1, client_rate: Rate | None = None) -> Rates:
    """One process's counts; its clock is the test's."""
    rates = Rates("demo", SECRET, Rate(20, 40), client_rate, processes)
    rates._exchanged_at = 0.0
    return rates


@pytest.mark.store
async def test_processes_keep_one_rate_together(store: "AsyncRedis") -> None:
    """Two that take all they can for a minute let through one rate between them, across the turn of a minute, too."""
    both = [process(), process()]
    given, seconds = 0, 60
    for step in range(4 * seconds):
        now = step / 4
        for one in both:
            given += greedy(one, now)
            await one.exchange(store, now, 1_000_000_030 + now)
    bursts = 2 * 40 + 2 * 20  # each begins with a whole burst; what was taken since the last exchange may go over
    assert 0.8 * 20 * seconds <= given <= 1.1 * 20 * seconds + bursts


@pytest.mark.store
async def test_who_was_quiet_does_not_pay_for_others(store: "AsyncRedis") -> None:
    """A process that is asked for the first time after others' flood begins with a burst."""
    busy, quiet = process(), process()
    for step in range(40):
        greedy(busy, step / 4)
        await busy.exchange(store, step / 4, 1_000_000_000)
    await quiet.exchange(store, 10, 1_000_000_000)
    assert greedy(quiet, 10.0) == 40


async def test_without_the_store_each_keeps_to_its_share() -> None:
    """Of so many processes: together they still let through one rate."""

    class Away:
        def pipeline(self, **_: bool) -> Any:
            raise RedisError("away")

    four = [process(4) for _ in range(4)]
    away: Any = Away()
    given = 0
    for step in range(4 * 30):
        for one in four:
            given += greedy(one, 100 + step / 4)
            with pytest.raises(RedisError):
                await one.exchange(away, 100 + step / 4)
    assert given <= 40 + 20 * 30
    assert given >= 0.9 * 20 * 30


@pytest.mark.store
async def test_the_store_learns_no_address(store: "AsyncRedis", redis: "Redis") -> None:
    """A keyed digest, for two minutes; nothing is asked of the store where nobody asked us."""
    rates = process(client_rate=Rate(5, 10))
    await rates.exchange(store, 1.0, 0)
    assert not redis.keys()
    rates.take("key", "203.0.113.9", now=1.0)
    await rates.exchange(store, 1.0, 0)
    name = rates_key("demo", 0)
    fields: Any = redis.hgetall(name)
    assert len(fields) == 2
    assert b"203.0.113.9" not in b"".join(fields)
    assert hashlib.blake2b(b"203.0.113.9", digest_size=9).hexdigest().encode() not in b"".join(fields)
    ttl: Any = redis.ttl(name)
    assert 0 < ttl <= 120


def test_one_address_does_not_use_up_the_key() -> None:
    """Who asks too much is refused for itself; others go on."""
    rates = process(client_rate=Rate(1, 5))
    for _ in range(5):
        rates.take("key", "203.0.113.9", now=0.5)
    for _ in range(200):
        with pytest.raises(TooManyError):
            rates.take("key", "203.0.113.9", now=0.5)
    for number in range(30):
        rates.take("key", f"203.0.113.{number + 10}", now=0.5)
    with pytest.raises(TooManyError) as error:
        rates.take("key", "203.0.113.9", count=5, now=0.5)
    assert error.value.retry_after_s > 0


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        (None, 0, "10.0.0.1"),
        (b"203.0.113.9", 0, "10.0.0.1"),
        (b"203.0.113.9", 1, "203.0.113.9"),
        (b"made.up, 203.0.113.9", 1, "203.0.113.9"),
        (b"made.up, 203.0.113.9, 10.0.0.7", 2, "203.0.113.9"),
        (b"203.0.113.9", 2, None),
        (None, 1, None),
        (b" ", 1, None),
    ],
)
def test_whose_address_counts(forwarded: bytes | None, hops: int, address: str | None) -> None:
    """What our own proxies saw; what a caller wrote to the left of that is nobody's."""
    assert client_of(("10.0.0.1", 1), forwarded, hops) == address
    assert client_of(None, None, 0) is None


# --- a running edge --------------------------------------------------------------------------------------------------


@pytest.mark.store
def test_pages_that_ask_too_often_are_told_when_to_come_back(
    serve: Callable[..., Any], data_dir: Path, event: Callable[..., dict[str, Any]]
) -> None:
    """429 with Retry-After as a problem; servers with a secret key are not counted; a batch counts as its members."""
    page = {"Origin": "https://shop.example"}
    key, secret = make_key(data_dir, "demo", [page["Origin"]]), make_key(data_dir, "demo")
    shop = serve(demo=False, key_rate=0.01, key_burst=25, **SETTINGS)
    batch = {"requests": [{"surface": "home", "key": key}] * 20}
    assert shop.client.post("/v1/recommendations", json=batch, headers=page).status_code == 200
    for _ in range(5):
        assert shop.client.get(HOME, params={"key": key}, headers=page).status_code == 200
    for answer in (
        shop.client.get(HOME, params={"key": key}, headers=page),
        shop.client.post("/v1/events", json={"events": [event("search")], "key": key}, headers=page),
        shop.client.post("/v1/recommendations", json=batch, headers=page),
    ):
        assert (answer.status_code, answer.json()["parameter"]) == (429, "key")
        assert 1 <= int(answer.headers["retry-after"]) <= 2_000
        assert answer.headers["access-control-allow-origin"] == page["Origin"]
    assert shop.client.get(HOME, headers={"Authorization": f"Bearer {secret}"}).status_code == 200


@pytest.mark.store
def test_processes_learn_from_each_other(serve: Callable[..., Any], data_dir: Path, until: Callable[..., None]) -> None:
    """What one let through is charged at the other, long before that one's own burst is used up."""
    page = {"Origin": "https://shop.example"}
    key = make_key(data_dir, "demo", [page["Origin"]])
    one, other = (serve(demo=False, key_rate=0.01, key_burst=2_000, **SETTINGS) for _ in range(2))

    def ask(shop: Any, members: int) -> int:
        batch = {"requests": [{"surface": "home", "key": key, "limit": 1}] * members}
        status: int = shop.client.post("/v1/recommendations", json=batch, headers=page).status_code
        return status

    def told() -> bool:
        """Whether both have heard of the caller: what was taken before that is nobody's to pay."""
        return all(
            bucket.told is not None for shop in (one, other) for bucket in shop.edge.doors.rates._buckets.values()
        )

    assert ask(one, 1) == ask(other, 1) == 200
    until(told)
    asked_other, asked_one = 0, 0
    while ask(other, 1) == 200:
        asked_other += 1
        asked_one += ask(one, 20) == 200
        assert asked_other < 1_000
    assert asked_one >= 50
