"""What is left out of The Complete Journey, and the words for what stays."""

import dataclasses
from typing import Any

import ibis
import pyarrow as pa
import pytest

from training import engine as engines
from training.completejourney import merchandise
from training.completejourney.departments import shelf
from training.completejourney.kinds import kind
from training.completejourney.sizes import believable, readable_size
from training.completejourney.titles import Described, RawProduct, describe_products
from training.completejourney.words import readable

OTHER_COUNTERS = "other counters (post, photo, coffee shop, restaurant)"


def rule_of(department: str | None, category: str | None, raw_type: str | None) -> str | None:
    """The rule that leaves out a product of this department, category and type."""
    table = ibis.memtable(
        pa.table({
            "department": pa.array([department], pa.string()),
            "product_category": pa.array([category], pa.string()),
            "product_type": pa.array([raw_type], pa.string()),
        })
    )  # fmt: skip
    engine = engines.connect()
    found = engines.arrow(engine, table.select(rule=merchandise.product_rule(table)))["rule"][0].as_py()
    engine.disconnect()
    return None if found is None else str(found)


def raw(product_id: str, raw_type: str = "FLUID MILK WHITE ONLY", **changes: Any) -> RawProduct:
    """A gallon of the store's own milk, with these fields changed."""
    milk = RawProduct(
        id=product_id,
        maker="69",
        store_brand=True,
        department="GROCERY",
        category="FLUID MILK PRODUCTS",
        type=raw_type,
        size="1 GA",
        price=2.5,
        lines=1,
    )
    return dataclasses.replace(milk, **changes)


def titles(*products: RawProduct) -> list[str]:
    """The titles of a shop with these products."""
    return [one.title for one in describe_products(list(products))]


# --- what is no merchandise ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("department", "category", "raw_type", "rule"),
    [
        ("FUEL", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", "fuel and propane"),
        ("MISCELLANEOUS", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", "fuel and propane"),
        ("DRUG GM", "PROPANE", "PROPANE EXCH", "fuel and propane"),
        ("MISCELLANEOUS", "COUPON/MISC ITEMS", "MASTERCARD GIFT CARD", "gift, phone and prepaid cards"),
        ("DRUG GM", "LONG DISTANCE CALLING CARDS", "PHONE CARDS", "gift, phone and prepaid cards"),
        ("GROCERY", "BOTTLE DEPOSITS", "BOTTLE DEPOSITS", "bottle deposits"),
        ("GROCERY", "CANNED JUICES", "CRV DEPOSIT NT/F", "bottle deposits"),
        ("DRUG GM", "TICKETS", "TICKETS", "tickets and lottery"),
        ("DRUG GM", "IN-STORE PHOTOFINISHING", "ONE HOUR PROCESSING", "photo finishing"),
        ("ELECT &PLUMBING", "COUPON", "DONATIONS", "charity"),
        ("COUPON", "COUPONS/STORE & MFG", "COUPONS/STORE & MFG", "coupons and till entries without a product"),
        ("MEAT", "BEEF", "MISC SALES TRANS", "coupons and till entries without a product"),
        ("CNTRL/STORE SUP", "COUPON/MISC ITEMS", "CENTRAL SUPPLIES", "coupons and till entries without a product"),
        ("DELI", "DELI SUPPLIES", "PEYTON/GM EXPENSE ITEMS", "the store's own supplies"),
        ("RESTAURANT", "COFFEE SHOP", "SV BEV: COFFEE DINE IN", OTHER_COUNTERS),
        ("POSTAL CENTER", "CANDY - PACKAGED", "CANDY", OTHER_COUNTERS),
        ("DRUG GM", "PHARMACY", "CONVALESCENT CARE - CANES", "pharmacy counter"),
        ("DRUG GM", "CIGARETTES", "CIGARETTES", "tobacco and lighters"),
        ("SPIRITS", "LIQUOR", "TRADITIONAL VODKA", "spirits"),
        ("DRUG GM", "FIREWORKS", "NOVELTY FIREWORKS", "fireworks"),
        ("DRUG GM", "FAMILY PLANNING", "PREGNANCY TEST KITS", "intimate health"),
        ("MISCELLANEOUS", None, None, merchandise.NAMELESS),
        (None, "SOUP", "BROTH", merchandise.NAMELESS),
    ],
)
def test_what_is_not_for_a_shelf_is_left_out_by_a_named_rule(
    department: str | None, category: str | None, raw_type: str | None, rule: str
) -> None:
    """The first rule of the table that knows a product's department, category or type names it."""
    assert rule_of(department, category, raw_type) == rule


@pytest.mark.parametrize(
    ("department", "category", "raw_type"),
    [
        ("GROCERY", "FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY"),
        ("GROCERY", "BEERS/ALES", "BEERALEMALT LIQUORS"),
        ("GROCERY", "DOMESTIC WINE", "BOX WINES"),
        ("GROCERY", "LIQUOR", "COCKTAIL MIXES-FLUID:ADD LIQ"),
        ("DRUG GM", "SMOKING CESSATIONS", "SMOKING CESSATION"),
        ("DRUG GM", "GREETING CARDS/WRAP/PARTY SPLY", "CARDS EVERYDAY"),
        ("GROCERY", "FD WRAPS/BAGS/TRSH BG", "SANDWICH BAGS"),
        ("CHEF SHOPPE", None, "INSTORE CUT VEGETABLES"),
    ],
)
def test_what_a_shop_sells_stays(department: str, category: str | None, raw_type: str) -> None:
    """Words like card, bag, liquor or smoking in a name do not make a product unsellable; nor does a lost category."""
    assert rule_of(department, category, raw_type) is None


@pytest.mark.parametrize(
    ("quantity", "sales", "rule"),
    [(1, 2.5, None), (0, 2.5, merchandise.NO_QUANTITY), (1, 0.0, merchandise.NO_SALE), (1, -1.0, merchandise.NO_SALE)],
)
def test_a_line_counts_only_with_a_quantity_and_a_sale(quantity: int, sales: float, rule: str | None) -> None:
    """Returns, voids and giveaways say nothing of what a shopper chose to buy."""
    table = ibis.memtable(pa.table({"quantity": [quantity], "sales_value": [sales]}))
    engine = engines.connect()
    assert engines.arrow(engine, table.select(rule=merchandise.line_rule(table)))["rule"][0].as_py() == rule
    engine.disconnect()


def test_each_rule_has_a_name_of_its_own() -> None:
    """Counts are kept by name, so two rules may not share one."""
    assert len(set(merchandise.ALL_RULES)) == len(merchandise.ALL_RULES)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw_text", "words"),
    [
        ("PAPER NAPKINS", "Paper Napkins"),
        ("FRZN BREADED PREPARED CHICK", "Frozen Breaded Prepared Chicken"),
        ("APPLES GALA (BULK&BAG)", "Apples Gala"),
        ("CANNED CAT FOOD (9 LIVES/FRISK", "Canned Cat Food"),
        ("MAINSTREAM WHEAT/MULTIGRAIN BR", "Mainstream Wheat & Multigrain"),
        ("PUDDING&GELATIN CUPS/CANS", "Pudding, Gelatin Cups & Cans"),
        ("PREPARED BEANS - BAKED W/PORK", "Prepared Beans, Baked with Pork"),
        ("WOMEN S GENERAL", "Women's General"),
        ("MISC. LAWN & GARDEN", "Assorted Lawn & Garden"),
        ("VEGETABLES ALL OTHER", "Vegetables"),
        ("BBQ SAUCE", "BBQ Sauce"),
        ("FLOUR: WHITE", "Flour, White"),
        ("", ""),
    ],
)
def test_shorthand_is_spelled_out(raw_text: str, words: str) -> None:
    """Ordinary case, abbreviations as words, no brackets, no word cut off in the middle."""
    assert readable(raw_text) == words


@pytest.mark.parametrize(
    ("category", "raw_type", "words"),
    [
        ("FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY", "White Milk"),
        ("SOFT DRINKS", "SFT DRNK 2 LITER BTL CARB INCL", "Soft Drink, 2 Liter Bottle"),
        ("CHEESE", "IWS SINGLE CHEESE", "Cheese Singles"),
        ("EGGS", "EGGS - X-LARGE", "Eggs, Extra Large"),
        ("ICE CREAM/MILK/SHERBTS", "PREMIUM", "Premium Ice Cream"),
        ("BACON", "PREMIUM", "Premium Bacon"),
        ("BEERS/ALES", "BEERALEMALT LIQUORS", "Beer"),
        ("ONIONS", "ONIONS RED (BULK&BAG)", "Red Onions"),
        ("PAPER HOUSEWARES", "FOAM PLATES", "Foam Plates"),
    ],
)
def test_common_types_have_names_of_their_own(category: str, raw_type: str, words: str) -> None:
    """One type may mean different things in different categories; one not listed is spelled out."""
    assert kind(category, raw_type) == words


@pytest.mark.parametrize(
    ("department", "category", "place"),
    [
        ("GROCERY", "SOFT DRINKS", ("Drinks", "Soft Drinks")),
        ("DRUG GM", "BABY FOODS", ("Baby", "Baby Food")),
        ("PASTRY", "BREAD", ("Bread & Bakery", "Fresh Bread")),
        ("NUTRITION", "BREAD", ("Natural Foods", "Bread")),
        ("TRAVEL & LEISURE", "APPLES", ("Fruit", "Apples")),
        ("CHEF SHOPPE", "", ("Vegetables", "")),
        ("DRUG GM", "NEW THINGS", ("Home & Leisure", "New Things")),
        ("NEW DEPT", "NEW THINGS", ("New Dept", "New Things")),
    ],
)
def test_categories_stand_where_a_shopper_would_look(department: str, category: str, place: tuple[str, str]) -> None:
    """The giant departments of the tills are parted; what is not listed keeps its own words."""
    assert shelf(department, category) == place


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw_size", "words"),
    [
        ("16 OZ", "16 oz"),
        ("1 GA", "1 gal"),
        ("GAL", "1 gal"),
        ("1/2 GAL", "1/2 gal"),
        ("HALF GAL", "1/2 gal"),
        ("2 L", "2 L"),
        ("2 L*", "2 L"),
        ("DZ", "1 dozen"),
        (".06 OZ", "0.06 oz"),
        ("13.50 OZ", "13.5 oz"),
        ("8 1/2 OZ", "8 1/2 oz"),
        ("16 OZS.", "16 oz"),
        ("83.5 SQ FT", "83.5 sq ft"),
        ("32 LDS", "32 loads"),
        ("12 PK/12 OZ", "12 x 12 oz"),
        ("18 PK 12 OZ", "18 x 12 oz"),
        ("10/6.75 OZ", "10 x 6.75 oz"),
        ("10-1 OZ", "10 x 1 oz"),
        ("2 - 7.5 OZ", "2 x 7.5 oz"),
        ("4 PK/10.75 O", "4 x 10.75 oz"),
        ("12 OZ/12 PK", "12 x 12 oz"),
        ("9 OZ/50 CT", "50 ct, 9 oz"),
        ("1.2 OZ/1 CT", "1.2 oz"),
        ("20 CT/13 GAL", "20 ct, 13 gal"),
        ("12 CT/16.5", "12 ct"),
        ("L    5.5 OZ", "5.5 oz"),
        ("A D   1 DZ", "1 dozen"),
        ("(600) 4 LB", "4 lb"),
        ("300 CT(1)", "300 ct"),
        ("2 LB(32 OZ)", "2 lb"),
        ("055236 2 OZ", "2 oz"),
        ("10 LB BAG", "10 lb bag"),
        ("24 OZ/ CAN", "24 oz can"),
        ("16 OZ LOOSE", "16 oz"),
        ("LARGE", "large"),
        ("1 CT", ""),
        ("PK", ""),
        ("218305  PK", ""),
        ("CTN", ""),
        ("14-18 CT", ""),
        ("5/8 OZ", ""),
        ("22 X28 IN", ""),
        ("80 REC OZ", ""),
        ("", ""),
    ],
)
def test_sizes_read_as_on_a_label(raw_size: str, words: str) -> None:
    """Units in small letters, multipacks as a product, no codes; what is unclear is left out rather than guessed."""
    assert readable_size(raw_size) == words


@pytest.mark.parametrize(
    ("size", "price", "yes"),
    [
        ("40 lb", 0.99, False),  # bananas: the crate
        ("18 lb", 4.61, False),  # grapes
        ("48 ct", 0.50, False),  # onions
        ("10 lb", 1.99, True),  # potatoes on offer
        ("16 oz", 2.00, True),  # strawberries
        ("4 ct", 2.99, True),  # tomatoes
        ("8 x 1 lb", 2.00, False),  # a tray of punnets
        ("", 1.00, True),
    ],
)
def test_the_size_of_a_delivery_case_is_told_by_the_price(size: str, price: float, yes: bool) -> None:
    """Nobody gets forty pounds of bananas for a dollar."""
    assert believable(size, price) is yes


# --- titles ----------------------------------------------------------------------------------------------------------


def test_a_title_names_kind_size_and_the_store_s_own_brand() -> None:
    """What a shopper would say."""
    assert titles(raw("1")) == ["White Milk, 1 gal (store brand)"]


def test_a_maker_is_named_only_where_makers_differ() -> None:
    """The data know makers by number: honest, but no help where there is only one."""
    alone = raw("1", store_brand=False, maker="5")
    assert titles(alone) == ["White Milk, 1 gal"]
    assert titles(alone, raw("2", store_brand=False, maker="6")) == [
        "White Milk, 1 gal (Brand 5)",
        "White Milk, 1 gal (Brand 6)",
    ]


def test_the_best_seller_of_a_name_goes_without_a_number() -> None:
    """The others are varieties two, three and so on, by how often they are sold."""
    assert titles(raw("1", lines=3), raw("2", lines=90), raw("3", lines=8)) == [
        "White Milk, 1 gal (store brand, variety 3)",
        "White Milk, 1 gal (store brand)",
        "White Milk, 1 gal (store brand, variety 2)",
    ]


def test_goods_without_a_maker_get_no_brand() -> None:
    """Loose bananas carry the till's catch-all number, which is no brand; the crate's size is not theirs either."""
    banana = raw("4011", "BANANAS", maker="2", store_brand=False, department="PRODUCE", category="TROPICAL FRUIT",
                 size="40 LB", price=0.99)  # fmt: skip
    assert describe_products([banana]) == [
        Described("4011", "Bananas", "Fruit > Bananas & Tropical Fruit > Bananas", "", "bananas-4011")
    ]


def test_packed_produce_keeps_its_size() -> None:
    """A bag of popcorn from the produce wall is what the label says."""
    popcorn = raw("1", "POPCORN - MICROWAVE", department="PRODUCE", category="POPCORN", size="3 PK/3.5 OZ", price=1.0)
    assert titles(popcorn) == ["Microwave Popcorn, 3 x 3.5 oz (store brand)"]


def test_a_size_is_not_said_twice() -> None:
    """Two liters are two liters, and a pack that is counted needs no word for it."""
    cola = raw("1", "SFT DRNK 2 LITER BTL CARB INCL", category="SOFT DRINKS", size="2 L")
    cans = raw("2", "SOFT DRINKS 12/18&15PK CAN CAR", category="SOFT DRINKS", size="12 PK/12 OZ")
    assert titles(cola, cans) == ["Soft Drink, 2 Liter Bottle (store brand)", "Soda Cans, 12 x 12 oz (store brand)"]


def test_category_levels_do_not_repeat_and_handles_are_unique() -> None:
    """A path says each thing once; the id makes a handle unique where titles differ only in brackets."""
    yogurts = [raw(str(number), "YOGURT NOT MULTI-PACKS", category="YOGURT", size="6 OZ") for number in range(3)]
    described = describe_products(yogurts)
    assert {one.category for one in described} == {"Dairy & Eggs > Yogurt"}
    assert [one.handle for one in described] == ["yogurt-6-oz-0", "yogurt-6-oz-1", "yogurt-6-oz-2"]
    assert {one.brand for one in described} == {"Store brand"}
