"""Reasons: why each product of a shelf is shown, claimed only where the index arrays hold the evidence.

In: the candidates with what found them. Out: one word per product. docs/shelves.md says what each word claims, and
tests/edge/test_reasons.py holds real answers to it.
"""

import numpy as np

from edge.core.context import History
from edge.core.index import Places
from edge.core.retrieval import Candidates
from edge.core.sources import SOURCES
from edge.next_clicks import REASON, Foreseen
from edge.slots import SlotSpec

# By the strongest evidence that found a candidate; the shelf's own reason where none of these did.
_REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "bought_together": (("hits", "bought_together"), ("own", "bought_before")),
    "complete_the_look": (("hits", "goes_with_this"),),
    "cart_complements": (("hits", "bought_together"), ("own", "bought_before"), ("neighbours", "goes_with_cart")),
    "for_you": (
        ("own", "bought_before"),
        ("visit_pair", "goes_with_viewed"),
        ("history_pair", "goes_with_bought"),
        ("favourite", "favourite_category"),
        ("popular", "popular"),
    ),
}
# What the same evidence says where it is that of the products that stand in for the page's own.
_STOOD_IN = {
    "bought_together": "bought_with_similar",
    "goes_with_this": "goes_with_similar",
    "goes_with_cart": "suggested",  # orders like a cart that holds something similar: too far to claim
}


def reasons(
    spec: SlotSpec, found: Candidates, order: Places, history: History, *, stands_in: bool = False
) -> list[str]:
    """Why each of `found` at the places `order` is shown. `stands_in`: the anchors only stand in for the page's."""
    if isinstance(found, Foreseen):
        return [REASON] * len(order)
    said = [spec.reason] * len(order)
    for source, reason in reversed(_REASONS.get(spec.id, ())):
        word = _STOOD_IN.get(reason, reason) if stands_in else reason
        for place in np.flatnonzero(found.evidence[SOURCES.index(source), order] > 0).tolist():
            said[place] = word
    if "goes_with_viewed" in said:
        # What was viewed on an earlier visit is a candidate itself, and need not go with anything else.
        viewed = set(history.viewed.tolist())
        for place, item in enumerate(found.items[order].tolist() if viewed else ()):
            if item in viewed and said[place] == "goes_with_viewed":
                said[place] = "viewed"
    return said
