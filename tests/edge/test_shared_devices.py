"""One device, several people: nobody sees what another customer did on it."""

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from edge.core.clock import now
from edge.core.codec import decode_session
from edge.core.events import Event, EventType, Line, Purpose
from edge.core.keys import PseudonymKey, session_key
from edge.core.session import Session
from edge.identify import Identifier
from edge.profiles import ShopperStore, connect

pytestmark = pytest.mark.store

IDENTIFIER = Identifier("demo", PseudonymKey.from_hex("00" * 32))
CONSENT: tuple[Purpose, ...] = ("personalization", "analytics")


@pytest.fixture
async def store(session_store: str, redis: "Redis") -> AsyncIterator[ShopperStore]:
    """A store client with patience, on an empty store."""
    client = connect(session_store, timeout_s=5, connections=4)
    yield ShopperStore(client)
    await client.aclose()


async def seen(store: ShopperStore, customer: str | None) -> set[str]:
    """What the visit shows to whoever is logged in on device `v`."""
    visit = (await store.read(IDENTIFIER.caller("v", customer, CONSENT))).session
    return {*visit.viewed, *visit.cart, *visit.bought} if visit else set()


async def act(store: ShopperStore, customer: str | None, product: str) -> None:
    """Whoever is logged in looks at a product and puts it into the cart."""
    caller = IDENTIFIER.caller("v", customer, CONSENT)
    types: tuple[EventType, ...] = ("detail-page-view", "add-to-cart")
    at, lines = datetime.now(UTC), (Line(product),)
    events = [Event(f"{product}{type_}", type_, at, visitor_id="v", products=lines) for type_ in types]
    await store.observe(caller, await store.read(caller), events, [], now())


async def test_no_order_of_logins_shows_one_customer_what_another_did(store: ShopperStore, redis: "Redis") -> None:
    """Each sequence of five visits by A, B and nobody: A never sees B's, B never A's, nobody sees either's."""
    for people in itertools.product(("A", "B", None), repeat=5):
        redis.flushall()
        for turn, person in enumerate(people):
            for looker in ("A", "B", None):
                owners = {product[0] for product in await seen(store, looker)}
                assert owners <= {looker or "-", "-"}, (people[:turn], looker, owners)
            await act(store, person, f"{person or '-'}{turn}")


async def test_an_anonymous_visit_is_taken_over_at_login(store: ShopperStore) -> None:
    """What was in the cart before the login is in it after; and gone for the device once logged out."""
    await act(store, None, "tea")
    assert await seen(store, "A") == {"tea"}
    await act(store, "A", "milk")
    assert await seen(store, "A") == {"tea", "milk"}
    assert await seen(store, None) == set()
    assert await seen(store, "B") == set()


async def test_after_a_logout_the_visit_goes_back_to_the_same_customer_only(store: ShopperStore) -> None:
    """A logs out and goes on browsing: A, back again, finds that; B does not."""
    await act(store, "A", "milk")
    await act(store, None, "tea")
    assert await seen(store, "B") == set()
    assert await seen(store, "A") == {"tea"}
    await act(store, "B", "beer")
    await act(store, None, "salt")
    assert await seen(store, "A") == set()
    assert await seen(store, "B") == {"salt"}


async def test_a_visit_taken_by_another_goes_on_counting(store: ShopperStore, redis: "Redis") -> None:
    """The revision never falls, so that no cached answer of one person fits another's visit."""
    await act(store, "A", "milk")
    visitor = IDENTIFIER.caller("v", None, []).visitor
    first = decode_session(redis.get(session_key("demo", str(visitor))))  # type: ignore[arg-type]  # because redis-py types both clients at once
    await act(store, "B", "beer")
    second = decode_session(redis.get(session_key("demo", str(visitor))))  # type: ignore[arg-type]  # because redis-py types both clients at once
    assert second.revision > first.revision
    assert second.viewed == ["beer"]


@pytest.mark.parametrize(
    ("customer", "after", "names", "open_"),
    [
        ("", "", (), True),
        ("", "", ("A",), True),
        ("", "A", (), True),
        ("", "A", ("A",), True),
        ("", "A", ("B",), False),
        ("A", "", (), False),
        ("A", "", ("A",), True),
        ("A", "", ("now", "A"), True),
        ("A", "", ("B",), False),
    ],
)
def test_who_a_visit_is_open_to(customer: str, after: str, names: tuple[str, ...], open_: bool) -> None:
    """Nobody's to all, somebody's to that customer under any of the names, one after a logout not to a third."""
    assert Session("demo", "v", customer=customer, after=after).open_to(*names) is open_


def test_pages_of_two_customers_on_one_device_share_nothing(
    edge: Any, remember: Callable[..., Any], redis: "Redis", event: Callable[..., Any]
) -> None:
    """Through HTTP, with profiles: shelves and cart of B are those of B on a device of their own."""
    remember(edge, redis, "A", "p004", "p016")
    remember(edge, redis, "B", "p040", "p052")
    edge.send(event("detail-page-view", "p010", customer_id="A"), event("add-to-cart", "p028", customer_id="A"))
    consent = "personalization,analytics"
    for surface in ("home", "cart"):
        shared = edge.shelves(surface, visitor_id="v", customer_id="B", consent=consent)
        alone = edge.shelves(surface, visitor_id="another", customer_id="B", consent=consent)
        assert shared["slots"] == alone["slots"]
        out = edge.shelves(surface, visitor_id="v", consent=consent)
        assert out["slots"] == edge.shelves(surface, visitor_id="fresh", consent=consent)["slots"]
    mine = edge.shelves("home", visitor_id="v", customer_id="A", consent=consent)
    viewed = next(slot["items"] for slot in mine["slots"] if slot["id"] == "recently_viewed")
    assert [item["id"] for item in viewed] == ["p010"]
