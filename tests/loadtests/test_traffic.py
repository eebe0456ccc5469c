"""The made-up shoppers: who they are, what they ask, and in which proportions."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests.traffic import CONSENT, Crowd, Habits, Mix, Shoppers, Step, parse_customers, rank_products

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRODUCTS = tuple(f"p{number}" for number in range(200))
CUSTOMERS = tuple(str(number) for number in range(1, 51))
MIX = Mix(pdp=0.60, home=0.20, cart=0.15, events=0.05)


def crowd(**changes: Any) -> Crowd:
    """A crowd with the budget's usual shares, some of them changed."""
    arguments: dict[str, Any] = {
        "products": PRODUCTS,
        "customers": CUSTOMERS,
        "mix": MIX,
        "shoppers": Shoppers(known=0.55, new=0.25, declining=0.20),
        "habits": Habits(returning=0.4, unknown_products=0.01, zipf_exponent=1.0),
        "seed": 1,
        "run_id": "run",
        "clock": lambda: NOW,
    }
    return Crowd(**arguments | changes)


def steps(number: int, **changes: Any) -> list[Step]:
    """That many requests of a crowd."""
    return list(islice(crowd(**changes).requests(), number))


def query(step: Step) -> dict[str, str]:
    """The query parameters of a step."""
    return {name: values[0] for name, values in parse_qs(urlsplit(step.path).query).items()}


def visits(number: int, **changes: Any) -> Iterator[list[Step]]:
    """That many whole visits."""
    one = crowd(**changes)
    return (list(one.visit()) for _ in range(number))


def events_of(some: list[Step]) -> list[dict[str, Any]]:
    """All events of these steps."""
    return [event for step in some for event in step.events]


def test_the_mix_of_requests_is_the_one_asked_for() -> None:
    """60 % product pages, 20 % homepages, 15 % carts and 5 % events, within a point."""
    counted: Counter[str] = Counter(step.surface for step in steps(20_000))
    for surface, share in (("pdp", 0.60), ("home", 0.20), ("cart", 0.15), ("events", 0.05)):
        assert counted[surface] / 20_000 == pytest.approx(share, abs=0.01), surface


def test_another_mix_is_followed_too() -> None:
    """The shares come from the budget file, not from the code."""
    counted = Counter(step.surface for step in steps(20_000, mix=Mix(pdp=0.3, home=0.5, cart=0.0, events=0.2)))
    assert counted["cart"] == 0
    assert counted["home"] / 20_000 == pytest.approx(0.5, abs=0.015)
    assert counted["events"] / 20_000 == pytest.approx(0.2, abs=0.015)


def test_the_same_seed_gives_the_same_requests() -> None:
    """A run can be repeated; another seed is another crowd."""
    assert steps(500) == steps(500)
    assert steps(500) != steps(500, seed=2)


def test_another_run_of_the_same_seed_repeats_no_visitor_and_no_event() -> None:
    """The store remembers the earlier run: its visitors would not be new, and its events would be duplicates."""
    first, second = events_of(steps(5_000)), events_of(steps(5_000, run_id="other"))
    assert not {event["id"] for event in first} & {event["id"] for event in second}
    assert not {event["visitor_id"] for event in first} & {event["visitor_id"] for event in second}


def test_a_visit_begins_at_home_and_ends_with_the_cart() -> None:
    """Home, then products, then their events, then the cart: nobody fills a cart before looking."""
    order = ["home", "pdp", "events", "cart"]
    for visit in visits(300):
        places = [order.index(step.surface) for step in visit]
        assert places == sorted(places)
        assert places.count(0) == 1


def test_kinds_of_shoppers_have_their_shares() -> None:
    """55 % known customers, 25 % new visitors with consent, 20 % who said no."""
    kinds: Counter[str] = Counter()
    for home, *_ in visits(8_000):
        if not home.consents:
            kinds["declining"] += 1
        else:
            kinds["known" if "customer_id" in query(home) else "new"] += 1
    for kind, share in (("known", 0.55), ("new", 0.25), ("declining", 0.20)):
        assert kinds[kind] / 8_000 == pytest.approx(share, abs=0.02), kind


def test_consent_is_stated_by_those_who_gave_it_and_by_nobody_else() -> None:
    """A page of somebody who declined carries neither consent nor a visitor id; some name a logged-in customer."""
    logged_in = 0
    for step in steps(4_000):
        if step.surface == "events":
            assert all(event["consent"] == (list(CONSENT) if step.consents else []) for event in step.events)
            continue
        asked = query(step)
        assert (asked.get("consent") == ",".join(CONSENT)) == step.consents
        assert ("visitor_id" in asked) == step.consents
        logged_in += not step.consents and "customer_id" in asked
    assert logged_in > 100


def test_a_visit_keeps_its_shopper() -> None:
    """All pages of one visit are asked by the same visitor and customer."""
    for visit in visits(200):
        names = {(query(s).get("visitor_id"), query(s).get("customer_id")) for s in visit if s.surface != "events"}
        assert len(names) == 1


def test_visitors_come_back() -> None:
    """Two of five visits by new visitors are by somebody who was here before."""
    ids = [query(home).get("visitor_id") for home, *_ in visits(3_000, shoppers=Shoppers(known=0, new=1, declining=0))]
    assert 1 - len(set(ids)) / 3_000 == pytest.approx(0.4, abs=0.04)


def test_a_customer_keeps_the_same_browser() -> None:
    """A known customer who comes back has the visitor id of the first visit."""
    browsers: dict[str, set[str]] = {}
    for home, *_ in visits(1_000, shoppers=Shoppers(known=1, new=0, declining=0)):
        asked = query(home)
        browsers.setdefault(asked["customer_id"], set()).add(asked["visitor_id"])
    assert set(browsers) <= set(CUSTOMERS)
    assert all(len(ids) == 1 for ids in browsers.values())


def test_nobody_is_known_where_no_customers_are_given() -> None:
    """New visitors take the place of known customers; nobody makes up a customer id."""
    assert not any("customer_id" in query(step) for step in steps(2_000, customers=()) if step.surface != "events")


def test_popular_products_are_looked_at_as_zipf_says() -> None:
    """With exponent 1 the first product is looked at twice as often as the second, ten times as often as the tenth."""
    looked = Counter(query(step)["product_id"] for step in steps(30_000) if step.surface == "pdp")
    assert looked["p0"] / looked["p1"] == pytest.approx(2, rel=0.2)
    assert looked["p0"] / looked["p9"] == pytest.approx(10, rel=0.3)
    assert len([product for product in looked if not product.startswith("unknown-")]) > 190


def test_some_products_are_unknown_and_never_reach_a_cart() -> None:
    """One product page in a hundred; such answers may say that the product is unknown."""
    some = steps(20_000)
    pages = [step for step in some if step.surface == "pdp"]
    unknown = [step for step in pages if step.unknown_product]
    assert len(unknown) / len(pages) == pytest.approx(0.01, abs=0.004)
    assert all(query(step)["product_id"].startswith("unknown-") for step in unknown)
    assert not any("unknown-" in step.path for step in some if step.surface == "cart")


def test_carts_hold_one_to_four_different_products() -> None:
    """As carts do; the ids are comma-separated, as the contract has them."""
    sizes = set()
    for step in steps(5_000):
        if step.surface == "cart":
            ids = query(step)["product_ids"].split(",")
            assert len(ids) == len(set(ids))
            sizes.add(len(ids))
    assert sizes == {1, 2, 3, 4}


def test_events_tell_what_the_visit_looked_at() -> None:
    """Each product page of the visit has its detail-page-view, and one known product goes into the cart."""
    told = 0
    for visit in visits(400):
        looked = [query(step)["product_id"] for step in visit if step.surface == "pdp"]
        for step in visit:
            if step.surface != "events" or not looked:
                continue
            views = [e["products"][0]["product_id"] for e in step.events if e["type"] == "detail-page-view"]
            assert views == looked
            added = [e["products"][0]["product_id"] for e in step.events if e["type"] == "add-to-cart"]
            assert len(added) <= 1
            assert set(added) <= {product for product in looked if not product.startswith("unknown-")}
            told += 1
    assert told > 50


def test_a_visit_that_looked_at_nothing_tells_of_its_homepage() -> None:
    """So that events are never an empty list, which the contract refuses."""
    events = events_of(steps(2_000, mix=Mix(pdp=0, home=0.5, cart=0, events=0.5)))
    assert {event["type"] for event in events} == {"home-page-view"}
    assert not any("products" in event for event in events)


def test_events_have_ids_of_their_own_and_the_time_of_the_clock() -> None:
    """Ids are unique over the whole run; the time carries its zone."""
    events = events_of(steps(10_000))
    assert len({event["id"] for event in events}) == len(events)
    assert {event["time"] for event in events} == {"2026-11-21T12:00:00+00:00"}


def test_pages_are_asked_for_and_events_are_posted() -> None:
    """A step knows its method and its body."""
    by_surface = {step.surface: step for step in steps(500)}
    assert (by_surface["home"].method, by_surface["home"].body) == ("GET", None)
    posted = by_surface["events"]
    assert posted.method == "POST"
    assert json.loads(posted.body or "")["events"] == list(posted.events)


def test_a_crowd_needs_products() -> None:
    """An empty shop is said to be one, instead of failing inside the choice."""
    with pytest.raises(ValueError, match="no products"):
        crowd(products=())


def test_popular_products_rank_before_all_others() -> None:
    """Both groups are shuffled by the seed, and nothing is listed twice."""
    popular, others = [f"a{n}" for n in range(20)], [f"b{n}" for n in range(20)] + ["a3"]
    ranked = rank_products(popular, others, seed=5)
    assert set(ranked[:20]) == set(popular)
    assert len(ranked) == 40
    assert ranked != rank_products(popular, others, seed=6)
    assert ranked == rank_products(popular, others, seed=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-3", ("1", "2", "3")),
        ("7, 12,7", ("7", "12")),
        ("c-:008-010", ("c-008", "c-009", "c-010")),
        ("north-4", ("north-4",)),
        ("", ()),
    ],
)
def test_customers_are_written_as_ranges_and_lists(text: str, expected: tuple[str, ...]) -> None:
    """Numbers with a dash between them are a range, keep leading zeros and may have a prefix; all else is an id."""
    assert parse_customers(text) == expected


def test_a_range_that_runs_backwards_is_refused() -> None:
    """The message says how to write it."""
    with pytest.raises(ValueError, match="smaller number first"):
        parse_customers("9-3")
