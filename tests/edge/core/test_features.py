"""Features over eight products, worked out by hand; see the `arrays` fixture."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.context import Context, History
from edge.core.features import FEATURE_NAMES, build
from edge.core.index import Index
from edge.core.profile import RECENT_ORDERS, Bought, Profile
from edge.core.retrieval import RANKED_SLOTS, Candidates, candidates
from edge.core.sources import SOURCES

TODAY = 20_000
PROFILE = Profile(
    shop="demo",
    shopper="s",
    orders=5,
    first_order_day=TODAY - 60,
    last_order_day=TODAY - 20,
    bought={"tea": Bought(3, TODAY - 60, TODAY - 20), "bread": Bought(1, TODAY - 34, TODAY - 34)},
    viewed={"soap": TODAY - 3, "cola": TODAY - 2},
)


def found(index: Index, *ids: str) -> Candidates:
    """These products as candidates with made-up scores 1, 1/2, 1/3 and evidence 0, 1, 2 by column."""
    items = index.positions(ids)
    scores = (1 / np.arange(1, len(items) + 1)).astype(np.float32)
    evidence = np.tile(np.arange(len(items), dtype=np.float32), (len(SOURCES), 1))
    return Candidates(items, scores, evidence)


def rows(
    index: Index, *ids: str, slot: str = "for_you", anchors: tuple[str, ...] = (), recent: tuple[str, ...] = (),
    profile: Profile | None = PROFILE, day: float = TODAY,
) -> dict[str, NDArray[np.float32]]:  # fmt: skip
    """The columns of the matrix by name."""
    context = Context(index.positions(anchors), index.positions(recent), History.of(index, profile), day)
    return dict(zip(FEATURE_NAMES, build(index, slot, context, found(index, *ids)).T, strict=True))


def test_the_matrix_is_what_the_runtime_wants(index: Index) -> None:
    """float32, C-contiguous, a row per candidate, a column per name; names are unique."""
    context = Context(index.positions(["tea"]), index.positions([]), History.of(index, PROFILE), TODAY)
    matrix = build(index, "cart_complements", context, found(index, "cake", "bread"))
    assert matrix.shape == (2, len(FEATURE_NAMES))
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)


def test_slot_score_rank_and_evidence_come_first(index: Index) -> None:
    """The slot's place, the retrieval score, the rank counted from 0, and every source's evidence."""
    columns = rows(index, "tea", "cake", slot="buy_again")
    assert columns["slot"].tolist() == [RANKED_SLOTS.index("buy_again")] * 2
    assert columns["retrieval_score"].tolist() == [1, 0.5]
    assert columns["retrieval_rank"].tolist() == [0, 1]
    assert all(columns[f"from_{source}"].tolist() == [0, 1] for source in SOURCES)


def test_product_columns_are_the_products(index: Index) -> None:
    """Tea is in 40 of 100 orders; the rest is read off the index."""
    columns = rows(index, "tea")
    assert columns["sold"][0] == pytest.approx(0.4)
    assert columns["sold_recently"][0] == pytest.approx(4)
    assert columns["repeat_rate"][0] == pytest.approx(0.25)
    assert columns["gap_days"][0] == 10
    assert columns["price"][0] == 4


def test_columns_beside_the_anchors(index: Index) -> None:
    """Beside tea and cola (mean price 3): green tea shares Drinks with both, Hot with one, brand 0 with one."""
    columns = rows(index, "green", anchors=("tea", "cola"))
    assert columns["price_ratio"][0] == pytest.approx(4 / 3)
    assert columns["same_wide"][0] == pytest.approx(1)
    assert columns["same_middle"][0] == pytest.approx(0.5)
    assert columns["same_narrow"][0] == 0
    assert columns["same_brand"][0] == pytest.approx(0.5)
    assert columns["company"][0] == pytest.approx(1)
    assert columns["anchors"][0] == 2


def test_unknown_category_and_brand_are_like_nothing(index: Index) -> None:
    """Two products without category or brand do not share them."""
    columns = rows(index, "soap", anchors=("odd",))
    assert columns["same_wide"][0] == columns["same_brand"][0] == 0
    assert columns["price_ratio"][0] == 0


def test_company_is_a_cosine(index: Index) -> None:
    """Coffee points (0.6, 0.8), cake (0, 1)."""
    assert rows(index, "coffee", anchors=("cake",))["company"][0] == pytest.approx(0.8, abs=1e-3)
    assert rows(index, "coffee", recent=("tea",))["visit_company"][0] == pytest.approx(0.6, abs=1e-3)


def test_own_columns_of_a_repeated_purchase(index: Index) -> None:
    """Tea: 3 times in 5 orders, last 20 days ago, every 20 days: due now, and the strongest of two."""
    columns = rows(index, "tea")
    assert columns["own_count"][0] == 3
    assert columns["own_share"][0] == pytest.approx(0.6)
    assert columns["own_idle_days"][0] == 20
    assert columns["own_mean_gap_days"][0] == 20
    assert columns["own_due"][0] == pytest.approx(1)
    assert columns["own_rank"][0] == 0


# Five orders, newest last: tea and bread; tea; nothing known; tea and bread; bread.
ORDERLY = Profile(
    shop="demo",
    shopper="s",
    orders=5,
    first_order_day=TODAY - 60,
    last_order_day=TODAY - 5,
    bought={
        "tea": Bought(3, TODAY - 60, TODAY - 15, 0b11010),
        "bread": Bought(3, TODAY - 60, TODAY - 5, 0b10011),
        "soap": Bought(1, TODAY - 90, TODAY - 90),
        "odd": Bought(1, TODAY - 90, TODAY - 90),
    },
)


def test_orders_fade_by_how_many_came_after(index: Index) -> None:
    """Tea 1, 3 and 4 orders before the last, bread 0, 1 and 4, soap in none of those remembered."""
    columns = rows(index, "tea", "bread", "soap", profile=ORDERLY)
    assert columns["own_often"].tolist() == pytest.approx([0.9 + 0.9**3 + 0.9**4, 1 + 0.9 + 0.9**4, 0])
    assert columns["own_lately"].tolist() == pytest.approx([0.7 + 0.7**3 + 0.7**4, 1 + 0.7 + 0.7**4, 0])
    assert columns["own_orders_since"].tolist() == [1, 0, RECENT_ORDERS]


def test_what_was_bought_lately_weighs_more(index: Index) -> None:
    """Tea and bread three times each: bread on the last day and in newer orders, so it outranks tea."""
    history = History.of(index, ORDERLY)
    weight = dict(zip(history.items.tolist(), history.weight.tolist(), strict=True))
    assert weight[0] == pytest.approx(3 * 2 ** (-10 / 60) + 2 * (0.9 + 0.9**3 + 0.9**4))
    assert weight[3] == pytest.approx(3 + 2 * (1 + 0.9 + 0.9**4))
    assert rows(index, "tea", "bread", profile=ORDERLY)["own_rank"].tolist() == [1, 0]


def test_own_columns_of_a_single_purchase(index: Index) -> None:
    """Bread once, 34 days ago: others buy it each 7 days, so it is overdue; it has no gap of its own."""
    columns = rows(index, "bread")
    assert columns["own_mean_gap_days"][0] == -1
    assert columns["own_due"][0] == pytest.approx(34 / 7)
    assert columns["own_rank"][0] == 1


def test_own_columns_of_a_product_never_bought(index: Index) -> None:
    """Cake was never bought: no count, no days, and a rank after all that were."""
    columns = rows(index, "cake")
    assert columns["own_count"][0] == columns["own_share"][0] == 0
    assert columns["own_idle_days"][0] == columns["own_due"][0] == -1
    assert columns["own_rank"][0] == 2
    assert columns["own_often"][0] == columns["own_lately"][0] == 0
    assert columns["own_orders_since"][0] == RECENT_ORDERS


def test_a_gap_nobody_knows_leaves_due_open(index: Index) -> None:
    """Soap bought once, and no shopper ever twice: nothing says when it is due."""
    profile = Profile(shop="d", shopper="s", orders=1, last_order_day=TODAY, bought={"soap": Bought(1, TODAY, TODAY)})
    assert rows(index, "soap", profile=profile)["own_due"][0] == -1


def test_a_clock_behind_the_profile_gives_no_negative_days(index: Index) -> None:
    """A server whose clock lags sees zero idle days, as if bought just now."""
    assert rows(index, "tea", day=TODAY - 30)["own_idle_days"][0] == 0


def test_likes_are_shares_of_the_history(index: Index) -> None:
    """Tea's weight 3 and bread's 2^(-14/60) make the shares of Drinks, Drinks > Hot and brand 0."""
    share = 3 / (3 + 2 ** (-14 / 60))
    columns = rows(index, "green")
    assert columns["likes_wide"][0] == pytest.approx(share, rel=1e-5)
    assert columns["likes_middle"][0] == pytest.approx(share, rel=1e-5)
    assert columns["likes_narrow"][0] == 0
    assert columns["likes_brand"][0] == pytest.approx(share, rel=1e-5)


def test_views_count_back_from_the_newest(index: Index) -> None:
    """Cola was viewed last, soap before it, tea not at all."""
    assert rows(index, "cola", "soap", "tea")["viewed_ago"].tolist() == [1, 2, 0]


def test_the_situation_is_the_same_in_every_row(index: Index) -> None:
    """Orders, products known, days since the last order, and days between orders: 40 days over four gaps."""
    columns = rows(index, "cake", "tea")
    assert columns["orders"].tolist() == [5, 5]
    assert columns["products_known"].tolist() == [2, 2]
    assert columns["days_since_order"].tolist() == [20, 20]
    assert columns["order_gap_days"].tolist() == [10, 10]


def test_a_stranger_has_no_days(index: Index) -> None:
    """Without orders there are no days since one and none between two."""
    columns = rows(index, "cake", profile=None)
    assert columns["days_since_order"][0] == columns["order_gap_days"][0] == -1
    assert columns["taste"][0] == 0


@pytest.mark.parametrize("slot", RANKED_SLOTS)
@pytest.mark.parametrize("profile", [None, PROFILE])
def test_every_slot_is_finite_and_can_be_empty(index: Index, slot: str, profile: Profile | None) -> None:
    """Whatever is or is not known, every value is a finite number; no candidates make no rows."""
    for anchors, recent in (([], []), (["tea"], []), (["odd", "soap"], ["odd"]), (["green"], ["cake", "tea"])):
        context = Context(index.positions(anchors), index.positions(recent), History.of(index, profile), TODAY)
        matrix = build(index, slot, context, candidates(index, slot, context))
        assert np.isfinite(matrix).all()
        assert matrix.shape[1] == len(FEATURE_NAMES)


def test_an_unknown_slot_is_an_error(index: Index) -> None:
    """Only shelves with candidates have features."""
    with pytest.raises(KeyError):
        rows(index, "tea", slot="recently_viewed")
