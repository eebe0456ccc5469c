"""Restricted categories: products that no fact about a customer may stand on.

In: a data set's products and the shop's list, such as `Medicine` or `Drinks > Spirits`. Out: the products that remain.
"""

from collections.abc import Collection

import ibis
from ibis.expr.types import BooleanValue, Table

_STEP = " > "


def allowed(products: Table, restricted: Collection[str]) -> Table:
    """Products in none of these categories: an entry names one or more neighbouring levels. Case does not count."""
    path = ibis.literal(_STEP) + products.category.lower() + _STEP
    refused: BooleanValue = ibis.literal(False)
    for entry in restricted:
        levels = [level.strip() for level in entry.lower().split(">")]
        if all(levels):
            refused = refused | path.contains(f"{_STEP}{_STEP.join(levels)}{_STEP}")
    return products.filter(~refused)
