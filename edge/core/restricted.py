"""Restricted categories: products of which nothing is kept that a shopper does with them.

In: the shop's list, such as `Medicine` or `Drinks > Spirits`, and what category a product has. Out: events without such
lines, or no event at all where nothing else was in it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge.core.events import Event

_PARTS = " > "


@dataclass(frozen=True)
class Restricted:
    """A shop's list. An entry names a path from its start, or one level of any path. Case does not count."""

    entries: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> "Restricted":
        """The list as a setting has it, with commas."""
        return cls(frozenset(entry.strip().casefold() for entry in text.split(",") if entry.strip()))

    def holds(self, category: str) -> bool:
        """Whether a category path is restricted."""
        if not self.entries:
            return False
        path = category.casefold()
        return any(
            entry in path.split(_PARTS) or path == entry or path.startswith(entry + _PARTS) for entry in self.entries
        )


def without(event: Event, restricted: Callable[[str], bool]) -> Event | None:
    """The event without its lines of restricted products; None where it had no others."""
    kept = tuple(line for line in event.products if not restricted(line.product_id))
    if len(kept) == len(event.products):
        return event
    return msgspec.structs.replace(event, products=kept) if kept else None
