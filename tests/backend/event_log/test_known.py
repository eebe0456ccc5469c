"""What the store knows of the log's shoppers: links followed to their end, denials of any of the names."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.event_log import commands
from backend.event_log.history import prepare_from_log
from backend.event_log.known import known_of
from backend.event_log.rows import LogError
from backend.event_log.store import EventLog
from backend.identity.links import Link, State, encode_link
from backend.settings import Settings
from edge.core import keys
from edge.core.consent import Decision, encode_decision
from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from edge.profiles import connect
from tests.backend.event_log.handmade import event

pytestmark = pytest.mark.store


@pytest.fixture
async def client(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """The store, empty at the start."""
    one = connect(session_store, timeout_s=5, connections=4)
    yield one
    await one.aclose()


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """A log of a few visitors and one customer."""
    log = EventLog(str(tmp_path))
    visitors = ("alias", "merged", "shared", "unlinked", "held", "stranger", "chain", "loop")
    log.write("demo", [event(name, visitor_id=name) for name in visitors], "a")
    log.write("demo", [event("c", visitor_id=None, customer_id="former")], "b")
    return log


def link(redis: "Redis", name: str, to: str, state: State) -> None:
    """A link as identity keeps it."""
    redis.set(keys.alias_key("demo", name), encode_link(Link("demo", name, to, state)))


def decide(redis: "Redis", shopper: str, *granted: str) -> None:
    """A stored decision."""
    decision = Decision("demo", shopper, granted, 0.0, "test")  # type: ignore[arg-type]  # because they are purposes
    redis.set(keys.consent_key("demo", shopper), encode_decision(decision))


async def test_names_lead_to_their_customers(client: "AsyncRedis", redis: "Redis", log: EventLog) -> None:
    """Over several hops; a shared device, a parted one and one that only waits lead nowhere, a ring does not hang."""
    for name, state in {"alias": "alias", "merged": "merged", "shared": "shared", "unlinked": "unlinked"}.items():
        link(redis, name, "customer", state)  # type: ignore[arg-type]  # because they are states
    link(redis, "held", "customer", "held")
    link(redis, "chain", "former", "merged")
    link(redis, "former", "customer", "moved")
    link(redis, "loop", "ring", "moved")
    link(redis, "ring", "loop", "moved")
    known = await known_of(client, log, "demo")
    assert {name: end for name, end in known.links.items() if name != "loop"} == {
        "alias": "customer", "merged": "customer", "chain": "customer", "former": "customer",
    }  # fmt: skip
    assert known.denied == set()


async def test_denials_are_found_for_names_and_whom_they_lead_to(
    client: "AsyncRedis", redis: "Redis", log: EventLog
) -> None:
    """A tombstone grants nothing; somebody who allows analytics alone is no denial."""
    link(redis, "merged", "customer", "merged")
    decide(redis, "customer")
    decide(redis, "stranger", "personalization")
    decide(redis, "alias", "analytics")
    decide(redis, "nobody in the log")
    assert (await known_of(client, log, "demo")).denied == {"customer", "stranger"}


async def test_an_empty_log_asks_nobody(client: "AsyncRedis", tmp_path: Path) -> None:
    """Nothing known of no one."""
    known = await known_of(client, EventLog(str(tmp_path)), "demo")
    assert (known.links, known.denied) == ({}, set())


async def test_an_erasure_while_the_data_set_is_made_reaches_it(
    client: "AsyncRedis", redis: "Redis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came too late for the old data set and too early for the new one: that is made again."""
    log, settings = EventLog(str(tmp_path / "events")), Settings(data_dir=tmp_path, shop="demo")
    log.write("demo", [event(name, "detail-page-view", "p", visitor_id=name) for name in ("k.gone", "k.stays")], "a")
    write_snapshot(settings.data_dir / "catalogue" / "demo.cat", [Product("p", "Tea", 2.0)])
    real, made = prepare_from_log, list[int]()

    def erased_meanwhile(*arguments: Any, **named: Any) -> Any:
        dataset = real(*arguments, **named)
        if not made:
            decide(redis, "k.gone")
            log.erase("demo", ["k.gone"])
        made.append(dataset.summary.shoppers)
        return dataset

    monkeypatch.setattr(commands, "prepare_from_log", erased_meanwhile)
    dataset = await commands.retraining_set(client, log, settings)
    assert made == [2, 1]
    assert [shopper for _, shopper, _ in dataset.replay()] == ["k.stays"]
    monkeypatch.setattr(commands, "denied_in", every)
    with pytest.raises(LogError, match="kept being erased"):
        await commands.retraining_set(client, log, settings)


async def every(*_: object) -> set[str]:
    """Always somebody."""
    return {"k.somebody"}


@pytest.mark.parametrize(("given", "kept"), [("none", "none"), (" None ", "none"), ("s3://none", "s3://none")])
def test_none_may_be_written_in_any_case(given: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And means the same to everybody who asks the settings."""
    monkeypatch.setenv("EVENT_LOG", given)
    assert Settings().event_log == kept
