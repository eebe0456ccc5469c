"""The popular lists of the excess: right for every question, and hardly ever made."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import excess as module
from edge.excess import PopularLists
from edge.wire import Query, query_from_url

ROUNDS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def lists(edge: Any) -> PopularLists:
    """Of a server's shop."""
    found: PopularLists = edge.edge.popular
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, edge: Any) -> list[Query]:
    """What lists were made for."""
    questions: list[Query] = []
    recommender = edge.edge.recommender
    make = recommender.excess

    def counted(query: Query, category: str | None) -> Any:
        questions.append(query)
        return make(query, category)

    monkeypatch.setattr(recommender, "excess", counted)
    return questions


@pytest.fixture
def products(edge: Any) -> list[str]:
    """Some of the shop's, one it does not have, and all that stands on its popular list."""
    popular = edge.edge.recommender.popular(Query("home", limit=50)).answer
    shown = [item.id for slot in popular.slots for item in slot.items]
    return [*shown, *sorted(edge.edge.recommender.catalogue.ids())[:20], "nobody-knows-it"]


def test_it_is_what_would_be_worked_out_for_the_question(edge: Any, lists: PopularLists, products: list[str]) -> None:
    """To the byte, whatever is on the page, in the cart or excluded."""
    some = st.lists(st.sampled_from(products), max_size=6, unique=True)

    @ROUNDS
    @given(st.sampled_from(["pdp", "cart", "home"]), st.sampled_from(products), some, some, st.integers(1, 12))
    def each(surface: Any, product: str, cart: list[str], excluded: list[str], limit: int) -> None:
        query = Query(
            surface,
            product_id=product if surface == "pdp" else None,
            product_ids=tuple(cart),
            exclude=tuple(excluded),
            limit=limit,
            visitor_id="v",
        )
        assert lists.find(query).body == edge.edge.recommender.popular(query, "overload").answer.body

    each()


def test_few_lists_serve_all(lists: PopularLists, made: list[Query], products: list[str]) -> None:
    """One for a whole category but for pages of what stands on it; persons change nothing."""
    for person in range(50):
        lists.find(Query("home", visitor_id=f"v{person}", session=(f"p{person}",), consent=("analytics",)))
        lists.find(Query("cart", customer_id=f"c{person}", product_ids=(f"not-on-it-{person}",)))
    assert len(made) == 2
    for _ in range(5):
        lists.find(Query("cart", product_ids=("not-on-it", products[0])))
        lists.find(Query("cart", exclude=(products[0],)))
    assert len(made) == 3


def test_whoever_has_everything_makes_few(edge: Any, lists: PopularLists, made: list[Query]) -> None:
    """All of the shop in the cart: the same empty page as ever, and not a list for each product."""
    everything = tuple(sorted(edge.edge.recommender.catalogue.ids()))
    query = Query("cart", product_ids=everything, limit=2)
    assert lists.find(query).body == edge.edge.recommender.popular(query, "overload").answer.body
    assert len(made) <= module.FEW / 2 + 2 < len(everything) / 2


def test_it_counts_as_shown_each_time(edge: Any, lists: PopularLists) -> None:
    """Once, also when a list had to be made for it."""
    before = edge.metric("endcap_degraded_total", what="overload")
    for count in (1, 2):
        lists.find(Query("home"))
        assert edge.metric("endcap_degraded_total", what="overload") == before + count


def test_a_change_shows_within_a_second(
    edge: Any, lists: PopularLists, made: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for twice a second, as a sale has more changes than that; then all lists are made again."""
    recommender = edge.edge.recommender
    now = time.monotonic() + 10
    monkeypatch.setattr(lists, "_clock", lambda: now)
    (sold_out,) = {item.id for slot in lists.find(Query("home", limit=1)).served.answer.slots for item in slot.items}
    revision, before = lists.revision, len(made)
    product = recommender.catalogue.get(sold_out)
    recommender.catalogue.live.lay(msgspec.structs.replace(product, available=False))
    recommender.catalogue.revision += 1
    lists.find(Query("home", limit=1))
    assert (lists.revision, len(made)) == (revision, before)
    now += 0.6
    assert sold_out not in lists.find(Query("home", limit=1)).products
    assert (lists.revision, len(made)) == (revision + 1, before + 1)


def test_there_is_an_end_to_what_is_kept(
    lists: PopularLists, made: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever callers make up."""
    monkeypatch.setattr(module, "_MOST", 10)
    for number in range(25):
        lists.find(query_from_url("pdp", b"product_id=made-up-%d&locale=l%d" % (number, number)))
        assert max(len(lists._kept), len(lists._categories)) <= 10
    assert len(made) == 25


def test_without_a_model_there_is_an_answer(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With no shelves, as in calm."""
    edge = serve()
    monkeypatch.setattr(edge.edge.recommender.live, "current", None)
    answer = edge.edge.popular.find(Query("home"))
    assert (answer.status, answer.served.answer.degraded, answer.products) == (200, ("overload",), frozenset())
