"""What can be said of a product before anybody bought it: the words of its title, and the family it belongs to.

In: products as the catalogue has them. Out: rows of hashed words to compare titles by, and `family`, the key that sizes
and varieties of one product share. Nothing here knows a shop, a language's grammar or a data set.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from edge.core.index import Floats
from edge.core.products import Product

WIDTH = 256  # places that words are hashed to; a category has far fewer words that matter

_WORD = re.compile(r"[^\W_]+(?:['’.][^\W_]+)*")
_DIGIT = re.compile(r"\d")
# Words that tell how much of a product is in the pack, or that it is one of several, but not what it is.
_OF_SIZE = """
    oz fl lb lbs g gr kg mg ml cl dl l lt ltr litre litres liter liters gal gallon pt pint qt quart cm mm m in inch ft
    ct count pk pack packs pc pcs piece pieces x each ea single twin double triple multipack case box bag roll rolls
    size small medium large xs s xl xxl xxxl mini jumbo king family value variety varieties
"""
_SIZES = frozenset(_OF_SIZE.split())


def words(title: str) -> tuple[str, ...]:
    """The words of a title, lower case, in order; numbers count as words."""
    return tuple(word.group().lower() for word in _WORD.finditer(title))


def family(product: Product) -> str:
    """The key of all products that differ from this one in size, count or variety number only.

    Same category, same brand, and the same title without numbers and words of size. A title of nothing else keeps them.
    """
    spoken = words(product.title)
    name = [word for word in spoken if not _DIGIT.search(word) and word not in _SIZES] or spoken
    return "\0".join((product.category, product.brand, " ".join(name)))


def word_rows(titles: Sequence[str]) -> Floats:
    """Unit rows [len(titles), WIDTH]: hashed words, those weighing more that few of these titles hold.

    The dot product of two rows is the likeness of two titles, 0..1. The same in every process: crc32, not `hash`.
    """
    rows = np.zeros((len(titles), WIDTH), np.float32)
    for row, title in enumerate(titles):
        rows[row, [zlib.crc32(word.encode(errors="surrogatepass")) % WIDTH for word in words(title)]] = 1
    rarity = np.log((1 + len(titles)) / (1 + rows.sum(axis=0))) + 0.1  # a word all share still says a little
    rows *= rarity.astype(np.float32)
    return np.asarray(rows / np.maximum(np.sqrt((rows**2).sum(axis=1, keepdims=True)), 1e-9), np.float32)
