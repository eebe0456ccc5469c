"""What the fault tests share: shops that can be broken, with a catalogue that marks every shopper."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.core.snapshot import write_snapshot
from tests.faults.shop import Shops, marks
from training.dataset import Dataset


@pytest.fixture
def marked(data_dir: Path, shop_dir: Dataset) -> Path:
    """The data directory, its catalogue with each shopper's own products."""
    products = [*shop_dir.catalogue(), *marks()]
    write_snapshot(data_dir / "catalogue" / "demo.cat", products, as_of=0)
    return data_dir


@pytest.fixture
def open_shop(marked: Path, tmp_path: Path) -> Iterator[Shops]:
    """`open_shop(proxied=True)`: a server, its store, and the fault proxy between them."""
    with ExitStack() as stack:
        yield Shops(stack, marked, tmp_path)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says a figure that the table of faults shows beside the outcome."""
    return lambda said: record_property("figure", said)
