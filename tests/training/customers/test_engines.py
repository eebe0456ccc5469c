"""What is known of customers is the same on DuckDB and on Spark."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.customers.handmade import bought, shop
from tests.training.customers.test_delivery import LATE, parcels
from training import engine as engines
from training import spark
from training.customers.habits import habits
from training.customers.table import collect, outcomes, seen
from training.dataset import open_dataset


def known(name: Any, directory: Path) -> tuple[Any, ...]:
    """Features, outcomes and habits of a data set, as an engine gives them."""
    with engines.opened(name) as engine:
        data = open_dataset(directory, engine)
        history = collect(data)
        before = seen(history, history.end - 30, 90)
        return before.shoppers, before.columns, outcomes(history, before, 30), habits(data, history.end).to_pylist()


@pytest.mark.skipif(spark.missing() is not None, reason=f"Spark cannot start here: {spark.missing()}")
def test_both_engines_know_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers, features, outcomes and every counted fact; up to the last digits of sums and spreads."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")  # it lives for seconds
    sent = [row for n in range(24) for row in parcels(f"p{n}", n % 2 == 0, LATE)]
    sent += [bought(f"p{n}", 200 + n, "wine", price="8", discount="1", quantity="3") for n in range(24)]
    sent += [bought("p1", 60, type="return", event_id="back")]
    directory = shop(tmp_path, sent).directory
    (names, columns, later, told), other = known("duckdb", directory), known("spark", directory)
    assert names == other[0]
    for name, column in columns.items():
        assert np.allclose(column, other[1][name], rtol=1e-12, atol=1e-9), name
    assert all(np.allclose(mine, theirs) for mine, theirs in zip(later, other[2], strict=True))
    assert set(told[0]) == {
        "shopper", "discount_affinity", "preferred_category", "price_sensitivity", "return_rate",
        "delivery_sensitivity_score",
    }  # fmt: skip
    assert [rounded(row) for row in told] == [rounded(row) for row in other[3]]


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Without the last digits of numbers."""
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}
