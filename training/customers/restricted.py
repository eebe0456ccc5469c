"""Restricted categories: products that no fact about a customer may stand on.

In: a data set's products and the shop's list, such as `Medicine` or `Drinks > Spirits`. Out: the products that remain.
"""

from collections.abc import Collection

import ibis
from ibis.expr.types import Table


def allowed(products: Table, restricted: Collection[str]) -> Table:
    """Products in none of these categories: an entry names a path from its start, or one level. Case does not count."""
    levels = [products[name].lower() for name in ("level1", "level2", "level3")]
    path = products.category.lower() + " > "
    refused = ibis.literal(False)
    for entry in restricted:
        name = entry.strip().lower()
        if name:
            refused = refused | path.startswith(name + " > ")
            for level in levels:
                refused = refused | (level == name)
    return products.filter(~refused)
