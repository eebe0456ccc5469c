"""Example shelves with the names of their products.

In: a bundle's examples and the shop's catalogue. Out: cards to look at; a product the catalogue lacks shows its id.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.core.products import Product
from training.page import names
from training.showcase import UNLABELLED, Example

_PLACES = {"cart_complements": "In the cart"}


@dataclass(frozen=True)
class Line:
    """A product: what it is called, where it stands in the shop."""

    title: str
    category: str


@dataclass(frozen=True)
class Place:
    """A place on the shelf: the product, why it was found, whether it was bought then."""

    product: Line
    reasons: list[str]
    bought: bool


@dataclass(frozen=True)
class Card:
    """One shelf. `missed` were bought and are not on it, `missed_in_all` counts also those not listed."""

    place: str  # what `anchors` are: the page or the cart
    anchors: list[Line]
    last_basket: list[Line]
    shelf: list[Place]
    hits: int
    bought_in_all: int
    missed: list[Line]
    missed_in_all: int


@dataclass(frozen=True)
class Group:
    """The examples of one slot. `labelled`: whether what was bought then says if the shelf was right."""

    title: str
    about: str
    labelled: bool
    cards: list[Card]


def groups(examples: Iterable[Example], catalogue: Mapping[str, Product]) -> list[Group]:
    """By slot, within it in the order they were drawn."""
    by_slot: dict[str, list[Example]] = {}
    for example in examples:
        by_slot.setdefault(example.slot, []).append(example)
    return [
        Group(
            names.slot(slot),
            names.about(slot),
            slot not in UNLABELLED,
            [_card(one, catalogue) for one in by_slot[slot]],
        )
        for slot in names.slots(by_slot)
    ]


def _card(example: Example, catalogue: Mapping[str, Product]) -> Card:
    def lines(ids: Iterable[str]) -> list[Line]:
        return [_line(id_, catalogue) for id_ in ids]

    on_shelf = {shown.id for shown in example.shelf}
    hits = sum(shown.bought for shown in example.shelf)
    return Card(
        place=_PLACES.get(example.slot, "On the page of"),
        anchors=lines(example.anchors),
        last_basket=lines(example.last_basket),
        shelf=[
            Place(_line(shown.id, catalogue), names.sources(shown.found_by), shown.bought) for shown in example.shelf
        ],
        hits=hits,
        bought_in_all=example.bought_in_all,
        missed=lines(id_ for id_ in example.bought if id_ not in on_shelf),
        missed_in_all=example.bought_in_all - hits,
    )


def _line(id_: str, catalogue: Mapping[str, Product]) -> Line:
    product = catalogue.get(id_)
    return Line(product.title, product.category) if product else Line(f"product {id_}", "")
