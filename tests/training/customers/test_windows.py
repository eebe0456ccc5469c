"""Time splits: never a day twice, and on a year of data half a year back and a quarter ahead."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.customers.windows import LEAST_DAYS, Plan
from training.rules import DataError


def test_a_year_is_judged_from_six_months_on_the_next_three() -> None:
    """Learned in the middle of the year, judged on its last quarter, both with half a year to look back on."""
    plan = Plan.of(1_000, 1_365)
    assert (plan.window, plan.horizon, plan.test) == (182, 91, 1_274)
    assert plan.train_cuts(91, plan.test) == [1_183]
    assert plan.test_cuts(91) == [1_274]
    assert plan.test_cuts(30) == [1_274, 1_304, 1_334]
    assert plan.train_cuts(30, plan.test)[:2] == [1_244, 1_230]


def test_three_years_judge_a_whole_year() -> None:
    """No scaling is needed then; the risks are still measured on one quarter."""
    plan = Plan.of(0, 3 * 365)
    assert (plan.window, plan.horizon, plan.test) == (365, 365, 730)
    assert plan.test_cuts(365) == [730]
    assert plan.test_cuts(30) == [730, 760, 790]


@given(span=st.integers(LEAST_DAYS, 2_000), days=st.sampled_from([14, 30, 0]))
def test_outcomes_to_learn_from_end_before_the_test_begins(span: int, days: int) -> None:
    """For histories of any length; every cut has its window before and its outcome within the data."""
    plan = Plan.of(0, span)
    days = days or plan.horizon
    learned, measured = plan.train_cuts(days, plan.test), plan.test_cuts(days)
    assert learned
    assert measured
    assert max(learned) + days <= plan.test == min(measured)
    assert max(measured) + days <= plan.end
    assert min(learned) - plan.window >= plan.first
    assert all(later - earlier == days for earlier, later in pairwise(measured))


def test_a_short_history_is_refused() -> None:
    """Under four months there is nothing to hold out."""
    with pytest.raises(DataError, match="119 days of history; 120 are the least"):
        Plan.of(0, 119)
