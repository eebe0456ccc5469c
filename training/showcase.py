"""Example shelves: a few queries of weeks never learned from, kept in the bundle for people to look at.

In: moments, an index that knows nothing of them, a scoring function. Out: `examples.json` of a bundle. Drawn with a
seed, not picked for being good. Nobody's id and no date is in it, only products.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from edge.core.errors import UNREADABLE, BundleError
from edge.core.index import Index, Ints
from edge.core.retrieval import SCORED_SLOTS, Candidates
from edge.core.sources import SOURCES
from training.calibration import served
from training.examples import MEASURED_SLOTS, Query, labelled, queries
from training.metrics import Score
from training.moments import Moment

FILE = "examples.json"
VERSION = 1
PER_SLOT = 2
_SHELF = 10
_LOOKED_AT = 300  # moments, so that a slot that never comes does not cost the whole list
UNLABELLED = ("similar",)  # shelves no purchase says the truth about; worth a look all the same
_ORDER = 4  # products
_LISTED = 12  # products of a basket or a cart that are named


class Shown(msgspec.Struct, frozen=True):
    """A product on the shelf: its score as served, the sources that found it, whether it was then bought."""

    id: str
    score: float
    found_by: tuple[str, ...]
    bought: bool


class Example(msgspec.Struct, frozen=True):
    """One shelf: the page's product or the cart, the last basket, what was shown, and what was bought."""

    slot: str
    anchors: tuple[str, ...]
    last_basket: tuple[str, ...]
    shelf: tuple[Shown, ...]
    bought: tuple[str, ...]  # at most `_LISTED` of them
    bought_in_all: int


class Examples(msgspec.Struct, frozen=True):
    """The file."""

    examples: tuple[Example, ...]
    version: int = VERSION


def draw(index: Index, moments: Sequence[Moment], score: Score, seed: int = 7) -> Examples:
    """PER_SLOT shelves of each slot. Each shopper stands for one slot only, and for UNLABELLED on the same page.

    Of shoppers who bought before, and orders of `_ORDER` products or more: smaller ones show little either way.
    """
    found: dict[str, list[Example]] = {slot: [] for slot in (*MEASURED_SLOTS, *UNLABELLED)}
    seen: set[str] = set()
    for at in np.random.default_rng(seed).permutation(len(moments))[:_LOOKED_AT]:
        moment = moments[at]
        if len(moment.basket) < _ORDER or not moment.past or moment.shopper in seen:
            continue
        asked = [query for query in queries(index, moment) if len(found.setdefault(query.slot, [])) < PER_SLOT]
        for query in sorted(asked, key=lambda query: len(found[query.slot])):
            if _add(found, index, moment, query, score):
                seen.add(moment.shopper)
                break
        if not any(len(of_slot) < PER_SLOT for of_slot in found.values()):
            break
    return Examples(tuple(example for of_slot in found.values() for example in of_slot))


def _add(found: dict[str, list[Example]], index: Index, moment: Moment, query: Query, score: Score) -> bool:
    """Keep this shelf, unless it is empty and so would not be shown to anybody."""
    example = _example(index, moment, query, score)
    if not example.shelf:
        return False
    found[query.slot].append(example)
    for slot in UNLABELLED if query.slot == "bought_together" else ():
        beside = _example(index, moment, replace(query, slot=slot), score)
        if beside.shelf:
            found[slot].append(beside)
    return True


def _example(index: Index, moment: Moment, query: Query, score: Score) -> Example:
    found, features, labels = labelled(index, query)
    if query.slot in SCORED_SLOTS and len(found.items):
        raw = score(features)
        order, values = np.argsort(-raw, kind="stable")[:_SHELF], served(raw)
    else:
        order, values = np.arange(min(len(found.items), _SHELF)), found.scores / found.scores.max(initial=1e-9)
    shelf = tuple(
        Shown(index.ids[found.items[at]], round(float(values[at]), 4), _found_by(found, at), bool(labels[at]))
        for at in order
    )
    return Example(
        slot=query.slot,
        anchors=_ids(index, query.context.anchors),
        last_basket=_last_basket(moment)[:_LISTED],
        shelf=shelf,
        bought=_ids(index, query.wanted),
        bought_in_all=len(query.wanted),
    )


def _ids(index: Index, items: Ints) -> tuple[str, ...]:
    return tuple(index.ids[at] for at in items[:_LISTED])


def _found_by(found: Candidates, at: int) -> tuple[str, ...]:
    return tuple(SOURCES[source] for source in np.flatnonzero(found.evidence[:, at] > 0))


def _last_basket(moment: Moment) -> tuple[str, ...]:
    return tuple(sorted(moment.past[-1][1]))


def encode(examples: Examples) -> bytes:
    """The file's bytes."""
    return msgspec.json.format(msgspec.json.encode(examples))


def read(directory: Path) -> Examples:
    """The examples of a bundle; none where it was made before they were kept. Raises BundleError when damaged."""
    path = directory / FILE
    if not path.is_file():
        return Examples(())
    try:
        examples = msgspec.json.decode(path.read_bytes(), type=Examples)
    except UNREADABLE as error:
        raise BundleError(f"{path} is not what a training run writes: {error}; train again") from error
    if examples.version != VERSION:
        raise BundleError(f"{path} has version {examples.version}, this program reads {VERSION}; train again")
    return examples
