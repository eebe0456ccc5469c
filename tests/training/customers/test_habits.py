"""Counted facts: each by hand, none where the shop's data cannot tell, none from restricted categories."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.training.customers.handmade import FIRST, bought, shop
from training.customers.habits import habits

PEERS: tuple[dict[str, object], ...] = tuple(
    {"id": f"tea{n}", "title": f"Tea {n}", "price": n, "category": "Drinks > Tea > Green"} for n in range(1, 6)
)


def told(
    where: Path, rows: list[dict[str, object]], end: int = 400, restricted: Collection[str] = (), **options: Any
) -> dict[str, dict[str, Any]]:
    """The facts by customer, as of the shop's day `end`."""
    table = habits(shop(where, rows, **options), FIRST + end, restricted=restricted)
    return {row.pop("shopper").removeprefix("c:"): row for row in table.to_pylist()}


def test_discount_affinity_is_the_share_of_spend_at_a_reduction(tmp_path: Path) -> None:
    """Relative to the shop's share; with little spend near 1, with much near the customer's own."""
    rows = [bought("ada", day, price="10", discount="1") for day in range(100, 300)]
    rows += [bought("bob", day, price="10") for day in range(100, 300)]
    rows += [bought("cy", 100, price="10", discount="0")]
    facts = told(tmp_path, rows)
    share, prior = 2_000 / 4_010, 5 * 10
    assert facts["ada"]["discount_affinity"] == pytest.approx((2_000 + prior * share) / (2_000 + prior) / share)
    assert facts["bob"]["discount_affinity"] == pytest.approx(prior * share / (2_000 + prior) / share)
    assert facts["cy"]["discount_affinity"] == pytest.approx(prior / (10 + prior))
    assert facts["ada"]["discount_affinity"] > 1.9 > facts["cy"]["discount_affinity"] > 0.8


def test_a_shop_without_reductions_tells_no_affinity(tmp_path: Path) -> None:
    """No column at all, rather than ones."""
    assert "discount_affinity" not in told(tmp_path, [bought("ada", 100)])["ada"]


def test_price_sensitivity_is_the_place_in_the_categorys_range(tmp_path: Path) -> None:
    """By shelf price, so a reduction makes nobody a buyer of cheap goods; ends of the range lie apart."""
    rows = [bought("low", day, "tea1", price="1") for day in range(100, 200)]
    rows += [bought("high", day, "tea5", price="1", discount="4") for day in range(100, 200)]
    rows += [bought("mid", 100 + n, f"tea{n}", price=str(n)) for n in (2, 3, 4)]
    rows += [bought("other", 100, "milk", price="2")]
    facts = told(tmp_path, rows, products=(*PEERS, {"id": "milk", "title": "Milk", "price": 2, "category": "Dairy"}))
    assert facts["low"]["price_sensitivity"] == pytest.approx(1 - (100 * 50 / 203 + 5) / 110)
    assert facts["high"]["price_sensitivity"] == pytest.approx(1 - (100 * (203 - 50) / 203 + 5) / 110)
    assert facts["mid"]["price_sensitivity"] == pytest.approx(0.5, abs=0.01)
    assert facts["other"]["price_sensitivity"] is None, "one product has no cheap end"


def test_products_of_one_price_share_one_place(tmp_path: Path) -> None:
    """The order of their ids says nothing about anybody's thrift."""
    rows = [bought(f"k{n}", day, f"tea{n}", price="2") for n in range(1, 6) for day in (100, 120)]
    assert {row["price_sensitivity"] for row in told(tmp_path, rows, products=PEERS).values()} == {0.5}


def test_the_preferred_category_is_the_one_in_excess(tmp_path: Path) -> None:
    """Not the largest, which is everybody's; bought on three days at least; none for who buys like the shop."""
    rows = [bought(who, day, "milk", price="10") for who in ("ada", "bob") for day in range(100, 110)]
    rows += [bought("ada", day, "wine", price="10") for day in range(110, 114)]
    rows += [bought("bob", day, "cheese", price="50") for day in range(110, 112)]
    facts = told(tmp_path, rows)
    assert facts["ada"]["preferred_category"] == "Drinks > Wine"
    assert facts["bob"]["preferred_category"] is None, "two days of cheese are no habit, and milk is in excess of none"


def test_restricted_categories_count_for_nothing(tmp_path: Path) -> None:
    """By a level, a path, in any case; neither as a preference nor in any other fact."""
    rows = [bought("ada", day, "pills", price="9") for day in range(100, 110)]
    rows += [bought("ada", day, "wine", price="9") for day in range(110, 114)]
    rows += [bought("bob", day, "milk", price="9") for day in range(100, 120)]
    rows += [bought("cy", day, "pills", price="9", discount="1") for day in range(100, 104)]
    open_ = told(tmp_path / "open", rows)
    assert open_["ada"]["preferred_category"] == "Health > Medicine"
    for entry in ("medicine", "Health > Medicine", " HEALTH "):
        facts = told(tmp_path / entry.strip(), rows, restricted=["", entry])
        assert facts["ada"]["preferred_category"] == "Drinks > Wine"
        assert "cy" not in facts
        assert "discount_affinity" not in facts["ada"]


def test_the_return_rate_is_units_back_per_unit_bought(tmp_path: Path) -> None:
    """At most one, from five units on; a shop that records no returns has no rate."""
    rows = [bought("ada", 100 + n, quantity="4") for n in range(5)] + [bought("bob", 100, quantity="4")]
    rows += [bought("cy", 100, quantity="5"), bought("di", 100, quantity="8")]
    assert "return_rate" not in told(tmp_path / "none", rows)["ada"]
    rows += [bought("ada", 130, type="return", event_id="r1", quantity="5")]
    rows += [bought("cy", 130, type="return", event_id="r2", quantity="9")]
    rates = {who: facts["return_rate"] for who, facts in told(tmp_path / "some", rows).items()}
    assert rates == {"ada": 0.25, "bob": None, "cy": 1.0, "di": 0.0}


def test_only_a_year_and_only_with_consent(tmp_path: Path) -> None:
    """What is older, later, or not meant for personalization is not looked at."""
    rows = [bought("old", 34), bought("late", 400), bought("no", 200, consent="analytics")]
    rows += [bought("yes", 35, consent="personalization"), bought("v", 200, customer_id="", visitor_id="v")]
    assert set(told(tmp_path, rows)) == {"yes"}
