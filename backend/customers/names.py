"""The name under which a shopper of a data set lies in the store.

In: the data set, the shop's pseudonym key, kind and id as the data set has them. Out: the pseudonym.
"""

from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from training.dataset import Dataset


def stored_name(dataset: Dataset, key: PseudonymKey, shop: str, kind: ShopperKind, shopper_id: str) -> str:
    """The pseudonym of this shopper: the id itself, where the data set holds pseudonyms already."""
    return shopper_id if dataset.summary.notes.pseudonymous else pseudonym(key, shop, kind, shopper_id)
