"""Similar products: what might be bought in place of the page's product.

In: a page's product and others. Out: which keep the promise; `edge.core.compiled.similar` finds them. The promise
(docs/shelves.md): the same narrow category and a price within PRICE_BAND of the page's; only where fewer than ENOUGH
such products are known do others follow them, first of the next wider category in the band, then of the narrow one
outside it.
"""

import numpy as np
from numpy.typing import NDArray

from edge.core.index import LEVELS, SEPARATOR, Floats
from edge.core.products import Product

PRICE_BAND = 2.0  # at most twice, at least half; a price not known counts as within
ENOUGH = 16  # products: a shelf of eight, and as many for what is sold out or of one family

_Mask = NDArray[np.bool_]


def is_similar(page: Product, product: Product) -> bool:
    """Whether a product keeps the promise to another one's page, by their cards: for those the index does not know."""
    same = page.category.split(SEPARATOR)[:LEVELS] == product.category.split(SEPARATOR)[:LEVELS]
    return same and bool(within_band(page.price, np.array([product.price], np.float32))[0])


def within_band(price: float, prices: Floats) -> _Mask:
    """Which of these prices are within the band around one; a price not known, 0, is within every band."""
    unknown = (prices <= 0) | (price <= 0)
    return np.asarray(unknown | ((prices <= price * PRICE_BAND) & (prices * PRICE_BAND >= price)))
