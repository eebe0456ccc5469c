"""Changes of products on their way into the store: merged, told only when they show, never lost to another writer."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from edge import changes
from edge.changes import BusyProductError, put_changes, write_change
from edge.core.keys import changes_key, overlay_key, stock_key
from edge.core.products import Change, Product, decode_change
from edge.profiles import connect

pytestmark = pytest.mark.store
MILK = Product("1", "Milk", 2.99)


@pytest.fixture
async def client(session_store: str, redis: "Redis") -> AsyncIterator["AsyncRedis"]:
    """A client of the test's own loop."""
    made = connect(session_store, timeout_s=5, connections=5)
    yield made
    await made.aclose()


async def test_only_what_shows_is_told(client: "AsyncRedis", redis: "Redis") -> None:
    """The same price at a later time is noted, so that older ones stay out, and told to nobody."""
    await put_changes(client, "demo", [Change("1", 10.0, price=5.0), Change("1", 20.0, price=5.0)])
    assert redis.xlen(changes_key("demo")) == 1
    await put_changes(client, "demo", [Change("1", 15.0, price=9.0)])
    assert redis.xlen(changes_key("demo")) == 1
    stored: Any = redis.hget(overlay_key("demo"), "1")
    assert (decode_change(stored).price, decode_change(stored).time) == (5.0, 20.0)


async def test_fields_are_written_with_the_change_or_not_at_all(client: "AsyncRedis", redis: "Redis") -> None:
    """When what they were worked out from has changed meanwhile, nothing is written."""
    key = stock_key("demo")
    assert await write_change(client, "demo", Change("1", 1.0, price=1.0), [("a", b"", b"1")], hash_key=key)
    assert not await write_change(client, "demo", Change("1", 2.0, price=2.0), [("a", b"other", b"2")], hash_key=key)
    assert not await write_change(client, "demo", None, [("a", b"", b"2")], hash_key=key)
    assert await write_change(client, "demo", None, [("a", b"1", b"2")], hash_key=key)
    assert redis.hgetall(key) == {b"a": b"2"}
    stored: Any = redis.hget(overlay_key("demo"), "1")
    assert decode_change(stored).price == 1.0


async def test_a_product_that_never_rests_is_given_up(client: "AsyncRedis", monkeypatch: pytest.MonkeyPatch) -> None:
    """After many attempts, with what to do."""

    async def lose(*arguments: Any) -> bool:
        return False

    monkeypatch.setattr(changes, "write_change", lose)
    with pytest.raises(BusyProductError, match="send the change again"):
        await put_changes(client, "demo", [Change("1", 1.0, price=1.0)])


parts = st.one_of(
    st.fixed_dictionaries({"price": st.sampled_from([1.0, 2.0, 3.0])}),
    st.fixed_dictionaries({"available": st.booleans()}),
    st.fixed_dictionaries({"product": st.sampled_from([MILK, Product("1", "Oat Milk", 3.49)])}),
)


@given(st.lists(parts, min_size=1, max_size=4))
def test_merging_is_the_same_in_every_order(said: list[dict[str, Any]]) -> None:
    """Prices, stock and cards of different moments, shuffled every way, and each told twice."""
    told = [Change("1", float(time), **fields) for time, fields in enumerate(said, 1)]
    results = set()
    for order in itertools.permutations(told):
        merged = order[0]
        for change in (*order[1:], *order):
            merged = merged.merged(change)
        results.add((merged.applied(MILK), merged.time))
    assert len(results) == 1
    in_order = MILK
    for change in told:
        in_order = change.applied(in_order) or in_order
    assert results == {(in_order, float(len(told)))}


def test_a_catalogue_read_meanwhile_has_only_what_is_newer_laid_over_it() -> None:
    """Each part by its own time: the import's price beats the older one, the newer stock stays."""
    merged = Change("1", 10.0, price=1.0).merged(Change("1", 30.0, available=False))
    left = merged.since(20.0)
    assert left is not None
    assert left.applied(MILK) == Product("1", "Milk", 2.99, available=False)
    assert merged.since(30.0) is None
    card = Change("1", 10.0, product=Product("1", "Old", 1.0)).merged(merged)
    left = card.since(5.0)
    assert left is not None
    assert left.applied(MILK) == Product("1", "Old", 1.0, available=False)
    assert card.since(20.0) == Change("1", 30.0, available=False, price_time=10.0, product_time=10.0)
