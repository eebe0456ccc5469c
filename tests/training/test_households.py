"""The households that the demo shop's picker offers, and the addresses of its pictures."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from edge.storefront import tiles
from edge.storefront.households import Households, read_households
from training.completejourney.households import FILE, SUGGESTED, find_households
from training.completejourney.tiles import COLOURS, LABELS, tile

CATEGORIES = {
    "milk": "Dairy > Milk > Milk", "brie": "Dairy > Cheese > Brie", "tea": "Drinks > Tea > Tea",
    "beer": "Drinks > Chilled > Beer", "pie": "Frozen > Chilled > Pie", "odd": "",
}  # fmt: skip


def baskets(**of_household: list[list[str]]) -> pa.Table:
    """Events: each household's baskets, each a list of products."""
    rows = [
        {"customer_id": household, "product_id": product, "order_id": f"{household}-{number}"}
        for household, orders in of_household.items()
        for number, order in enumerate(orders)
        for product in order
    ]
    return pa.Table.from_pylist(rows)


def fond(product: str, orders: int) -> list[list[str]]:
    """Somebody who buys one thing, often."""
    return [[product]] * orders


def test_of_those_fond_of_a_department_the_busiest_is_offered() -> None:
    """With what it is known for, what it buys more than others do before what everybody buys."""
    events = baskets(
        **{f"n{number}": fond("milk", 30) for number in range(8)},
        a=[["beer", "milk"], ["beer"], ["beer"]],
        b=fond("beer", 6),
    )
    found = find_households(events, CATEGORIES)
    (one,) = found.suggested
    assert (one.id, one.orders, one.buys) == ("b", 6, ("Drinks: Chilled",))


def test_all_households_are_known_by_their_numbers() -> None:
    """In the order of numbers."""
    events = baskets(**{"10": fond("tea", 1), "9": fond("tea", 1), "100": fond("tea", 1)})
    assert find_households(events, CATEGORIES).ids == ("9", "10", "100")


def test_an_aisle_is_named_with_its_department_where_its_name_says_too_little() -> None:
    """Two departments have one called Chilled."""
    events = baskets(
        **{f"n{number}": fond("milk", 40) for number in range(6)}, drinker=fond("beer", 9), eater=fond("pie", 8)
    )
    named = {one.id: one.buys for one in find_households(events, CATEGORIES).suggested}
    assert named == {"drinker": ("Drinks: Chilled",), "eater": ("Frozen: Chilled",)}


def test_nobody_stands_out_where_all_buy_the_same() -> None:
    """Then there is nobody to suggest; products that stand nowhere change nothing."""
    found = find_households(baskets(a=fond("milk", 3), b=[["milk", "odd", "gone"]]), CATEGORIES)
    assert found.suggested == ()
    assert found.ids == ("a", "b")


def test_there_are_never_more_than_a_few() -> None:
    """The picker is a list to choose from."""
    many = {str(number): f"D{number} > A{number}" for number in range(SUGGESTED + 4)}
    found = find_households(baskets(**{f"h{id_}": fond(id_, 5) for id_ in many}), many)
    assert len(found.suggested) == SUGGESTED


def test_the_shop_reads_what_the_importer_writes(tmp_path: Path) -> None:
    """Field by field."""
    written = find_households(baskets(**{f"n{n}": fond("milk", 40) for n in range(6)}, x=fond("tea", 9)), CATEGORIES)
    plain = tmp_path / "plain" / "demo"
    plain.mkdir(parents=True)
    (plain / FILE).write_bytes(msgspec.json.encode(written))
    read = read_households(tmp_path, "demo")
    assert msgspec.to_builtins(read.suggested) == msgspec.to_builtins(written.suggested)
    assert read.ids == frozenset(written.ids)
    assert read.known("x")
    assert not read.known("y")
    assert read_households(tmp_path, "other") == Households()


@pytest.mark.parametrize("category", ["Beer & Wine > Beer > Ale", "Baby", "", "Café > Thé"])
def test_importer_and_shop_agree_on_addresses(category: str) -> None:
    """The shop makes one itself where a catalogue names none."""
    ours = tile(category, "Alder", "Something").rpartition("-")[0]
    assert tiles.address(category).rpartition("-")[0] == ours


def test_one_brand_has_one_colour_and_varieties_have_labels() -> None:
    """The number says both, and stays within what is drawn."""

    def number(brand: str, title: str) -> int:
        return int(tile("A > B", brand, title).rpartition("-")[2].removesuffix(".svg"))

    varieties = [number("Alder", f"Tea {kind}") for kind in range(40)]
    assert len({one % COLOURS for one in varieties}) == 1
    assert len({one // COLOURS for one in varieties}) == LABELS
    assert len({number(f"Brand {brand}", "Tea") % COLOURS for brand in range(200)}) == COLOURS
    assert max(varieties) < COLOURS * LABELS
