"""Similar products: what might be bought in place of the page's product.

In: index and context. Out: chunks as `sources` gives them. The promise (docs/shelves.md): the same narrow category and
a price within PRICE_BAND of the page's; only where fewer than ENOUGH such products are known do others follow them,
first of the next wider category in the band, then of the narrow one outside it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.context import Context
from edge.core.index import LEVELS, SEPARATOR, Floats, Index, Ints
from edge.core.products import Product
from edge.core.sources import ALIKE, Chunk

PRICE_BAND = 2.0  # at most twice, at least half; a price not known counts as within
ENOUGH = 16  # products: a shelf of eight, and as many for what is sold out or of one family

_Mask = NDArray[np.bool_]


def alike(index: Index, context: Context) -> list[Chunk]:
    """Products like the last anchor, those that keep the promise before those that fill the shelf up."""
    if not len(context.anchors) or index.category_of[context.anchors[-1]].max() < 0:
        return []
    anchor = int(context.anchors[-1])
    codes = [code for code in index.category_of[anchor].tolist() if code >= 0]
    items = _of(index, codes[-1])
    keeps = in_band(index, anchor, items)
    found = int(keeps.sum())
    if found > ENOUGH:  # the anchor itself is one of them
        items = items[keeps]
        return [(ALIKE, items, 2 + _likeness(index, anchor, items) / 10)]
    chunks, tiers = [items], [2.0 * keeps]
    for level in range(len(codes) - 2, -1, -1):
        wider = _of(index, codes[level])
        wider = wider[in_band(index, anchor, wider) & (index.category_of[wider, level + 1] != codes[level + 1])]
        chunks.append(wider)
        tiers.append(np.ones(len(wider)))
        found += len(wider)
        if found > ENOUGH:
            break
    items = np.concatenate(chunks)
    return [(ALIKE, items, np.concatenate(tiers) + _likeness(index, anchor, items) / 10)]


def in_band(index: Index, anchor: int, items: Ints) -> _Mask:
    """Which of these products cost about what the anchor costs."""
    return within_band(float(index.price[anchor]), index.price[items])


def is_similar(page: Product, product: Product) -> bool:
    """Whether a product keeps the promise to another one's page, by their cards: for those the index does not know."""
    same = page.category.split(SEPARATOR)[:LEVELS] == product.category.split(SEPARATOR)[:LEVELS]
    return same and bool(within_band(page.price, np.array([product.price], np.float32))[0])


def within_band(price: float, prices: Floats) -> _Mask:
    """Which of these prices are within the band around one; a price not known, 0, is within every band."""
    unknown = (prices <= 0) | (price <= 0)
    return np.asarray(unknown | ((prices <= price * PRICE_BAND) & (prices * PRICE_BAND >= price)))


def _of(index: Index, code: int) -> Ints:
    return index.category_items[index.category_ptr[code] : index.category_ptr[code + 1]]


def _likeness(index: Index, anchor: int, items: Ints) -> NDArray[Any]:
    """Near in price, of the same brand, bought in the same company, sold lately; well below 10."""
    price, prices = float(index.price[anchor]), index.price[items]
    known = (price > 0) & (prices > 0)
    near = np.where(known, np.exp(-np.abs(np.log(np.where(known, prices, 1) / (price or 1)))), 0.5)
    brand = (index.brand_of[items] == index.brand_of[anchor]) & (index.brand_of[anchor] >= 0)
    company = index.vectors[items].astype(np.float32) @ index.vectors[anchor].astype(np.float32)
    return np.asarray(near + 0.3 * brand + np.maximum(company, 0) + 0.1 * np.log1p(index.sold_recently[items]))
