"""What tests share: a small made-up shop, the bundle trained on it, and hand-made indexes whose answers can be checked.

Everything trained is made once per run, in seconds, from a fixed seed and fixed dates.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from edge.core.index import Index
from tests.sharing import once
from training import index as index_builder
from training import sample
from training.dataset import Dataset, open_dataset, prepare
from training.facts import PURCHASE, Facts, collect
from training.moments import Moment
from training.moments import collect as collect_moments
from training.pairs import count_meetings
from training.pipeline import Outcome, Windows, run
from training.settings import Settings

# The running edge, a Redis Cluster, the next-click bundle, the browser and the demo shop, for every package; and the
# table that a full run of the fault tests ends with.
pytest_plugins = [
    "tests.fault_table",
    "tests.serving",
    "tests.cluster",
    "tests.visits",
    "tests.web.chromium",
    "tests.web.shop",
]

ENDS = date(2026, 10, 31)


@pytest.fixture(scope="session")
def shop_dir(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The sample shop, prepared: 200 shoppers, 120 products, 20 weeks."""

    def make(root: Path) -> Path:
        return prepare(sample.generate(root / "plain", ends=ENDS), root / "prepared").directory

    return open_dataset(once(tmp_path_factory.getbasetemp(), "shop", make))


@pytest.fixture(scope="session")
def outcome(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A whole training run over the sample shop, published for shop "demo"."""

    def make(root: Path) -> Outcome:
        settings = Settings(data_dir=root, shop="demo", train_orders=600, test_orders=150)
        return run(shop_dir, settings, Console(quiet=True))

    return once(tmp_path_factory.getbasetemp(), "outcome", make)


@pytest.fixture(scope="session")
def bundle_root(outcome: Outcome) -> Path:
    """The directory with `demo/<version>/` and `demo/live.json`."""
    return outcome.directory.parent.parent


@pytest.fixture(scope="session")
def facts(shop_dir: Dataset) -> Facts:
    """The sample shop, numbered."""
    return collect(shop_dir.engine, shop_dir.lines(), shop_dir.products())


@pytest.fixture(scope="session")
def windows(facts: Facts) -> Windows:
    """Its label weeks and the weeks after them."""
    return Windows.of(facts.first_day, facts.last_day, Settings())


@pytest.fixture(scope="session")
def known(facts: Facts, windows: Windows) -> Index:
    """An index of what came before the label weeks."""
    return Index.from_arrays(index_builder.build(facts, count_meetings(facts, windows.label), windows.label))


@pytest.fixture(scope="session")
def moments(shop_dir: Dataset, windows: Windows) -> list[Moment]:
    """The moments before 150 orders of the label weeks."""
    lines = shop_dir.lines()
    orders = lines.filter((lines.type == PURCHASE) & (lines.day >= windows.label) & (lines.day < windows.test))
    ids = orders.select("event_id").distinct().order_by("event_id").to_pyarrow()["event_id"].to_pylist()
    return collect_moments(shop_dir, "demo", ids[:150], lambda _: None)


def csr(rows: Mapping[int, list[int]], count: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Row starts and values of a CSR pair with `count` rows."""
    lengths = [len(rows.get(row, [])) for row in range(count)]
    values = [value for row in range(count) for value in rows.get(row, [])]
    return np.array([0, *np.cumsum(lengths)], np.int32), np.array(values, np.int32)


@pytest.fixture
def arrays() -> dict[str, NDArray[Any]]:
    """The index arrays of a shop of eight products, small enough to work every answer out by hand.

    0 tea, 1 coffee (Drinks > Hot); 2 cola (Drinks > Cold); 3 bread, 4 cake (Bakery > Bread, Bakery > Cakes);
    5 soap (Home); 6 a product without category; 7 green tea, as dear as tea (Drinks > Hot).
    """
    paths = ["Bakery", "Drinks", "Home", "Bakery > Bread", "Bakery > Cakes", "Drinks > Cold", "Drinks > Hot"]
    ids = ["tea", "coffee", "cola", "bread", "cake", "soap", "odd", "green"]
    category_of = [[1, 6, -1], [1, 6, -1], [1, 5, -1], [0, 3, -1], [0, 4, -1], [2, -1, -1], [-1, -1, -1], [1, 6, -1]]
    in_category = {0: [3, 4], 1: [1, 0, 2, 7], 2: [5], 3: [3], 4: [4], 5: [2], 6: [1, 0, 7]}
    category_ptr, category_items = csr(in_category, 7)
    pair_ptr, pair_items = csr({0: [4, 7], 1: [4], 4: [0, 1], 7: [0]}, 8)
    kind_ptr, kind_codes = csr({3: [6, 3], 4: [6, 4], 6: [4, 3, 6]}, 7)
    session_ptr, session_items = csr({0: [0, 4], 1: [1, 3], 2: [0, 3, 4]}, 3)
    item_session_ptr, item_sessions = csr({0: [2, 0], 1: [1], 3: [2, 1], 4: [2, 0]}, 8)
    sold = np.array([40, 50, 30, 60, 20, 10, 0, 5], np.float32)
    vectors = np.zeros((8, 2), np.float16)
    vectors[[0, 1, 4, 7]] = np.array([[1, 0], [0.6, 0.8], [0, 1], [1, 0]])
    return {
        "ids": np.array([id_.encode() for id_ in ids], np.bytes_),
        "category_paths": np.array([path.encode() for path in paths], np.bytes_),
        "category_of": np.array(category_of, np.int32),
        "category_ptr": category_ptr,
        "category_items": category_items,
        "brand_of": np.array([0, 1, 1, 2, 2, -1, -1, 0], np.int32),
        "price": np.array([4, 8, 2, 3, 6, 1, 0, 4], np.float32),
        "sold": sold,
        "sold_recently": sold / 10,
        "trend": np.array([0, 0.5, -0.5, 0, 1, 0, 0, 0], np.float32),
        "repeat_rate": np.full(8, 0.25, np.float32),
        "gap_days": np.array([10, 14, 0, 7, 0, 0, 0, 0], np.float32),
        "vectors": vectors,
        "tastes": vectors,
        "popular": np.array([3, 1, 0, 2, 4, 5, 7], np.int32),
        "trending": np.array([4, 1], np.int32),
        "pair_ptr": pair_ptr,
        "pair_items": pair_items,
        "pair_score": np.array([0.5, 0.2, 0.3, 0.5, 0.3, 0.2], np.float32),
        "pair_lift": np.array([1.0, 0.7, 0.4, 1.0, 0.4, 0.7], np.float32),
        "kind_ptr": kind_ptr,
        "kind_codes": kind_codes,
        "kind_lift": np.array([0.2, 1, 0.8, 1, 0.8, 0.2, 1], np.float32),
        "session_ptr": session_ptr,
        "session_items": session_items,
        "item_session_ptr": item_session_ptr,
        "item_sessions": item_sessions,
        "as_of": np.array([20_000], np.float32),
        "orders": np.array([100], np.float32),
    }


@pytest.fixture
def index(arrays: dict[str, NDArray[Any]]) -> Index:
    """The eight products, ready to be asked."""
    return Index.from_arrays(arrays)
