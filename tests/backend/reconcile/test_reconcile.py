"""Orders on the platform against orders received: missing, too much, rightly absent; repaired."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis

from backend import audit
from backend.event_log.store import EventLog
from backend.platforms.connect import NotConnectedError
from backend.reconcile.commands import Asked, report_path, run
from backend.reconcile.compare import Day, Reconciled, repair
from backend.settings import Settings
from edge.core.consent import Decision, encode_decision
from edge.core.events import Event, Line
from edge.core.keys import PseudonymKey, consent_key, counts_key, events_key, pseudonym, seen_key
from edge.profiles import connect
from tests.backend.platforms.shop_server import TOKEN, Platforms, adobe_order, bc_order, running, shopify_order
from tests.backend.program import backend
from tests.serving import KEY

pytestmark = pytest.mark.store
NOW = datetime.now(UTC)
YESTERDAY = (NOW - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def platforms() -> Iterator[Platforms]:
    """The server."""
    with running() as state:
        yield state


@pytest.fixture
def settings(tmp_path: Path, session_store: str, redis: "Redis", platforms: Platforms) -> Settings:
    """Connected to Shopify."""
    given: dict[str, Any] = {"shopify_url": platforms.url, "shopify_token": TOKEN, "redis_url": session_store}
    consent = "personalization,analytics"
    return Settings(data_dir=tmp_path / "data", pseudonym_key=KEY, webhook_consent=consent, **given)


def named(id_: str) -> str:
    """A customer's pseudonym."""
    return pseudonym(PseudonymKey.from_hex(KEY), "demo", "customer", id_)


def bought(order_id: str, at: datetime = YESTERDAY) -> Event:
    """A purchase as it lies in stream and log."""
    lines = (Line("101"),)
    return Event(f"shopify:order:{order_id}", "purchase-complete", at, customer_id=named("7"), products=lines,
                 order_id=order_id, consent=("analytics",), source="store")  # fmt: skip


def log_of(settings: Settings, *events: Event) -> None:
    """Put events into the log."""
    log = EventLog.open(settings.event_log, settings.data_dir)
    assert log is not None
    log.write("demo", events, "test")


def put(platforms: Platforms, *orders: dict[str, Any]) -> None:
    """What Shopify has."""
    platforms.orders |= {order["id"]: order for order in orders}


def totals(outcome: Reconciled) -> dict[str, int]:
    """The sums over all days."""
    names = ("platform", "received", "withheld", "missing", "extra")
    return {name: sum(getattr(day, name) for day in outcome.days) for name in names}


def test_each_order_is_found_wherever_it_is(settings: Settings, platforms: Platforms, redis: "Redis") -> None:
    """In the log, still in the stream, or taken in lately; missing, withheld and extra ones are told apart, by day."""
    put(platforms, *(shopify_order(number, YESTERDAY) for number in (1, 2, 3, 4)))
    put(platforms, shopify_order(5, YESTERDAY, customer=8), shopify_order(6, YESTERDAY, customer=None))
    put(platforms, shopify_order(7, YESTERDAY, test=True), shopify_order(8, datetime.now(UTC)))
    log_of(settings, bought("1"), bought("99"), bought("98", NOW - timedelta(days=40)))
    redis.xadd(events_key("demo"), {"e": msgspec.json.encode(bought("2"))})
    redis.xadd(events_key("demo"), {"e": b"nonsense"})
    redis.set(seen_key("demo", "shopify:order:3"), 1)
    denied = Decision("demo", named("8"), ("personalization",), 0.0, "web")
    redis.set(consent_key("demo", named("8")), encode_decision(denied))
    outcome = run(settings, Asked(days=3))
    assert (outcome.missing, outcome.extra, outcome.differs) == (["4"], ["99"], True)
    assert totals(outcome) == {"platform": 7, "received": 4, "withheld": 2, "missing": 1, "extra": 1}
    (day,) = [day for day in outcome.days if day.missing]
    assert day.day == YESTERDAY.date().isoformat()
    stored = msgspec.json.decode(report_path(settings).read_bytes(), type=Reconciled)
    assert stored == outcome
    lines = audit.read(settings.data_dir)
    assert [(line.action, line.outcome) for line in lines] == [("fetch", "done"), ("reconcile", "fail")]
    assert lines[0].details == {"platform": "shopify", "kind": "order ids", "count": 7}


def test_what_is_missing_is_fetched_on_request(settings: Settings, platforms: Platforms, redis: "Redis") -> None:
    """However old; the next comparison finds it, and all is well."""
    old = YESTERDAY - timedelta(days=6)
    put(platforms, shopify_order(1, YESTERDAY), shopify_order(2, old))
    outcome = run(settings, Asked(days=10, repair=True))
    assert (outcome.missing, outcome.repaired, outcome.differs) == (["1", "2"], 2, False)
    entries: Any = redis.xrange(events_key("demo"))
    assert [msgspec.json.decode(fields[b"e"], type=Event).order_id for _, fields in entries] == ["1", "2"]
    again = run(settings, Asked(days=10))
    assert (again.missing, again.differs) == ([], False)
    assert audit.read(settings.data_dir)[-1].outcome == "pass"


async def test_an_order_that_is_gone_by_now_is_not_missing(settings: Settings, session_store: str) -> None:
    """Listed, then deleted: there is nothing left to fetch."""
    outcome = Reconciled("demo", "shopify", "2026-05-01", "ids", [Day("2026-05-01", missing=1)], ["404"], [])
    client = connect(session_store, timeout_s=5, connections=2)
    await repair(client, settings, "shopify", outcome)
    await client.aclose()
    assert (outcome.repaired, outcome.differs) == (1, False)


@pytest.mark.parametrize("changed", [{"event_log": "none"}, {"webhook_consent": "personalization"}])
def test_without_a_log_the_counts_of_each_day_are_compared(
    settings: Settings, platforms: Platforms, redis: "Redis", changed: dict[str, str]
) -> None:
    """Less than the platform's is missing, more is extra."""
    put(
        platforms,
        shopify_order(1, YESTERDAY),
        shopify_order(2, YESTERDAY),
        shopify_order(3, YESTERDAY - timedelta(days=1)),
    )
    day = int(YESTERDAY.timestamp() // 86_400)
    redis.hset(counts_key("demo", day), "orders", 1)
    redis.hset(counts_key("demo", day - 1), "orders", 4)
    outcome = run(settings.model_copy(update=changed), Asked(days=3))
    assert (outcome.by, outcome.missing, outcome.differs) == ("counts", [], True)
    assert totals(outcome) == {"platform": 3, "received": 5, "withheld": 0, "missing": 1, "extra": 3}


def test_the_other_platforms_list_their_orders(settings: Settings, platforms: Platforms) -> None:
    """Incomplete and cancelled ones aside."""
    at = YESTERDAY.strftime("%a, %d %b %Y %H:%M:%S +0000")
    platforms.bc_orders = [bc_order(1, at), bc_order(2, at, status_id=0), bc_order(3, at, customer=0)]
    at = YESTERDAY.strftime("%Y-%m-%d %H:%M:%S")
    platforms.adobe_orders = {"1": adobe_order(1, at), "2": adobe_order(2, at, state="canceled")}
    token = {"shopify_url": None, "bigcommerce_token": settings.shopify_token, "adobe_token": settings.shopify_token}
    store = settings.model_copy(update={**token, "bigcommerce_url": f"{platforms.url}/stores/abc"})
    assert totals(run(store, Asked(days=3))) == {"platform": 2, "received": 0, "withheld": 1, "missing": 1, "extra": 0}
    shop = settings.model_copy(update={**token, "adobe_url": platforms.url})
    assert run(shop, Asked(days=3)).missing == ["1"]
    both = store.model_copy(update={"adobe_url": platforms.url})
    with pytest.raises(NotConnectedError, match="bigcommerce and adobe connected"):
        run(both, Asked(days=3))


def test_a_shop_without_a_platform_compares_with_its_files(settings: Settings, tmp_path: Path) -> None:
    """The plain format's orders."""
    rows = [f"e{number},purchase-complete,{YESTERDAY.isoformat()},p1,7,{number}" for number in (1, 2)]
    rows += [f"e3,purchase-complete,{(YESTERDAY - timedelta(days=90)).isoformat()},p1,7,3"]
    rows += [f"e4,purchase-complete,{YESTERDAY.isoformat()},p1,,4", "e5,search,,,7,"]
    text = "\n".join(["event_id,type,time,product_id,customer_id,order_id", *rows])
    (tmp_path / "events.csv").write_text(text)
    log_of(settings, bought("1"))
    outcome = run(settings.model_copy(update={"shopify_url": None}), Asked(days=3, orders=tmp_path))
    assert (outcome.platform, outcome.missing) == ("endcap", ["2"])
    assert totals(outcome) == {"platform": 3, "received": 1, "withheld": 1, "missing": 1, "extra": 0}


def test_the_command_ends_with_1_where_orders_differ(settings: Settings, platforms: Platforms) -> None:
    """With a table; with 0 where all is there; with 2 and a remedy where there is nothing to compare with."""
    put(platforms, shopify_order(1, YESTERDAY))
    command = partial(
        backend, "reconcile", ENDCAP_DATA_DIR=str(settings.data_dir), REDIS_URL=str(settings.redis_url),
        ENDCAP_WEBHOOK_CONSENT="analytics", ENDCAP_PSEUDONYM_KEY=KEY,
    )  # fmt: skip
    access = {"ENDCAP_SHOPIFY_URL": platforms.url, "ENDCAP_SHOPIFY_TOKEN": TOKEN}
    done = command("--days", "2", **access)
    assert (done.returncode, "missing: 1" in done.stdout) == (1, True), done.stderr
    assert TOKEN not in done.stdout + done.stderr
    done = command("--days", "2", "--repair", **access)
    assert (done.returncode, "1 repaired" in done.stdout) == (0, True), done.stderr
    done = command()
    assert (done.returncode, "no platform connected" in done.stderr) == (2, True)
