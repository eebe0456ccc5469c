"""Products: changes laid over cards, and the snapshot file."""

from pathlib import Path

import pytest

from edge.core.errors import BundleError, CodecError
from edge.core.products import Change, Product, decode_change, encode_change
from edge.core.snapshot import read_snapshot, write_snapshot

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


def test_the_snapshot_is_written_whole_and_read_back(tmp_path: Path) -> None:
    """Products and the moment they were read; no temporary file stays."""
    path = tmp_path / "new" / "demo.cat"
    assert write_snapshot(path, [MILK, EGGS], as_of=5.0) == 2
    snapshot = read_snapshot(path)
    assert snapshot.products == [MILK, EGGS]
    assert snapshot.as_of == 5.0
    assert [p.name for p in path.parent.iterdir()] == ["demo.cat"]


@pytest.mark.parametrize("damage", ["missing", "foreign", "version", "flipped", "truncated", "not products"])
def test_a_damaged_snapshot_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    """Every damage has its own message, and each names the file."""
    path = tmp_path / "demo.cat"
    write_snapshot(path, [MILK])
    good = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "foreign":
            path.write_bytes(b"PK\x03\x04 something else\n")
        case "version":
            path.write_bytes(good.replace(b"-catalogue 2 ", b"-catalogue 9 "))
        case "flipped":
            path.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
        case "truncated":
            path.write_bytes(good[:-5])
        case "not products":
            import hashlib

            body = b"\x01"
            path.write_bytes(b"endcap-catalogue 1 " + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    with pytest.raises(BundleError, match=r"demo\.cat"):
        read_snapshot(path)
