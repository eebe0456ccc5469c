"""What each shelf is, and in which order they stand."""

import pytest

from edge.core.switches import SURFACES
from edge.slots import SLOTS, order_for, slots_of


def test_one_shelf_of_each_surface_falls_back() -> None:
    """So that no page is empty, and none shows the popular list twice."""
    for surface in SURFACES:
        assert [SLOTS[slot].falls_back for slot in slots_of(surface)].count(True) == 1


def test_every_shelf_stands_on_one_surface_under_a_name_of_its_own() -> None:
    """All specs are reachable by surface, and no two look the same to a shopper."""
    assert sorted(slot for surface in SURFACES for slot in slots_of(surface)) == sorted(SLOTS)
    assert len({spec.title for spec in SLOTS.values()}) == len(SLOTS)


@pytest.mark.parametrize(
    ("orders", "visiting", "first_two"),
    [
        (0, False, ("for_you", "trending")),
        (2, False, ("for_you", "trending")),
        (3, False, ("buy_again", "for_you")),
        (0, True, ("for_you", "recently_viewed")),
        (30, True, ("for_you", "recently_viewed")),
    ],
)
def test_the_homepage_is_ordered_for_the_shopper(orders: int, visiting: bool, first_two: tuple[str, str]) -> None:
    """A regular from the third order on restocks, a visit goes on, and no shelf is lost on the way."""
    order = order_for("home", orders=orders, visiting=visiting)
    assert order[:2] == first_two
    assert sorted(order) == sorted(slots_of("home"))


@pytest.mark.parametrize("surface", ["pdp", "cart"])
def test_other_pages_keep_their_usual_order(surface: str) -> None:
    """Whoever looks."""
    for orders, visiting in ((0, False), (9, False), (9, True)):
        assert order_for(surface, orders=orders, visiting=visiting) == slots_of(surface)  # type: ignore[arg-type]  # because parametrize gives plain strings
