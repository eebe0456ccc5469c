"""Words, sizes and titles of the till: more of its shorthand, and what must hold for every product of a shop."""

import re
from itertools import product

import pytest

from training.completejourney import departments, kinds
from training.completejourney.departments import shelf
from training.completejourney.sizes import believable, readable_size
from training.completejourney.titles import RawProduct, describe_products
from training.completejourney.words import readable


@pytest.mark.parametrize(
    ("raw_text", "words"),
    [
        ("FRZN BRD STICK/PORTON", "Frozen Breaded Stick & Portions"),
        ("REFRGRATD DOUGH PRODUCTS", "Chilled Dough Products"),
        ("CHS & CRACKERS/DPS", "Cheese, Crackers & Dips"),
        ("CAT FD W/CHICKEN", "Cat Food with Chicken"),
        ("MEN S SOCKS", "Men's Socks"),
        ("EX LSS SUGAR", "Less Sugar"),
        ("LAWN, ETC", "Lawn"),
        ("BABY FOOD AND", "Baby Food"),
        ("GIFT-WRAP", "Gift-Wrap"),
        ("COOKIES:SANDWICH", "Cookies, Sandwich"),
        ("STEAK   SAUCE", "Steak Sauce"),
        ("TV DNRS", "TV Dinners"),
        ("MISC", "Assorted"),
        ("JHOOK", ""),
    ],
)
def test_more_shorthand_is_spelled_out(raw_text: str, words: str) -> None:
    """As a shopper would read it aloud."""
    assert readable(raw_text) == words


@pytest.mark.parametrize(
    ("raw_size", "words"),
    [
        ("750 ML", "750 ml"),
        ("1.5 LTR", "1.5 L"),
        ("6PK 16.9 FL OZ", "6 x 16.9 fl oz"),
        ("1 1/4 OZ/6 PK", "6 x 1 1/4 oz"),
        ("1 PK/12 OZ", "12 oz"),
        ("6 CT/8 OZ", "6 ct, 8 oz"),
        ("10.00 OZ", "10 oz"),
        ("1.0 CT", ""),
        ("1 EA", ""),
        ("1 LB 4 OZ", ""),
        (" 8  oz ", "8 oz"),
    ],
)
def test_more_sizes_read_as_on_a_label(raw_size: str, words: str) -> None:
    """No zeros that say nothing, no pack of one, no guess at what is unclear."""
    assert readable_size(raw_size) == words


@pytest.mark.parametrize(
    ("size", "least"), [("10 lb", 1.50), ("11 lb", 3.30), ("1 dozen", 3.00), ("6 pack", 1.80), ("2 ct", 0.60)]
)
def test_a_case_is_a_case_below_a_price(size: str, least: float) -> None:
    """From that price on it is what a shopper gets, a cent less and it is the delivery's."""
    assert believable(size, least)
    assert not believable(size, least - 0.01)


@pytest.mark.parametrize("parsed", [kinds._KINDS, departments._SHELVES])
def test_the_tables_hold_each_name_once(parsed: dict[str, object]) -> None:
    """A name given twice would be overruled in silence; one without words would leave a product without a name."""
    table = kinds._TABLE if parsed is kinds._KINDS else departments._TABLE
    assert table.count(" = ") == len(parsed)
    assert all(all(value) if isinstance(value, tuple) else value for value in parsed.values())


def test_no_word_of_the_tables_dangles() -> None:
    """Every name a shopper reads begins with a capital or a number and ends in a word."""
    names = [*kinds._KINDS.values(), *(name for place in departments._SHELVES.values() for name in place)]
    assert not [name for name in names if not re.fullmatch(r"[A-Z0-9].*[a-zA-Z0-9']", name) or "  " in name]


def test_the_same_category_stands_elsewhere_in_another_department() -> None:
    """Cookies of the shelf and of the bakery; nuts of the snack aisle and of the produce wall."""
    assert shelf("PRODUCE", "NUTS") == ("Fruit", "Nuts")
    assert shelf("GROCERY", "SNACK NUTS") == ("Snacks & Candy", "Nuts")
    assert shelf("PRODUCE", "") == ("Vegetables", "")


def test_titles_and_handles_differ_for_all_that_may_look_alike() -> None:
    """Own brand, makers, no maker, sizes that are hidden and sizes that are said: no two products read the same."""
    sizes, makers = ("40 LB", "4 LB", "", "1 CT"), (("69", True), ("5", False), ("6", False), ("2", False))
    raw = [
        RawProduct(str(number), maker, own, "PRODUCE", "APPLES", "APPLES OTHER (BULK&BAG)", size, 1.99, number % 3)
        for number, (size, (maker, own), _) in enumerate(product(sizes, makers, range(3)))
    ]
    described = describe_products(raw)
    assert len({one.title for one in described}) == len({one.handle for one in described}) == len(raw) == 48
    assert not any("40 lb" in one.title or "1 ct" in one.title for one in described)
    assert sum("4 lb" in one.title for one in described) == 12
    assert {one.category for one in described} == {"Fruit > Apples"}
    assert {one.brand for one in described} == {"Store brand", "Brand 5", "Brand 6", ""}
    assert describe_products(raw[::-1]) == described[::-1]
