"""Moments and examples: what was known before an order, and nothing of what came after."""

from datetime import UTC, datetime

import numpy as np
import pytest

from edge.core.codec import PROFILE_MAX_BYTES, decode_profile, encode_profile
from edge.core.context import History
from edge.core.events import Event, EventType, Line
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from edge.core.profile import Profile
from training.dataset import Dataset
from training.examples import MEASURED_SLOTS, STRANGERS, Past, Rows, labelled, queries, rows, stack, strangers
from training.moments import Moment, Order, collect
from training.moments import _of_shopper as of_shopper  # the walk over one shopper, without a data set around it

DAY_S = 86_400
TODAY = 20_000


def event(id_: str, type_: EventType, day: float, *products: str) -> Event:
    """Something one shopper did on a unix day."""
    time = datetime.fromtimestamp(day * DAY_S, UTC)
    return Event(id=id_, type=type_, time=time, products=tuple(Line(product) for product in products))


def walk(*events: Event, stop: str) -> Moment:
    """The moment before one order in these events."""
    (moment,) = of_shopper(Profile(shop="demo", shopper="s"), list(events), frozenset({stop}))
    return moment


def moment(
    basket: tuple[str, ...],
    *,
    past: tuple[Order, ...] = (),
    visit: tuple[tuple[str, bool], ...] = (),
    order: str = "o",
) -> Moment:
    """A made-up moment of the eight products' shop."""
    profile = Profile(shop="demo", shopper="s")
    return Moment(order, "s", TODAY, encode_profile(profile), visit, past, basket)


def test_a_moment_knows_only_what_came_before() -> None:
    """The order itself and what follows are in neither profile nor history; the order is the basket."""
    seen = walk(
        event("o1", "purchase-complete", TODAY, "tea", "tea"),
        event("o2", "purchase-complete", TODAY + 3, "cake", "tea", "cake"),
        event("o3", "purchase-complete", TODAY + 5, "soap"),
        stop="o2",
    )
    assert set(decode_profile(seen.profile).bought) == {"tea"}
    assert seen.past == ((TODAY, ("tea",)),)
    assert seen.basket == ("cake", "tea")
    assert seen.day == TODAY + 3


def test_a_first_order_has_an_empty_history() -> None:
    """Before the first order nothing is known."""
    seen = walk(event("o1", "purchase-complete", TODAY, "tea"), stop="o1")
    assert decode_profile(seen.profile).orders == 0
    assert seen.past == ()
    assert seen.visit == ()


def test_a_visit_is_what_was_looked_at_since_the_last_order() -> None:
    """Views and cart lines in order, the latter marked; an order ends the visit, and so does a day of silence."""
    seen = walk(
        event("v0", "detail-page-view", TODAY - 3, "soap"),
        event("v1", "detail-page-view", TODAY, "tea"),
        event("c1", "add-to-cart", TODAY + 0.01, "tea"),
        event("o1", "purchase-complete", TODAY + 0.02, "tea"),
        event("v2", "detail-page-view", TODAY + 0.03, "cake"),
        event("c2", "add-to-cart", TODAY + 0.04, "cola"),
        event("o2", "purchase-complete", TODAY + 0.05, "cake"),
        stop="o2",
    )
    assert seen.visit == (("cake", False), ("cola", True))


def test_silence_of_more_than_a_day_ends_a_visit() -> None:
    """What was looked at three days ago is in the profile, not in the visit."""
    seen = walk(
        event("v1", "detail-page-view", TODAY - 3, "tea"), event("o1", "purchase-complete", TODAY, "tea"), stop="o1"
    )
    assert seen.visit == ()
    assert list(decode_profile(seen.profile).viewed) == ["tea"]


def test_collect_finds_each_order_once_in_order(shop_dir: Dataset, moments: list[Moment]) -> None:
    """As many moments as orders were asked for, sorted by order id, within the store's bound on profiles."""
    told: list[int] = []
    again = collect(shop_dir, "demo", [one.order for one in moments[:5]], told.append)
    assert [one.order for one in again] == [one.order for one in moments[:5]]
    assert again == moments[:5]
    assert told[-1] == shop_dir.summary.lines
    assert all(len(one.profile) <= PROFILE_MAX_BYTES for one in moments)


def test_an_unknown_order_has_no_moment(shop_dir: Dataset) -> None:
    """Orders the data do not hold are simply not found."""
    assert collect(shop_dir, "demo", ["no such order"], lambda _: None) == []


def test_each_slot_is_asked_with_its_own_anchors(index: Index) -> None:
    """A page with one product, a cart with some, a homepage with none; what is wanted is the rest of the order."""
    basket = ("tea", "cake", "bread", "soap")
    asked = {query.slot: query for query in queries(index, moment(basket, past=((TODAY - 9, ("cake",)),)))}
    assert set(asked) == set(MEASURED_SLOTS)
    assert len(asked["bought_together"].context.anchors) == 1
    for slot in ("bought_together", "cart_complements"):
        parts = [*asked[slot].context.anchors.tolist(), *asked[slot].wanted.tolist()]
        assert sorted(parts) == sorted(index.positions(basket).tolist())
    assert sorted(asked["for_you"].wanted.tolist()) == sorted(index.positions(basket).tolist())
    assert asked["buy_again"].wanted.tolist() == [index.position["cake"]]


def test_the_past_by_hand(index: Index) -> None:
    """Tea in two of three orders, cake in one, a product the index does not know in none."""
    orders = ((TODAY - 9, ("tea", "gone")), (TODAY - 5, ("cake",)), (TODAY - 2, ("tea",)))
    past = Past(index, moment(("soap",), past=orders))
    assert past.items.tolist() == [0, 4, 0]
    assert past.orders.tolist() == [0, 1, 2]
    assert past.owned.tolist() == [0, 4]
    assert past.counts.tolist() == [2, 1]
    assert past.days.tolist() == [TODAY - 2, TODAY - 5]


def test_no_past_is_empty(index: Index) -> None:
    """Before the first order every column is there and empty."""
    past = Past(index, moment(("soap",)))
    assert [len(column) for column in (past.items, past.orders, past.owned, past.counts, past.days)] == [0] * 5


def test_a_single_product_asks_no_page_and_no_cart(index: Index) -> None:
    """With one product in the order there is nothing left to want beside it."""
    assert [query.slot for query in queries(index, moment(("tea",)))] == ["for_you"]


def test_unknown_products_are_neither_anchors_nor_wanted(index: Index) -> None:
    """Products the index has never heard of cannot be asked about; an order of nothing else asks nothing."""
    assert queries(index, moment(("gone", "lost"))) == []
    (query,) = queries(index, moment(("gone", "tea")))
    assert query.wanted.tolist() == [0]


def test_what_is_in_the_cart_already_is_not_wanted_on_the_homepage(index: Index) -> None:
    """Whatever point of the visit the seed meets: carted products leave the wanted ones, looked-at ones stay."""
    visit = (("tea", True), ("cake", False))
    for number in range(20):
        for query in queries(index, moment(("tea", "cake"), visit=visit, order=f"o{number}")):
            if query.slot == "for_you":
                carted = len(query.context.recent) >= 1
                assert (0 in query.wanted.tolist()) != carted


def test_a_visit_is_met_at_different_points(index: Index) -> None:
    """Over many orders the visit is seen at its start, in the middle and at its end; newest products come last."""
    visit = (("tea", False), ("cola", False), ("tea", False))
    seen = {
        tuple(query.context.recent.tolist())
        for number in range(40)
        for query in queries(index, moment(("cake",), visit=visit, order=f"o{number}"))
    }
    assert seen == {(), (0,), (0, 2), (2, 0)}


def test_anchors_are_not_in_the_visit(index: Index) -> None:
    """The page's product is the page, not something looked at before."""
    visit = (("tea", False), ("cake", False))
    for query in queries(index, moment(("tea", "cake"), visit=visit)):
        assert not set(query.context.anchors.tolist()) & set(query.context.recent.tolist())


def test_queries_are_the_same_each_time(index: Index) -> None:
    """The seed and the order's id choose anchors and cuts; another seed may choose others."""
    basket = ("tea", "cake", "bread", "soap", "cola")
    first, second = (queries(index, moment(basket)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.context.anchors.tolist() == other.context.anchors.tolist()
        assert one.wanted.tolist() == other.wanted.tolist()
    others = {tuple(queries(index, moment(basket), seed)[1].context.anchors.tolist()) for seed in range(20)}
    assert len(others) > 1


def test_labels_mark_what_was_bought(index: Index) -> None:
    """One row per candidate, 1 exactly where the candidate is wanted."""
    for query in queries(index, moment(("tea", "cake"))):
        found, features, labels = labelled(index, query)
        assert features.shape == (len(found.items), len(FEATURE_NAMES))
        assert labels.tolist() == [int(item in query.wanted) for item in found.items.tolist()]


def test_rows_keep_every_positive_and_few_others(known: Index, moments: list[Moment]) -> None:
    """Groups cover the rows, each has a positive and at most the asked number of others."""
    learned = stack(list(rows(known, moments, negatives=10)))
    assert learned.groups.sum() == len(learned.labels) == len(learned.features)
    for group in np.split(learned.labels, np.cumsum(learned.groups)[:-1]):
        assert group.any()
        assert 1 <= (group == 0).sum() <= 10
    assert learned.features.dtype == np.float32
    assert np.isfinite(learned.features).all()


def test_no_feature_gives_the_label_away(known: Index, moments: list[Moment]) -> None:
    """A feature that knew the order would separate perfectly; none comes near."""
    learned = stack(list(rows(known, moments)))
    bought = learned.labels == 1
    for column, name in enumerate(FEATURE_NAMES):
        values = learned.features[:, column]
        if values.min() == values.max():
            continue
        order = np.argsort(values, kind="stable")
        ranks = np.empty(len(values))
        ranks[order] = np.arange(len(values))
        area = (ranks[bought].mean() - (bought.sum() - 1) / 2) / (~bought).sum()
        assert 0.05 < area < 0.95, name


@pytest.mark.parametrize("parts", [[], [stack([])]])
def test_nothing_stacks_to_nothing(parts: list[Rows]) -> None:
    """No rows at all have the right width all the same."""
    assert stack(parts).features.shape == (0, len(FEATURE_NAMES))


def test_every_fourth_moment_is_learned_from_as_a_strangers_too(known: Index, moments: list[Moment]) -> None:
    """Page and cart without the history, the homepage with the page seen; what was wanted stays wanted."""
    nobody = History.of(known, None)
    for moment in moments[:20]:
        asked = queries(known, moment)
        blank = strangers(asked, nobody)
        by_slot = {query.slot: query for query in asked}
        assert [query.slot for query in blank] == [
            slot for query in asked for slot in {"bought_together": ["bought_together", "for_you"],
                                                 "cart_complements": ["cart_complements"]}.get(query.slot, [])
        ]  # fmt: skip
        for query in blank:
            assert len(query.context.history.items) == 0
            page = by_slot["bought_together"]
            source = page if query.slot == "for_you" else by_slot[query.slot]
            assert query.wanted is source.wanted
        for query in blank:
            if query.slot == "for_you":
                assert query.context.recent is by_slot["bought_together"].context.anchors
                assert len(query.context.anchors) == 0
    more = sum(len(part.groups) for part in rows(known, moments[:STRANGERS]))
    plain = [labelled(known, query)[2] for moment in moments[:STRANGERS] for query in queries(known, moment)]
    assert more >= sum(0 < labels.sum() < len(labels) for labels in plain)
