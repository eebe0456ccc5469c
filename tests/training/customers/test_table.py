"""What is known of customers at a cut: only what came before it, only with consent, worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.customers.handmade import FIRST, bought, lively, shop
from training.customers.features import FEATURE_NAMES, Purchasing, matrix
from training.customers.table import collect, outcomes, seen
from training.dataset import Dataset
from training.rules import DataError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Ada buys on days 0, 10, 40 and 60, Bob on day 45 only; Cy did not consent; Di is a visitor."""
    rows = [
        bought("ada", 0, price="3", quantity="2"),
        bought("ada", 10, event_id="one", price="4"),
        bought("ada", 10, "wine", event_id="one", price="8", discount="1"),
        bought("ada", 10, event_id="two", price="1"),
        bought("ada", 12, type="detail-page-view", event_id="look"),
        bought("ada", 13, type="add-to-cart", event_id="cart"),
        bought("ada", 40, "cheese"),
        bought("ada", 41, "cheese", type="return", event_id="back"),
        bought("ada", 60, price="6"),
        bought("bob", 45, price="7"),
        bought("cy", 5, consent="personalization"),
        bought("di", 5, customer_id="", visitor_id="di"),
    ]
    return shop(tmp_path_factory.mktemp("small"), rows)


def test_a_customer_is_summed_up_from_the_window_before_the_cut(small: Dataset) -> None:
    """Days, spend (the product's price where none is given), reductions, kinds, returns; orders of a day are one."""
    history = collect(small)
    assert (history.first, history.end) == (FIRST, FIRST + 61)
    known = seen(history, FIRST + 50, 50)
    assert known.shoppers == ["c:ada", "c:bob"]
    ada = {name: values[0] for name, values in known.columns.items()}
    assert ada == {
        "first": FIRST, "last": FIRST + 40, "days": 3, "days_30": 1, "days_90": 3, "spend": 24, "spend_30": 5,
        "spend_90": 24, "units": 6, "reduced": 8, "kinds": 4, "gap_spread": 10, "returned": 1, "views_30": 0,
        "carts_30": 0,
    }  # fmt: skip
    counts = known.counts()
    assert (counts.repeats[0], counts.last[0], counts.observed[0]) == (2, 40, 50)


def test_looks_count_for_thirty_days(small: Dataset) -> None:
    """Views and carts say what a customer has in mind now."""
    known = seen(collect(small), FIRST + 41, 50)
    assert (known.columns["views_30"][0], known.columns["carts_30"][0]) == (1, 1)


def test_outcomes_are_what_came_from_the_cut_on(small: Dataset) -> None:
    """The cut's own day belongs to the outcome, the day after the horizon does not."""
    history = collect(small)
    known = seen(history, FIRST + 41, 41)
    for days, came in ((19, 0.0), (20, 6.0)):
        happened, spent = outcomes(history, known, days)
        assert (known.shoppers, happened.tolist(), spent.tolist()) == (["c:ada"], [came > 0], [came])
    happened, spent = outcomes(history, seen(history, FIRST + 40, 40), 1)
    assert spent.tolist() == [5.0]


def test_nothing_after_the_cut_changes_a_feature(tmp_path: Path) -> None:
    """The same customers with a different future look the same."""
    rows = [bought(f"k{n}", day) for n in range(12) for day in range(n % 3, 60, 3 + n)]
    cut = FIRST + 40
    before = [row for row in rows if int(str(row["event_id"]).split("-")[1]) < 40]
    known = [seen(collect(shop(tmp_path / f"{len(some)}", some)), cut, 40) for some in (rows, before)]
    one, other = (matrix(each, Purchasing.fit(each), 14) for each in known)
    assert len(before) < len(rows)
    assert np.array_equal(one, other)


def test_features_are_finite_numbers_in_the_order_of_their_names(tmp_path: Path) -> None:
    """For customers with one purchase, too; chances lie between 0 and 1."""
    history = collect(lively(tmp_path))
    known = seen(history, history.end, 100)
    features = matrix(known, Purchasing.fit(known), 30)
    assert features.shape == (len(known.shoppers), len(FEATURE_NAMES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    column = dict(zip(FEATURE_NAMES, features.T, strict=True))
    for name in ("alive", "trend_30", "trend_90", "discount_share"):
        assert ((column[name] >= 0) & (column[name] <= 1 + 1e-6)).all(), name
    once = known.columns["days"] == 1
    assert once.any()
    assert (column["gap_mean_days"][once] == 100).all()
    assert (column["frequency"] == known.columns["days"]).all()


def test_consent_decides_for_each_purpose(small: Dataset) -> None:
    """What was allowed for personalization only is seen when it serves personalization, and never in training."""
    assert seen(collect(small, "personalization"), FIRST + 50, 50).shoppers == ["c:ada", "c:bob", "c:cy"]


def test_a_shop_without_customers_purchases_is_refused(tmp_path: Path) -> None:
    """Visitors and views are nothing to describe customers by."""
    rows = [bought("x", 1, customer_id="", visitor_id="v"), bought("ada", 2, type="detail-page-view", event_id="e")]
    with pytest.raises(DataError, match="no customer's purchase may be used"):
        collect(shop(tmp_path, rows))
