"""What is left when the store is away or never rests: nothing is acknowledged, at any of the doors, and soon enough."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from edge.changes import BusyProductError, write_change
from edge.core.products import Product
from edge.core.tasks import Fetch
from edge.profiles import connect
from edge.webhooks import marketing, receive, stock
from edge.webhooks.marketing import BusyConsentError, choose
from edge.webhooks.meaning import MarketingChoice, UnreadableError, amount, line, place_of, utc
from edge.webhooks.stock import Level, Listing, Variant, list_product, set_level
from tests.edge.webhooks.conftest import SETTINGS, OpenShop, Shop
from tests.edge.webhooks.payloads import ago, level, order, product
from tests.edge.webhooks.signing import STORE, raw, standard_headers
from tests.serving import Serve

pytestmark = pytest.mark.store
LISTING = Listing("1", 1.0, Product("1", "Tea", 0.0), (Variant("v", "i", 1.0, None, 1, False),))
LIMIT_S = 5.0  # Shopify's, from the connection to the last byte


@pytest.fixture
async def client(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """A client of the test's own loop."""
    made = connect(session_store, timeout_s=5, connections=5)
    yield made
    await made.aclose()


def deliveries() -> list[tuple[str, Any]]:
    """One of each kind of effect, all of which need the store."""
    thin = {"scope": "store/order/created", "producer": f"stores/{STORE}", "hash": "a" * 40, "created_at": 1,
            "data": {"type": "order", "id": 1}}  # fmt: skip
    consent = {"type": "consent", "customer_id": "c", "time": ago(seconds=1), "consent": []}
    price = {"type": "price", "product_id": "1", "time": ago(seconds=1), "price": 1}
    return [("bigcommerce", thin), ("endcap", consent), ("endcap", price)]


@pytest.mark.fault(1)
def test_no_door_acknowledges_anything_while_the_store_is_away(serve: Serve, redis: "Redis") -> None:
    """503 with Retry-After, each within the strictest platform's limit, with the timeouts of the default settings."""
    running = serve(redis_url="redis://127.0.0.1:1/0", redis_timeout_ms=30, redis_write_timeout_ms=250, **SETTINGS)
    shop = Shop(running, redis)
    for topic, payload in (
        ("orders/create", order()),
        ("products/update", product()),
        ("products/delete", {"id": 1}),
        ("inventory_levels/update", level(1, 0, ago(seconds=1))),
    ):
        started = time.monotonic()
        answer = shop.shopify(topic, payload)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert time.monotonic() - started < LIMIT_S
    for path, payload in deliveries():
        body = raw(payload)
        answer = shop.client.post(f"/webhooks/{path}", content=body, headers=standard_headers(body))
        assert answer.status_code == 503
    assert shop.shopify("customers/update", {}).status_code == 200, "nothing is to be kept of it, so nothing is lost"


def test_a_product_that_never_rests_is_sent_again(open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a fault of ours in the log: the platform comes back."""
    shop = open_shop()

    async def busy(*arguments: Any) -> Any:
        raise BusyProductError("it kept changing; send it again")

    monkeypatch.setattr(receive, "list_product", busy)
    answer = shop.shopify("products/update", product())
    assert (answer.status_code, "send it again" in answer.json()["detail"]) == (503, True)


async def test_what_was_read_must_still_stand(client: "AsyncRedis", monkeypatch: pytest.MonkeyPatch) -> None:
    """Others who are faster each time: given up after many attempts, and nothing is half written."""

    async def lose(*arguments: Any, **named: Any) -> bool:
        return False

    monkeypatch.setattr(stock, "write_change", lose)
    with pytest.raises(BusyProductError, match="1 kept changing"):
        await list_product(client, "demo", LISTING)
    with pytest.raises(BusyProductError, match="i kept changing"):
        await set_level(client, "demo", Level("i", "a", 1, 1.0))
    assert await client.keys() == []


async def test_another_writer_in_between_makes_it_read_again(
    client: "AsyncRedis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level that comes between the reading and the writing of a product is in the outcome."""
    write: Callable[..., Any] = write_change
    interrupted = False

    async def late(*arguments: Any, **named: Any) -> bool:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            assert await set_level(client, "demo", Level("i", "a", 0, 5.0)) == "unknown"
        done: bool = await write(*arguments, **named)
        return done

    monkeypatch.setattr(stock, "write_change", late)
    assert await list_product(client, "demo", LISTING) == "taken"
    assert await set_level(client, "demo", Level("i", "a", 0, 5.0)) == "stale"
    assert await set_level(client, "demo", Level("i", "b", 2, 6.0)) == "taken"


async def test_a_consent_that_never_rests_is_given_up(client: "AsyncRedis", monkeypatch: pytest.MonkeyPatch) -> None:
    """The script finds other bytes than were read, every time."""
    monkeypatch.setattr(marketing, "_WRITE", "return 0")
    with pytest.raises(BusyConsentError, match="send it again"):
        await choose(client, "demo", MarketingChoice("c", False, 1.0, "shopify"))


def test_one_item_is_asked_for_once(shop: Shop) -> None:
    """However many levels of it come before anybody knows whose it is."""
    for location in range(5):
        shop.shopify("inventory_levels/update", level(9, 1, ago(seconds=5), location))
    assert [task.object_id for task in shop.tasks() if isinstance(task, Fetch)] == ["9"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.50", 12.5), (3, 3.0), (None, None), ("", None), ("x", None), ("-1", None), ("nan", None), ("1e999", None)],
)
def test_amounts_are_numbers_or_nothing(text: str | float | None, expected: float | None) -> None:
    """Never a price of not-a-number."""
    assert amount(text) == expected


def test_small_things_of_translation() -> None:
    """Lines of nothing, times that are none, and faults that are told without what stands there."""
    assert line("1", None, 0.4, 1.0) is None
    made = line("1", None, 2, 1.0, 0.123456)
    assert made is not None
    assert made.discount == 0.1235
    with pytest.raises(UnreadableError):
        utc("yesterday")
    assert place_of(ValueError("secret@example.com")) == "ValueError"
    assert place_of(ValueError("Expected `int` - at `$.customer.id`")) == "$.customer.id"


def test_an_order_that_makes_no_valid_event_is_no_fault_of_ours(shop: Shop) -> None:
    """An id that is too long, a currency that is none: acknowledged, counted, not kept."""
    for changed in ({"id": "9" * 200}, {"currency": "dollars"}):
        assert shop.shopify("orders/create", order(**changed)).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", "orders/create", "unreadable") >= 2
