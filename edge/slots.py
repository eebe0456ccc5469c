"""What each shelf is: the surface it stands on, what it is called, why its products are there, what it does empty.

Shelves that hold what somebody did (bought before, viewed) or what the numbers say (bought together, trending) are
left out when there is nothing to say; one shelf per surface falls back to popular products instead.
"""

from dataclasses import dataclass

from edge.core.switches import SURFACES, Surface

SAY_POPULAR = "Popular right now"


@dataclass(frozen=True)
class SlotSpec:
    """One kind of shelf.

    `reason` is what its products are shown for unless evidence gives a better one, so it claims no more than holds for
    all of them. `collapses`: at most one product of a family (sizes, varieties). `diverse`: further products of a kind
    count less. `welcomes`: newcomers may take a place; not where the shelf says what was bought.
    """

    id: str
    surface: Surface
    title: str
    reason: str
    falls_back: bool = False
    collapses: bool = True
    diverse: bool = False
    welcomes: bool = False


_ALL = (
    SlotSpec("bought_together", "pdp", "Frequently bought together", "suggested", diverse=True),
    SlotSpec("similar", "pdp", "Similar products", "similar", falls_back=True, welcomes=True),
    SlotSpec("complete_the_look", "pdp", "Goes well with this", "goes_with_this", diverse=True),
    SlotSpec(
        "cart_complements", "cart", "Goes with your cart", "suggested", falls_back=True, diverse=True, welcomes=True
    ),
    SlotSpec("for_you", "home", "Recommended for you", "for_you", falls_back=True, diverse=True, welcomes=True),
    SlotSpec("buy_again", "home", "Buy it again", "bought_before", collapses=False),
    SlotSpec("recently_viewed", "home", "Recently viewed", "viewed", collapses=False),
    SlotSpec("trending", "home", "Trending now", "trending"),
)
SLOTS: dict[str, SlotSpec] = {spec.id: spec for spec in _ALL}
_OF: dict[Surface, tuple[str, ...]] = {
    surface: tuple(spec.id for spec in _ALL if spec.surface == surface) for surface in SURFACES
}


def slots_of(surface: Surface) -> tuple[str, ...]:
    """The shelves of a surface, in their usual order."""
    return _OF[surface]


def order_for(surface: Surface, *, orders: int, visiting: bool) -> tuple[str, ...]:
    """The shelves in the order best for this shopper.

    A regular comes to restock; someone in the middle of a visit wants to go on from there; a stranger has nothing to
    buy again, so what is trending comes before what was viewed.
    """
    if surface != "home":
        return slots_of(surface)
    if visiting:
        return ("for_you", "recently_viewed", "buy_again", "trending")
    if orders >= 3:
        return ("buy_again", "for_you", "trending", "recently_viewed")
    return ("for_you", "trending", "buy_again", "recently_viewed")
