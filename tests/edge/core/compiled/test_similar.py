"""Similar products against a plain Python version, over shops drawn at random."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.compiled.similar import alike
from edge.core.index import Index
from edge.core.similar import PRICE_BAND, within_band
from edge.core.sources import ALIKE, SOURCES
from tests.edge.core.shops import random_shop, row_of

SHOPS = [random_shop(np.random.default_rng([4, seed]), items) for seed, items in enumerate((30, 120, 400))]


def likeness(index: Index, anchor: int, item: int) -> float:
    """Near in price, of the same brand, bought in the same company, sold lately."""
    prices = sorted((float(index.price[anchor]), float(index.price[item])))
    near = prices[0] / prices[1] if prices[0] > 0 else 0.5
    same = float(index.brand_of[item] >= 0 and index.brand_of[item] == index.brand_of[anchor])
    company = float(index.vectors[item].astype(np.float32) @ index.vectors[anchor].astype(np.float32))
    return near + 0.3 * same + max(company, 0) + 0.1 * float(np.log1p(index.sold_recently[item]))


def plain(index: Index, anchors: list[int], enough: int) -> dict[int, float]:
    """Product -> what it is worth beside the last of the anchors."""
    anchor = anchors[-1]
    codes = [int(code) for code in index.category_of[anchor]]
    known = [level for level in range(3) if codes[level] >= 0]
    if not known:
        return {}
    narrow = row_of(index.category_ptr, index.category_items, codes[known[-1]])
    within = set(narrow[within_band(float(index.price[anchor]), index.price[narrow])].tolist())
    if len(within) > enough:
        return {item: 2 + likeness(index, anchor, item) / 10 for item in within if item not in anchors}
    worth = {item: 2 * (item in within) + likeness(index, anchor, item) / 10 for item in narrow.tolist()}
    kept = len(within)
    for level in reversed(known[:-1]):
        if kept > enough:
            break
        wider = row_of(index.category_ptr, index.category_items, codes[level])
        wider = wider[
            within_band(float(index.price[anchor]), index.price[wider])
            & (index.category_of[wider, level + 1] != codes[level + 1])
        ]
        worth |= {item: 1 + likeness(index, anchor, item) / 10 for item in wider.tolist()}
        kept += len(wider)
    return {item: value for item, value in worth.items() if item not in anchors}


@given(
    st.sampled_from(SHOPS), st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([0, 3, 16]), st.integers(0, 450)
)
@settings(max_examples=200, deadline=None)
def test_what_is_alike_is_that_of_the_plain_version(index: Index, seed: int, a: int, enough: int, limit: int) -> None:
    """The same products and worth, best first, cut at the limit; nothing of other sources."""
    anchors = np.random.default_rng(seed).choice(len(index.ids), a, replace=False).astype(np.int32)
    items, scores, evidence = alike(index.compiled, anchors, PRICE_BAND, enough, limit)
    expected = plain(index, anchors.tolist(), enough)
    values = evidence[:, ALIKE]
    assert len(items) == min(limit, len(expected)) == len(set(items.tolist()))
    assert values == pytest.approx([expected[item] for item in items.tolist()], rel=1e-5)
    assert values == pytest.approx(sorted(expected.values(), reverse=True)[:limit], rel=1e-5)
    assert (np.diff(values) <= 0).all()
    assert not np.delete(evidence, ALIKE, axis=1).any()
    assert evidence.shape == (len(items), len(SOURCES))
    assert (scores <= 1).all()
    if len(items):
        assert scores == pytest.approx(values * (scores[0] / values[0]))


def test_without_a_page_nothing_is_alike() -> None:
    """No anchor, no answer."""
    items, scores, evidence = alike(SHOPS[0].compiled, np.empty(0, np.int32), PRICE_BAND, 16, 10)
    assert (items.shape, scores.shape, evidence.shape) == ((0,), (0,), (0, len(SOURCES)))


@pytest.mark.parametrize("anchors", [None, np.zeros(1, np.int64), np.zeros((), np.int32), np.zeros(4, np.int32)[::2]])
def test_anchors_of_another_kind_are_refused(anchors: Any) -> None:
    """Another type, layout, or none."""
    with pytest.raises(TypeError):
        alike(SHOPS[0].compiled, anchors, PRICE_BAND, 16, 10)


def test_a_limit_below_nothing_is_refused() -> None:
    """It is the caller's mistake."""
    anchors = np.flatnonzero(SHOPS[1].category_of[:, 0] >= 0)[:1].astype(np.int32)
    with pytest.raises(ValueError, match="negative"):
        alike(SHOPS[1].compiled, anchors, PRICE_BAND, 16, -1)
