"""The address of a product's picture. The data have none: the demo shop draws a tile for each kind of product.

In: category path and brand. Out: `/tiles/<levels of the path>-<wrapping>.svg`, from the shop's root. Products of one
brand come in one wrapping, so that a shelf of one kind is not one picture many times.
"""

import hashlib
import re

WRAPPINGS = 12


def tile(category: str, brand: str) -> str:
    """Root-relative address of the tile; the same for the same category and brand."""
    levels = [re.sub(r"[^a-z0-9]+", "-", level.lower()).strip("-") for level in category.split(" > ")]
    wrapping = hashlib.blake2s(brand.encode(), digest_size=4).digest()[0] % WRAPPINGS
    return f"/tiles/{'--'.join(level for level in levels if level) or 'more'}-{wrapping}.svg"
