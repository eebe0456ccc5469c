"""What The Complete Journey's tills recorded that is not for a shelf: one table of rules, read from top to bottom.

In: a product's department, category and type as the data name them; a line's quantity and sales. Out: the name of the
first rule that leaves it out, or null. Beer and wine stay, as in the shop; spirits and tobacco are sold from behind a
counter and have no place on a homepage.
"""

from dataclasses import dataclass

import ibis
from ibis.expr.types import StringValue, Table


@dataclass(frozen=True)
class Rule:
    """Leaves out a product whose department, category or type is listed (exact names as in the data)."""

    name: str
    departments: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


NOT_FOR_A_SHELF = (
    Rule("fuel and propane", departments=("FUEL",), categories=("FUEL", "PROPANE"), types=("GASOLINE-REG UNLEADED",)),
    Rule(
        "gift, phone and prepaid cards",
        categories=("PREPAID WIRELESS&ACCESSORIES", "LONG DISTANCE CALLING CARDS"),
        types=(
            "ELECTRONIC GIFT CARDS ACTIVATI",
            "ELECTRONIC GIFT CARDS REFRESH",
            "OUTSIDE VENDORS GIFT CARDS",
            "MASTERCARD GIFT CARD",
            "AMERICAN EXPRESS GIFT CARD",
            "PHONE CARDS",
        ),
    ),
    Rule("bottle deposits", categories=("BOTTLE DEPOSITS",), types=("BOTTLE DEPOSITS", "CRV DEPOSIT NT/F")),
    Rule("tickets and lottery", categories=("TICKETS",), types=("TICKETS",)),
    Rule("photo finishing", categories=("IN-STORE PHOTOFINISHING", "OVERNIGHT PHOTOFINISHING")),
    Rule("charity", types=("DONATIONS",)),
    Rule(
        "coupons and till entries without a product",
        departments=("COUPON", "GM MERCH EXP"),
        categories=("COUPON", "COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "CONTINUITIES"),
        types=("MISC SALES TRANS", "PRODUCE DISCONTINUED ITEMS", "OUTGOING/INCOMING FTD"),
    ),
    Rule(
        "the store's own supplies",
        departments=("CNTRL/STORE SUP", "PROD-WHS SALES"),
        categories=("DELI SUPPLIES", "MEAT SUPPLIES", "PROD SUPPLIES"),
        types=("CENTRAL SUPPLIES", "PEYTON/GM EXPENSE ITEMS", "CONDIMENTS/SUPPLIES"),
    ),
    Rule(
        "other counters (post, photo, coffee shop, restaurant)",
        departments=("POSTAL CENTER", "PHOTO & VIDEO", "AUTOMOTIVE", "ELECT &PLUMBING", "RESTAURANT"),
        categories=("SERVICE BEVERAGE",),
    ),
    Rule("pharmacy counter", categories=("PHARMACY", "HOME HEALTH CARE")),
    Rule("tobacco and lighters", categories=("CIGARETTES", "CIGARS", "TOBACCO OTHER")),
    Rule("spirits", departments=("SPIRITS",)),
    Rule("fireworks", categories=("FIREWORKS",)),
    # Sold like anything else, but a shelf that names these says more about a shopper than the household should read.
    Rule("intimate health", categories=("FAMILY PLANNING", "ADULT INCONTINENCE")),
)
NAMELESS = "nothing says what it is (no department or no type)"
UNKNOWN = "sold, but not in the products table"
NO_QUANTITY = "line without quantity (0 or less)"
NO_SALE = "line without sale (sales at or below zero)"
NEVER_SOLD = "never sold: no price can be derived"
ALL_RULES = (*(rule.name for rule in NOT_FOR_A_SHELF), NAMELESS, UNKNOWN, NO_QUANTITY, NO_SALE, NEVER_SOLD)


def product_rule(products: Table) -> StringValue:
    """The rule that leaves a product out, or null."""
    matches = [
        (
            products.department.isin(rule.departments)
            | products.product_category.isin(rule.categories)
            | products.product_type.isin(rule.types),
            rule.name,
        )
        for rule in NOT_FOR_A_SHELF
    ]
    nameless = products.department.isnull() | products.product_type.isnull()
    # Null categories compare as null, which no case takes.
    return ibis.cases(*matches, (nameless, NAMELESS), else_=ibis.null("string"))


def line_rule(transactions: Table) -> StringValue:
    """The rule that leaves out a line of a product that is for a shelf, or null."""
    return ibis.cases(
        (transactions.quantity <= 0, NO_QUANTITY),
        (transactions.sales_value <= 0, NO_SALE),
        else_=ibis.null("string"),
    )
