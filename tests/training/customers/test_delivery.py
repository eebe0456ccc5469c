"""Sensitivity to delivery: customers who stay away after late parcels score above those who do not mind."""

from pathlib import Path
from typing import Any

import pytest

from tests.training.customers.handmade import FIRST, bought, shop
from training.customers.habits import habits

_WEEK, _QUIET = 7, 40


def parcels(customer: str, minds: bool, strain: dict[str, object], orders: int = 12) -> list[dict[str, object]]:
    """Weekly orders, every third of them strained; who minds stays away for long after each of those."""
    rows, day = [], 20
    for number in range(orders):
        strained = number % 3 == 2
        kind = strain if strained else {"promised_days": "2", "delivery_days": "2", "delivery_cost": "0"}
        rows.append(bought(customer, day, price="20") | kind)
        day += _QUIET if strained and minds else _WEEK
    return rows


def scores(where: Path, rows: list[dict[str, object]], end: int = 360) -> dict[str, Any]:
    """The score by customer; nothing where the shop has none."""
    table = habits(shop(where, rows), FIRST + end)
    if "delivery_sensitivity_score" not in table.column_names:
        return {}
    return {row["shopper"].removeprefix("c:"): row["delivery_sensitivity_score"] for row in table.to_pylist()}


LATE: dict[str, object] = {"promised_days": "2", "delivery_days": "5", "delivery_cost": "0"}
DEAR: dict[str, object] = {"promised_days": "2", "delivery_days": "2", "delivery_cost": "9"}


@pytest.mark.parametrize("strain", [LATE, DEAR], ids=["late", "dear"])
def test_who_stays_away_after_a_bad_delivery_scores_higher(tmp_path: Path, strain: dict[str, object]) -> None:
    """Late ones and dear ones alike; between -1 and 1."""
    rows = [row for n in range(12) for row in parcels(f"minds{n}", True, strain)]
    rows += [row for n in range(12) for row in parcels(f"calm{n}", False, strain)]
    if strain is DEAR:  # what is dear is told from what the shop's parcels usually cost
        rows = [row | ({"delivery_cost": "1"} if row["delivery_cost"] == "0" else {}) for row in rows]
    found = scores(tmp_path, rows)
    minds, calm = ([found[f"{name}{n}"] for n in range(12)] for name in ("minds", "calm"))
    assert min(minds) > max(calm) + 0.2
    assert all(-1 <= score <= 1 for score in found.values())


def test_customers_who_were_sent_nothing_have_no_score(tmp_path: Path) -> None:
    """Shopping in the store says nothing about parcels."""
    rows = [row for n in range(12) for row in parcels(f"p{n}", n % 2 == 0, LATE)]
    rows += [bought("store", day) for day in range(0, 300, 7)]
    found = scores(tmp_path, rows)
    assert found["store"] is None
    assert found["p0"] is not None


def test_a_shop_that_sends_nothing_has_no_score(tmp_path: Path) -> None:
    """Nor one that sent too few strained parcels to compare, or whose customers never came back."""
    assert scores(tmp_path / "none", [bought("ada", day) for day in range(0, 300, 7)]) == {}
    assert scores(tmp_path / "few", parcels("ada", True, LATE)) == {}
    assert scores(tmp_path / "once", [bought(f"k{n}", 10) | LATE for n in range(50)]) == {}


def test_orders_that_may_still_be_followed_do_not_count(tmp_path: Path) -> None:
    """The last parcels before the end of the data are no sign of staying away."""
    rows = [row for n in range(20) for row in parcels(f"p{n}", False, LATE, orders=10)]
    last = 20 + 9 * _WEEK
    assert scores(tmp_path, rows, end=last + 2) == pytest.approx(scores(tmp_path / "again", rows, end=last + 10))
