"""Reasons: why each product of a shelf is shown, claimed only where the index arrays hold the evidence.

In: the candidates with what found them. Out: one word per product,
as its number. docs/shelves.md says what each word claims, and
tests/edge/test_reasons.py holds real answers to it.
"""

from functools import cache

import numpy as np

from edge.core.context import History
from edge.core.index import Floats, Ints
from edge.core.retrieval import Candidates
from edge.core.sources import SOURCES
from edge.next_clicks import REASON, Foreseen
from edge.slots import SLOTS, SlotSpec

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


# Every word, with its number: what a ranking keeps.
REASONS: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(spec.reason for spec in SLOTS.values()),
            *(word for told in _REASONS.values() for _, word in told),
            *_STOOD_IN.values(),
            *("viewed", "viewed_next", "popular", "popular_in_category", "new"),
        )
    )
)
CODE: dict[str, int] = {reason: code for code, reason in enumerate(REASONS)}
_WITH_VIEWED, _VIEWED = CODE["goes_with_viewed"], CODE["viewed"]


Told = tuple[Floats, Ints, int, int, Ints]


def told(spec: SlotSpec, found: Candidates, history: History, *, stands_in: bool = False) -> Told:
    """How the evidence of `found` becomes words, as the kernel `arranged` reads it: places in REASONS.

    `stands_in`: the anchors only stand in for the page's. What was viewed on an earlier visit is a candidate itself,
    and need not go with anything else viewed.
    """
    weights, words = _words(REASON if isinstance(found, Foreseen) else spec.id, stands_in)
    return weights, words, _WITH_VIEWED, _VIEWED, history.viewed


@cache
def _words(slot: str, stands_in: bool) -> tuple[Floats, Ints]:
    """What each source weighs, so that the sum says which of them found a candidate, and the word for each sum."""
    told = _REASONS.get(slot, ())
    weights = np.zeros(len(SOURCES), np.float32)
    words = np.full(1 << len(told), CODE[REASON if slot == REASON else SLOTS[slot].reason], np.int32)
    for place, (source, reason) in reversed(list(enumerate(told))):
        weights[SOURCES.index(source)] = 1 << place
        word = _STOOD_IN.get(reason, reason) if stands_in else reason
        words[(np.arange(len(words)) >> place) & 1 == 1] = CODE[word]
    return weights, words
