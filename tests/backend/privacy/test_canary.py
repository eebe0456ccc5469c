"""A canary shopper planted everywhere is gone byte for byte after erasure; only the tombstones hold the pseudonyms."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend import audit
from backend.consume.consumer import Consumer
from backend.consume.dead import bury
from backend.event_log.store import EventLog
from backend.event_log.writer import LogWriter, ensure_group
from backend.privacy.retention import retain
from backend.settings import Settings
from backend.task_table import task_worker
from edge.core import keys, tasks
from edge.core.consent import decode_decision
from edge.core.events import Event
from edge.core.keys import PseudonymKey, order_name, pseudonym
from edge.embedded import EmbeddedStore
from edge.profiles import connect
from tests.serving import KEY, Running, Serve
from training.dataset import prepare

SECRET = PseudonymKey.from_hex(KEY)
CUSTOMER, VISITOR, PHONE = "canary-customer-7d1f", "canary-visitor-aa90", "+49 151 77 31 99 42"
MAIL, ORDER, PRODUCT = "Piep.7d1f@Example.org", "canary-order-5c5c", "p113"
RAW = (CUSTOMER, VISITOR, MAIL, MAIL.lower(), PHONE, "4915177319942", ORDER, "canary-", "Piep")
NAMES = {
    pseudonym(SECRET, "demo", "customer", CUSTOMER),
    pseudonym(SECRET, "demo", "visitor", VISITOR),
    pseudonym(SECRET, "demo", "email", MAIL),
    pseudonym(SECRET, "demo", "phone", PHONE),
    order_name("demo", ORDER),
}
CONSENT = ["personalization", "analytics"]


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of the test's own, so that its files on disk can be searched."""
    with EmbeddedStore(tmp_path / "data" / "store") as store:
        yield store


@pytest.fixture
async def client(own_store: EmbeddedStore) -> AsyncIterator["AsyncRedis"]:
    """The backend's client."""
    one = connect(own_store.url, timeout_s=10, connections=8)
    yield one
    await one.aclose()


class Place:
    """One shop with everything running: the edge, the consumer, the log's writer, the task worker."""

    def __init__(self, running: Running, client: "AsyncRedis", data_dir: Path) -> None:
        self.running, self.client, self.data_dir = running, client, data_dir
        self.settings = Settings(data_dir=data_dir, pseudonym_key=KEY, shop="demo")
        log = EventLog.open(None, data_dir)
        assert log is not None
        self.log = log

    async def send(self, type_: str, *products: str, visitor: str | None = VISITOR, **fields: Any) -> dict[str, Any]:
        """Send an event through HTTP; its result."""
        body: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "type": type_,
            "time": datetime.now(UTC).isoformat(),
            "consent": CONSENT,
        }
        body |= {"products": [{"product_id": product} for product in products], "visitor_id": visitor, **fields}
        return (await asyncio.to_thread(self.running.send, {k: v for k, v in body.items() if v is not None}))[0]

    async def consume(self) -> None:
        """Let the consumer and the log's writer do what there is."""
        await Consumer(self.client, "demo").catch_up()
        await LogWriter(self.client, "demo", self.log).once()

    async def ask(self, task: tasks.AnyTask) -> None:
        """Put a task into the shop's stream and let the worker do it."""
        await self.client.xadd(keys.tasks_key("demo"), {"t": tasks.encode_task(task)})
        assert await task_worker(self.client, self.settings).once() >= 1


@pytest.fixture
def place(serve: Serve, own_store: EmbeddedStore, client: "AsyncRedis", data_dir: Path) -> Place:
    """The shop."""
    return Place(serve(redis_url=own_store.url), client, data_dir)


def history(place: Place, root: Path) -> None:
    """A prepared data set with the canary's raw ids among others, one of its rows refused."""
    plain = root / "plain"
    plain.mkdir()
    day = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    rows = ["event_id,type,time,product_id,customer_id,visitor_id,order_id,consent"]
    rows += [f'h{n},purchase-complete,{day},p001,other-{n},,o{n},"analytics,personalization"' for n in range(5)]
    rows += [f'c1,purchase-complete,{day},{PRODUCT},{CUSTOMER},,{ORDER},"analytics,personalization"']
    rows += [f"c2,detail-page-view,{day},{PRODUCT},,{VISITOR},,analytics", f"c3,teleport,{day},p001,{CUSTOMER},,,"]
    (plain / "events.csv").write_text("\n".join(rows))
    (plain / "products.csv").write_text(f"id,title,price\np001,Tea,1\n{PRODUCT},Seed,1\n")
    prepare(plain, place.settings.dataset_dir)
    for path in plain.iterdir():
        path.unlink()


async def plant(place: Place, root: Path) -> None:
    """The canary everywhere: browsing, login, order, mail, phone, a dead letter, unread entries, history, export."""
    history(place, root)
    await ensure_group(place.client, "demo")
    await place.send("detail-page-view", PRODUCT)
    await place.consume()
    await place.send("add-to-cart", PRODUCT, customer_id=CUSTOMER, email=MAIL, phone=PHONE)
    await place.send("purchase-complete", PRODUCT, customer_id=CUSTOMER, order_id=ORDER)
    await place.send("detail-page-view", "p001", visitor="other")
    await place.consume()
    await place.send("detail-page-view", PRODUCT)
    entry: Any = await place.client.xadd(keys.events_key("demo"), {"e": "x"})
    await Consumer(place.client, "demo").stream.join()
    await place.client.xreadgroup(keys.PROFILES_GROUP, "broken", {keys.events_key("demo"): ">"}, count=10)
    customer = pseudonym(SECRET, "demo", "customer", CUSTOMER)
    assert await bury(place.client, "demo", entry, f'{{"customer_id": "{customer}", nonsense'.encode(), "bad", 3)
    await place.send("detail-page-view", PRODUCT, customer_id=CUSTOMER)
    await place.ask(tasks.Export("request-1", 0.0, (customer,)))


async def everything(client: "AsyncRedis") -> dict[bytes, bytes]:
    """Every key of the store with its contents, as one searchable text each."""
    found = {}
    async for key in client.scan_iter():
        named: Any = await client.type(key)
        kind = named.decode()
        read: dict[str, Callable[[Any], Any]] = {
            "string": client.get,
            "hash": client.hgetall,
            "set": client.smembers,
            "zset": lambda name: client.zrange(name, 0, -1),
            "list": lambda name: client.lrange(name, 0, -1),
            "stream": client.xrange,
        }
        dumped: Any = await client.dump(key)
        found[key] = key + repr(await read[kind](key)).encode() + (dumped or b"")
    return found


def in_files(root: Path, words: Iterable[str]) -> dict[str, list[str]]:
    """Which of the words stand in which files below a directory, the store's own among them."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for word in words:
            if word.encode() in data:
                found.setdefault(word, []).append(str(path.relative_to(root)))
    return found


async def test_a_canary_is_gone_byte_for_byte_after_erasure(place: Place, tmp_path: Path) -> None:
    """Planted through HTTP and consumer; found everywhere before, nowhere after; late events leave nothing."""
    await plant(place, tmp_path)
    before = await everything(place.client)
    customer, visitor = pseudonym(SECRET, "demo", "customer", CUSTOMER), pseudonym(SECRET, "demo", "visitor", VISITOR)
    kinds = {key[:1].decode() for key, data in before.items() if customer.encode() in data or visitor.encode() in data}
    assert kinds >= set("psbmalecty") - {"c", "t"}, "the canary must be there to be erased"
    assert len(place.log.files("demo")) > 0
    assert in_files(place.data_dir, [customer])[customer]

    await place.ask(tasks.Erase("r1", 0.0, (customer,), (ORDER,), "customers/redact"))

    after = await everything(place.client)
    named = {key for key, data in after.items() for name in NAMES if name.encode() in data}
    assert named
    for key in named:
        assert key.startswith(b"c:"), key
        assert decode_decision(await place.client.get(key)).granted == ()  # type: ignore[arg-type]  # because redis-py types both clients at once
    assert not [key for key, data in after.items() for word in RAW if word.encode() in data]
    assert in_files(place.data_dir, RAW) == {}
    left = in_files(place.data_dir, NAMES)
    files = {path for paths in left.values() for path in paths}
    assert all(path.startswith("store/appendonlydir/") for path in files), "the tombstones, and nothing else"
    await late_events_leave_nothing(place, after)
    (line,) = [entry for entry in audit.read(place.data_dir) if entry.action == "erase"]
    assert line.details["log_rows"] == 3
    assert line.details["history_rows"] == 3
    assert line.details["exports"] == 1
    assert line.details["dead_letters"] == 1
    others = [event for event in await streamed(place) if event.visitor_id not in NAMES]
    assert others or place.log.files("demo"), "what others did stays"


async def streamed(place: Place) -> list[Event]:
    """The events in the stream."""
    found: Any = await place.client.xrange(keys.events_key("demo"))
    return [Event(**{**json.loads(fields[b"e"]), "products": ()}) for _, fields in found if b"{" in fields[b"e"]]


async def late_events_leave_nothing(place: Place, after: dict[bytes, bytes]) -> None:
    """By either name, by HTTP or already on their way: refused, and nothing new is in the store."""
    assert (await place.send("detail-page-view", PRODUCT, customer_id=CUSTOMER))["status"] == "ignored"
    assert (await place.send("detail-page-view", PRODUCT))["status"] == "ignored"
    customer = pseudonym(SECRET, "demo", "customer", CUSTOMER)
    for fields in ({"customer_id": customer}, {"order_id": ORDER}):
        late = {"id": uuid.uuid4().hex, "type": "return", "time": datetime.now(UTC).isoformat(), "consent": CONSENT}
        await place.client.xadd(keys.events_key("demo"), {"e": json.dumps(late | fields)})
    await place.consume()
    await Consumer(place.client, "demo").housekeeping()
    now = await everything(place.client)
    new = {key for key in now.keys() - after.keys() if key[:1] in b"psbmalft"}
    assert new == set()
    assert in_files(place.data_dir / "events", [*RAW, *NAMES]) == {}


async def test_a_canary_is_gone_with_its_shop(place: Place, tmp_path: Path) -> None:
    """Likewise, and everybody else of the shop with it."""
    await plant(place, tmp_path)
    await place.ask(tasks.EraseShop("r2", 0.0))
    after = await everything(place.client)
    assert {key[:1] for key, data in after.items() for name in NAMES if name.encode() in data} == {b"c"}
    assert {key[:1] for key in after} <= {b"c", b"e", b"w", b"d", b"y"}
    assert in_files(place.data_dir, RAW) == {}
    left = {path for paths in in_files(place.data_dir, NAMES).values() for path in paths}
    assert all(path.startswith("store/appendonlydir/") for path in left)
    assert place.log.files("demo") == []
    assert not place.settings.dataset_dir.exists()
    assert (await place.send("detail-page-view", PRODUCT, customer_id=CUSTOMER))["status"] == "ignored"
    assert max([await place.client.ttl(key) for key in after if key[:1] == b"c"]) <= keys.SEEN_TTL_S


async def test_an_export_tells_all_that_is_kept(place: Place, tmp_path: Path) -> None:
    """Readable: consent, profile with titles, visit, linked names, logged and unlogged events, history."""
    await plant(place, tmp_path)
    (path,) = (place.data_dir / "exports").glob("*.json")
    told = json.loads(path.read_text())
    records = {record["name"]: record for record in told["records"]}
    mine = records[pseudonym(SECRET, "demo", "customer", CUSTOMER)]
    assert mine["profile"]["orders"] == 1
    assert [item["product_id"] for item in mine["profile"]["bought"]] == [PRODUCT]
    assert mine["profile"]["bought"][0]["title"]
    assert set(mine["linked_names"]) == NAMES - {mine["name"]}
    assert len(told["event_log"]) == 3
    assert len(told["events_not_yet_logged"]) >= 2
    assert {row["event_id"] for row in told["prepared_history"]} == {"c1", "c2"}
    assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert not any(word in path.read_text() for word in (MAIL, PHONE))


async def test_retention_lets_go_what_is_too_old(place: Place, tmp_path: Path, redis: "Redis") -> None:
    """Days of the log, exports and dead letters beyond their age; the rest stays, and a line says so."""
    await plant(place, tmp_path)
    kept = place.log.files("demo")
    old = Event("old", "search", datetime.now(UTC) - timedelta(days=500), visitor_id="x", consent=("analytics",))
    place.log.write("demo", [old], "old")
    stale = place.data_dir / "exports" / "demo-0.json"
    stale.write_text("{}")
    os.utime(stale, (0, 0))
    await place.client.xadd(keys.dead_key("other"), {"e": "x"}, id="1-1")
    assert await retain(place.client, place.settings) == {"log_files": 1, "exports": 1, "dead_letters": 0}
    assert place.log.files("demo") == kept
    assert audit.read(place.data_dir)[-1].action == "retention"
