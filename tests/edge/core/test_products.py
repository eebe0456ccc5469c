"""Products: changes laid over cards, and the snapshot file."""

import pytest

from edge.core.errors import CodecError
from edge.core.products import Change, Product, decode_change, encode_change

MILK = Product("1", "White Milk, 1 gal", 2.99, category="Grocery > Milk", brand="Store brand")
EGGS = Product("2", "Eggs", 1.99)


def test_a_price_change_replaces_price_and_reduction_together() -> None:
    """An old reduction must not stand beside a new price."""
    reduced = Change("1", 1.0, price=1.99, compare_at_price=2.99).applied(MILK)
    assert reduced is not None
    assert (reduced.price, reduced.compare_at_price) == (1.99, 2.99)
    normal = Change("1", 2.0, price=2.99).applied(reduced)
    assert normal is not None
    assert (normal.price, normal.compare_at_price) == (2.99, None)


def test_a_stock_change_leaves_the_price() -> None:
    """Only what the change names."""
    gone = Change("1", 1.0, available=False).applied(MILK)
    assert gone is not None
    assert (gone.available, gone.price, gone.title) == (False, 2.99, MILK.title)


def test_a_product_listed_today_comes_whole() -> None:
    """A change may carry the card, for products the snapshot does not have."""
    new = Product("9", "New", 5.0)
    assert Change("9", 1.0, product=new).applied(None) == new
    assert Change("9", 1.0, price=4.0).applied(None) is None


@pytest.mark.parametrize("reverse", [False, True])
def test_merging_does_not_depend_on_the_order_of_arrival(reverse: bool) -> None:
    """Newer wins by its own time, field by field."""
    first = Change("1", 1.0, price=1.0, available=False)
    second = Change("1", 2.0, price=2.0)
    pair = (second, first) if reverse else (first, second)
    assert pair[0].merged(pair[1]) == Change("1", 2.0, price=2.0, available=False, available_time=1.0)


def test_a_whole_card_replaces_what_came_before() -> None:
    """Also its price and stock."""
    card = Change("1", 2.0, product=EGGS)
    assert Change("1", 1.0, price=9.0).merged(card) == card
    assert card.merged(Change("1", 3.0, available=False)).applied(None) == Product("2", "Eggs", 1.99, available=False)


def test_changes_survive_their_bytes() -> None:
    """And anything else is refused."""
    change = Change("1", 1.5, price=2.0, product=MILK)
    assert decode_change(encode_change(change)) == change
    for bad in (b"", b"\xff" * 10, b"{}"):
        with pytest.raises(CodecError, match="unreadable"):
            decode_change(bad)
