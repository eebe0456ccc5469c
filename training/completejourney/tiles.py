"""The address of a product's picture. The data have none: the demo shop draws a tile for each kind of product.

In: category path, brand, title. Out: `/tiles/<levels of the path>-<wrapping>.svg`, from the shop's root. Products of
one brand come in one colour, its varieties with labels of their own, so that a shelf of one kind is not one picture.
"""

import hashlib
import re

COLOURS, LABELS = 12, 6  # a wrapping's number is colour + COLOURS * label


def tile(category: str, brand: str, title: str) -> str:
    """Root-relative address of the tile; the same for the same words."""
    levels = [re.sub(r"[^a-z0-9]+", "-", level.lower()).strip("-") for level in category.split(" > ")]
    wrapping = _draw(brand, COLOURS) + COLOURS * _draw(title, LABELS)
    return f"/tiles/{'--'.join(level for level in levels if level) or 'more'}-{wrapping}.svg"


def _draw(text: str, among: int) -> int:
    return hashlib.blake2s(text.encode(), digest_size=4).digest()[0] % among
