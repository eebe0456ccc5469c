"""The generated shop: a data set like any other, of the size asked for, skewed as shops are."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.dataset import Dataset, open_dataset
from training.scale import shop
from training.scale.goods import Goods
from training.scale.shop import generate

EVENTS = 30_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Thirty thousand events."""
    return open_dataset(generate(tmp_path_factory.mktemp("scale") / "dataset", EVENTS))


@pytest.fixture(scope="module")
def lines(made: Dataset) -> pa.Table:
    """Its rows."""
    return pq.read_table(made.directory / "lines.parquet")


def test_there_are_about_as_many_events_as_asked_for(made: Dataset) -> None:
    """Within a tenth; shoppers in proportion, products with the root."""
    assert made.summary.events == pytest.approx(EVENTS, rel=0.1)
    assert made.summary.shoppers == pytest.approx(EVENTS / 38, rel=0.01)
    assert made.summary.products == int(20 * EVENTS**0.5)


def test_the_summary_counts_what_is_there(made: Dataset, lines: pa.Table) -> None:
    """Events, lines, shoppers, visits, consents."""
    assert made.summary.lines == lines.num_rows
    assert made.summary.events == len(lines["event_id"].unique())
    assert made.summary.shoppers == len(lines["shopper"].unique())
    assert made.summary.sessions == len(lines["session_id"].unique())
    assert made.summary.lines_by_consent["analytics"] == sum(lines["analytics"].to_pylist()) < lines.num_rows


def test_rows_lie_as_a_prepared_data_set_s_do(lines: pa.Table) -> None:
    """By shopper, time, event and line: replay depends on it."""
    rows = list(zip(*(lines[name].to_pylist() for name in ("shopper", "time", "event_id", "line")), strict=True))
    assert rows == sorted(rows)


def test_an_event_is_of_one_shopper_type_and_time(lines: pa.Table) -> None:
    """Its rows differ in the product only."""
    shared = set(zip(*(lines[name].to_pylist() for name in ("event_id", "shopper", "type", "time")), strict=True))
    assert len(shared) == len(lines["event_id"].unique())


def test_every_event_can_be_replayed(made: Dataset) -> None:
    """The rows are events that the profile's code takes, in order, within the year."""
    shoppers = list(made.replay(purpose=None))
    events = [event for _, _, history in shoppers for event in history]
    assert len(events) == made.summary.events
    assert made.summary.first <= min(event.time for event in events)
    assert max(event.time for event in events) <= made.summary.last == datetime(2026, 10, 31, tzinfo=UTC)
    assert {event.type for event in events} == set(shop._TYPES)


def test_a_few_products_sell_most(lines: pa.Table) -> None:
    """The best tenth of the products sold makes a good part of the sales, and nearly every product is seen."""
    bought = Counter(lines.filter(pa.compute.equal(lines["type"], "purchase-complete"))["product_id"].to_pylist())
    counts = np.sort(np.array(list(bought.values())))[::-1]
    assert counts[: len(counts) // 10].sum() > 0.3 * counts.sum()


def test_shoppers_come_back_for_their_staples(lines: pa.Table) -> None:
    """A fair part of what is bought was bought before by the same shopper, far more than chance would give."""
    bought = lines.filter(pa.compute.equal(lines["type"], "purchase-complete"))
    pairs = list(zip(bought["shopper"].to_pylist(), bought["product_id"].to_pylist(), strict=True))
    assert len(set(pairs)) < 0.85 * len(pairs)


def test_a_few_shoppers_come_often(lines: pa.Table) -> None:
    """Half of them have fewer visits than the mean."""
    visits = Counter(session_shopper[0] for session_shopper in set(zip(
        lines["shopper"].to_pylist(), lines["session_id"].to_pylist(), strict=True)))  # fmt: skip
    counts = np.array(list(visits.values()))
    assert np.median(counts) < counts.mean() < counts.max() / 3


def test_the_same_arguments_give_the_same_rows(made: Dataset, lines: pa.Table, tmp_path: Path) -> None:
    """Another seed gives others."""
    again = generate(tmp_path / "again", EVENTS)
    assert pq.read_table(again / "lines.parquet").equals(lines)
    other = generate(tmp_path / "other", EVENTS, seed=8)
    assert not pq.read_table(other / "lines.parquet").equals(lines)


def test_blocks_follow_one_another(lines: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written in blocks of few shoppers, numbers still go on from one to the next, and the progress is told."""
    monkeypatch.setattr(shop, "_BLOCK_SHOPPERS", 100)
    told: list[int] = []
    parts = open_dataset(generate(tmp_path / "blocks", EVENTS, progress=told.append))
    rows = pq.read_table(parts.directory / "lines.parquet")
    assert rows["line"].to_pylist() == list(range(1, rows.num_rows + 1))
    assert len(rows["event_id"].unique()) == parts.summary.events
    assert told == [*range(100, parts.summary.shoppers, 100), parts.summary.shoppers]


def test_products_are_drawn_from_the_category_asked_for() -> None:
    """By a Zipf law: the best known of a category twice as often as the second."""
    random = np.random.default_rng(1)
    goods = Goods.stock(400, random)
    category = int(np.bincount(goods.category).argmax())
    drawn = goods.draw(np.full(200_000, category), random)
    assert set(goods.category[drawn]) == {category}
    counts = np.sort(np.bincount(drawn, minlength=400))[::-1]
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.1)


def test_every_category_ends_where_the_next_begins() -> None:
    """The shares of a category add up to one."""
    goods = Goods.stock(500, np.random.default_rng(2))
    last = np.flatnonzero(np.diff(goods.category[goods.member], append=-1))
    np.testing.assert_allclose(goods.ends[last], goods.category[goods.member][last] + 1)
    assert sorted(goods.member) == list(range(500))
