"""The session index: the read-only arrays of one bundle that next clicks are foreseen from.

In: the arrays `training.sessions.index` writes (`ARRAYS` names them). Out: `SessionIndex`, which checks that they fit
together. Sessions are numbered oldest first; positions are rows of the item arrays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge.core.checks import check_kinds, check_length, check_rows, check_targets
from edge.core.errors import BundleError
from edge.core.ids import Ids, Positions
from edge.core.index import Floats, Ints, Tables

# name -> (kind of dtype, dimensions). N items, E transitions, D dimensions; `*_ptr` are CSR row starts.
ARRAYS: dict[str, tuple[str, int]] = {
    "ids": ("S", 1),  # N product ids, UTF-8
    "session_ptr": ("i", 1),  # session, oldest first -> its clicks in order
    "session_items": ("i", 1),
    "item_session_ptr": ("i", 1),  # item -> the newest sessions with it, newest first
    "item_sessions": ("i", 1),
    "item_places": ("i", 1),  # where in that session it was last clicked, from 0
    "next_ptr": ("i", 1),  # item -> the items clicked before and after it, strongest first
    "next_items": ("i", 1),
    "next_values": ("f", 2),  # E x len(TRANSITIONS)
    "vectors": ("f", 2),  # N x D unit vectors of the encoder; zero where an item was never learned
    "encoder": ("f", 2),  # 2D x D: what turns newest click and whole visit into a direction
    "popularity": ("f", 2),  # N x len(POPULARITY)
    "popular": ("i", 1),
    "settings": ("f", 1),  # the hyper-parameters that training chose, in the order of SETTINGS
}
# What is known of a pair of items: shares of the weight that flows from one, into the other, to the very next click,
# and the cosine of both directions together.
TRANSITIONS = ("forward", "backward", "next", "cosine")
# Clicks of the newest 1, 4 and 12 % of sessions and of all, in steps of half a doubling; then what the newest hold of
# the next wider window's, and the sessions since the last click, likewise. Coarse on purpose: an exact count would name
# the item, and the forest would learn items instead of what makes one likely.
POPULARITY = ("newest", "recent", "lately", "ever", "rising", "trend", "idle")
SETTINGS = ("decay", "half_life", "neighbours", "spread", "direction")


@dataclass(frozen=True, eq=False)
class SessionIndex:
    """Read-only arrays of one bundle; see ARRAYS for what each holds."""

    ids: Ids = field(repr=False)
    position: Positions = field(repr=False)
    session_ptr: Ints = field(repr=False)
    session_items: Ints = field(repr=False)
    item_session_ptr: Ints = field(repr=False)
    item_sessions: Ints = field(repr=False)
    item_places: Ints = field(repr=False)
    next_ptr: Ints = field(repr=False)
    next_items: Ints = field(repr=False)
    next_values: NDArray[np.float16] = field(repr=False)
    vectors: Floats = field(repr=False)
    encoder: Floats = field(repr=False)
    popularity: Floats = field(repr=False)
    popular: Ints = field(repr=False)
    decay: float  # weight of a click for each later one
    half_life: float  # sessions after which a neighbour counts half
    neighbours: int  # sessions read
    spread: float  # clicks over which a neighbour's items lose their weight
    direction: float  # what the encoder's cosine counts in retrieval
    freshness: Floats = field(repr=False)  # session -> weight by age and length
    tables: Tables = field(default_factory=Tables, repr=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], beside: Ids | None = None) -> Self:
        """Check and wrap the arrays of a bundle. Raises BundleError naming the array that does not fit.

        `beside` are the ids of the index in the same bundle, which must be these: they are then held once.
        """
        _check(arrays)
        plain = {name: np.asarray(arrays[name]).view(np.ndarray) for name in ARRAYS}
        texts = plain.pop("ids")
        if beside is not None and not beside.numbers_alike(texts):
            raise BundleError("the two parts of the bundle number products differently; train again")
        ids = Ids.from_arrays(arrays) if beside is None else beside
        chosen = dict(zip(SETTINGS, plain.pop("settings").tolist(), strict=True))
        return cls(
            ids=ids,
            position=ids.position,
            decay=chosen["decay"],
            half_life=chosen["half_life"],
            neighbours=int(chosen["neighbours"]),
            spread=chosen["spread"],
            direction=chosen["direction"],
            tables=Tables(),
            freshness=freshness(plain["session_ptr"], chosen["half_life"]),
            **plain,
        )

    def positions(self, product_ids: Iterable[str]) -> Ints:
        """Where these products lie; unknown ids are left out, order is kept."""
        return self.ids.positions(product_ids)


def freshness(session_ptr: Ints, half_life: float) -> Floats:
    """What each session counts by itself: half after `half_life` newer ones, and less the more clicks it has."""
    age = np.arange(len(session_ptr) - 1, 0, -1, dtype=np.float32)
    weight: Floats = np.exp2(-age / np.float32(half_life)) / np.sqrt(np.diff(session_ptr) + 2).astype(np.float32)
    return weight


def _check(arrays: Mapping[str, NDArray[Any]]) -> None:
    check_kinds(arrays, ARRAYS)
    items, dimensions = len(arrays["ids"]), arrays["vectors"].shape[1]
    for name in ("vectors", "popularity"):
        check_length(arrays, name, items)
    check_rows(arrays, "session_ptr", ("session_items",), None)
    check_rows(arrays, "item_session_ptr", ("item_sessions", "item_places"), items)
    check_rows(arrays, "next_ptr", ("next_items", "next_values"), items)
    for name in ("session_items", "next_items", "popular"):
        check_targets(name, arrays[name], items)
    check_targets("item_sessions", arrays["item_sessions"], len(arrays["session_ptr"]) - 1)
    check_targets("item_places", arrays["item_places"], 2**31)
    shapes = {
        "encoder": (2 * dimensions, dimensions),
        "next_values": (len(arrays["next_items"]), len(TRANSITIONS)),
        "popularity": (items, len(POPULARITY)),
        "settings": (len(SETTINGS),),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise BundleError(f"index array {name!r} has shape {arrays[name].shape}, not {shape}")
    if not bool(((arrays["settings"] > 0) & np.isfinite(arrays["settings"])).all()):
        raise BundleError(f"index array 'settings' holds {arrays['settings'].tolist()}; all must be positive")
