"""What is known of customers is the same on DuckDB and on Spark."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.customers.handmade import bought, lively, shop
from tests.training.customers.test_delivery import LATE, parcels
from training import engine as engines
from training import spark
from training.customers.habits import habits
from training.customers.table import collect, outcomes, seen
from training.dataset import open_dataset


def known(name: Any, directories: list[Path]) -> list[Any]:
    """Features, outcomes and habits of these data sets, as an engine gives them."""
    found = []
    with engines.opened(name) as engine:
        for directory in directories:
            data = open_dataset(directory, engine)
            history = collect(data)
            before = seen(history, history.end - 30, 90)
            table = habits(data, history.end, restricted=["Medicine"]).to_pylist()
            found.append((before.shoppers, before.columns, outcomes(history, before, 30), table))
    return found


@pytest.mark.skipif(spark.missing() is not None, reason=f"Spark cannot start here: {spark.missing()}")
def test_both_engines_know_the_same(tmp_path: Path) -> None:
    """Customers, features, outcomes and habits; up to the last digits of sums and spreads."""
    sent = [row for n in range(24) for row in parcels(f"p{n}", n % 2 == 0, LATE)]
    sent += [bought("p1", 60, type="return", event_id="back")]
    directories = [lively(tmp_path / "lively").directory, shop(tmp_path / "sent", sent).directory]
    for one, other in zip(known("duckdb", directories), known("spark", directories), strict=True):
        assert one[0] == other[0]
        for name, column in one[1].items():
            assert np.allclose(column, other[1][name], rtol=1e-12, atol=1e-9), name
        assert (one[2][0] == other[2][0]).all()
        assert np.allclose(one[2][1], other[2][1])
        for row, again in zip(one[3], other[3], strict=True):
            assert row == pytest.approx(again, rel=1e-9)
