"""Example shelves with product names."""

from edge.core.products import Product
from training.page.shelves import Line, groups
from training.showcase import Example, Shown

CATALOGUE = {
    "t": Product(id="t", title="Green Tea", price=4.0, category="Drinks > Tea"),
    "m": Product(id="m", title="Mug", price=6.0),
}


def example(slot: str = "for_you", *, anchors: tuple[str, ...] = ()) -> Example:
    """Tea and a product nobody knows on the shelf, tea and a mug bought, and two more that are not listed."""
    shelf = (Shown("t", 0.9, ("own", "pair", "hits"), bought=True), Shown("gone", 0.4, ("popular",), bought=False))
    return Example(slot, anchors, ("m",), shelf, ("t", "m"), 4)


def test_products_have_names() -> None:
    """Title and category from the catalogue; what it lacks shows its id."""
    (group,) = groups([example(anchors=("m",))], CATALOGUE)
    (card,) = group.cards
    assert card.anchors == [Line("Mug", "")]
    assert [place.product for place in card.shelf] == [Line("Green Tea", "Drinks > Tea"), Line("product gone", "")]


def test_reasons_are_the_sources() -> None:
    """In words, each once."""
    (group,) = groups([example()], CATALOGUE)
    assert [place.reasons for place in group.cards[0].shelf] == [
        ["bought before", "often bought together"],
        ["popular"],
    ]


def test_hits_and_misses_add_up() -> None:
    """One of four was shown; of the three others one has a name here."""
    (group,) = groups([example()], CATALOGUE)
    (card,) = group.cards
    assert (card.hits, card.bought_in_all, card.missed_in_all) == (1, 4, 3)
    assert card.missed == [Line("Mug", "")]


def test_shelves_are_grouped_in_the_usual_order() -> None:
    """All of a slot together, known slots first."""
    found = groups([example("next_view"), example("for_you"), example("bought_together"), example("for_you")], {})
    assert [(group.title, len(group.cards)) for group in found] == [
        ("Bought together", 1),
        ("For you", 2),
        ("Next view", 1),
    ]


def test_a_cart_is_called_a_cart() -> None:
    """And a page a page."""
    found = groups([example("cart_complements"), example("similar")], CATALOGUE)
    assert [(group.cards[0].place, group.labelled) for group in found] == [
        ("In the cart", True),
        ("On the page of", False),
    ]


def test_without_a_catalogue_there_are_ids() -> None:
    """A page about a bundle whose shop is elsewhere can still be made."""
    (group,) = groups([example()], {})
    assert group.cards[0].shelf[0].product == Line("product t", "")
