"""What the plain format asks of each row, as one list of (reason, condition under which a row is refused) per file.

In: a table whose columns are trimmed text (null where empty). Out: typed columns, and the list of rules over them.
The first rule that holds is a row's reason. docs/data-format.md says the same in words; keep both in step.
"""

from datetime import datetime
from typing import get_args

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from edge.core.errors import EndcapError
from edge.core.events import MAX_LINES, PURPOSES, EventType, Source

Rule = tuple[str, BooleanValue]

EVENT_COLUMNS = ("event_id", "type", "time", "product_id", "visitor_id", "customer_id", "session_id", "order_id",
                 "variant_id", "quantity", "price", "discount", "currency", "consent", "source", "delivery_method",
                 "delivery_cost", "promised_days", "delivery_days")  # fmt: skip
EVENT_REQUIRED = ("event_id", "type", "time", "product_id")
PRODUCT_COLUMNS = ("id", "title", "price", "category", "brand", "currency", "available", "compare_at_price", "handle",
                   "url", "image", "variant_id", "listed")  # fmt: skip
PRODUCT_REQUIRED = ("id", "title", "price")

# These say what was done to a product, so one must be named; a home page view or a search may name none.
ABOUT_A_PRODUCT = ("detail-page-view", "add-to-cart", "remove-from-cart", "purchase-complete", "wishlist-add",
                   "return", "recommendation-click")  # fmt: skip
YES = ("true", "yes", "y", "1", "t")
NO = ("false", "no", "n", "0", "f")

_MAX_ID = 128
_MAX_PRICE = 1e9
_MAX_QUANTITY = 10_000
_MAX_DAYS = 400
_CONTROL = r"[\x00-\x1f\x7f]"
_LINK = r"^(/([^/\\]|$)|https?://)"  # two slashes lead to another site
_EARLIEST = datetime(2000, 1, 1)  # noqa: DTZ001 -- times in tables are UTC without a zone

TOO_MANY_LINES = f"more than {MAX_LINES} lines in one event"
DISAGREES = "type, time or shopper differ from the event's first row"
UNKNOWN_PRODUCT = "product is not in the products file"
DUPLICATE_PRODUCT = "product id appears before"


class DataError(EndcapError):
    """Input that cannot be used as a whole: a missing file or column, a wrong type, nothing left after the rules."""


def typed_events(text: Table) -> Table:
    """The text columns of the events file beside their parsed values (`at`, `units`, `unit_price`, ..., consents)."""
    words = text.consent.lower().re_replace(r"[\s\[\]'\"]", "").split(",")
    return text.mutate(
        # Through a zone, so that 10:00+02:00 becomes 08:00; a time without a zone counts as UTC.
        at=text.time.try_cast("timestamp('UTC')").cast("timestamp"),
        units=ibis.coalesce(text.quantity, "1").try_cast("float64"),
        unit_price=text.price.try_cast("float64"),
        unit_discount=text.discount.try_cast("float64"),
        shipping=text.delivery_cost.try_cast("float64"),
        promised=text.promised_days.try_cast("float64"),
        took=text.delivery_days.try_cast("float64"),
        purposes=words,
        **{purpose: ibis.coalesce(words.contains(purpose), False) for purpose in PURPOSES},
    )


def event_rules(t: Table, now: datetime) -> list[Rule]:
    """The rules of one row of the events file, over what `typed_events` gives."""
    return [
        *_id_rules(t.event_id, "event_id", required=True),
        ("missing type", t.type.isnull()),
        ("unknown type", t.type.notin(get_args(EventType))),
        ("missing time", t.time.isnull()),
        ("unreadable time", t.at.isnull()),
        ("time in the future", t.at > ibis.literal(now.replace(tzinfo=None))),
        ("time before the year 2000", t.at < ibis.literal(_EARLIEST)),
        ("neither visitor_id nor customer_id", t.visitor_id.isnull() & t.customer_id.isnull()),
        *_id_rules(t.visitor_id, "visitor_id"),
        *_id_rules(t.customer_id, "customer_id"),
        ("missing product_id", t.product_id.isnull() & t.type.isin(ABOUT_A_PRODUCT)),
        *_id_rules(t.product_id, "product_id"),
        *_id_rules(t.session_id, "session_id"),
        *_id_rules(t.order_id, "order_id"),
        *_id_rules(t.variant_id, "variant_id"),
        (f"quantity is not a whole number from 1 to {_MAX_QUANTITY:,}", ~_holds(
            (t.units % 1 == 0) & t.units.between(1, _MAX_QUANTITY))),
        *_price_rules(t.price, t.unit_price, "price"),
        *_price_rules(t.discount, t.unit_discount, "discount"),
        *_text_rules(t.delivery_method, "delivery_method", 64),
        *_price_rules(t.delivery_cost, t.shipping, "delivery_cost"),
        *_days_rules(t.promised_days, t.promised, "promised_days"),
        *_days_rules(t.delivery_days, t.took, "delivery_days"),
        ("bad currency", ~t.currency.re_search("^[A-Z]{3}$")),
        ("unknown consent word", t.consent.notnull() & _holds(
            t.purposes.filter(lambda word: word.notin(("", *PURPOSES))).length() > 0)),
        ("unknown source", t.source.notin(get_args(Source))),
    ]  # fmt: skip


def typed_products(text: Table) -> Table:
    """The text columns of the products file beside their parsed values."""
    return text.mutate(
        amount=text.price.try_cast("float64"),
        compare_amount=text.compare_at_price.try_cast("float64"),
        path=text.category.re_replace(r"^[\s>]+|[\s>]+$", "").re_replace(r"\s*(?:>\s*)+", " > ").nullif(""),
        listed_at=text.listed.try_cast("timestamp"),
    )


def product_rules(t: Table) -> list[Rule]:
    """The rules of one row of the products file, over what `typed_products` gives."""
    return [
        *_id_rules(t.id, "id", required=True),
        ("product without title", t.title.isnull()),
        *_text_rules(t.title, "title", 512),
        ("product without price", t.price.isnull()),
        *_price_rules(t.price, t.amount, "price"),
        *_price_rules(t.compare_at_price, t.compare_amount, "compare_at_price"),
        ("bad currency", ~t.currency.re_search("^[A-Z]{3}$")),
        *_text_rules(t.path, "category", 512),
        *_text_rules(t.brand, "brand", 256),
        ("available is neither true nor false", t.available.lower().notin((*YES, *NO))),
        *_text_rules(t.handle, "handle", 256),
        # A card's links end in a page's href and src: only web addresses and paths may stand there.
        ("url is neither a path nor http(s)", ~t.url.re_search(_LINK)),
        ("image is neither a path nor http(s)", ~t.image.re_search(_LINK)),
        *_id_rules(t.variant_id, "variant_id"),
        ("listed is not a date", t.listed.notnull() & t.listed_at.isnull()),
    ]


def first_reason(rules: list[Rule]) -> StringValue:
    """The reason of the first rule that holds for a row, or null."""
    return ibis.cases(*((condition, reason) for reason, condition in rules), else_=ibis.null("string"))


def _holds(condition: BooleanValue) -> BooleanValue:
    return ibis.coalesce(condition, False)


def _id_rules(value: StringValue, name: str, *, required: bool = False) -> list[Rule]:
    missing = [(f"missing {name}", value.isnull())] if required else []
    return [*missing, *_text_rules(value, name, _MAX_ID)]


def _text_rules(value: StringValue, name: str, longest: int) -> list[Rule]:
    return [
        (f"{name} is longer than {longest} characters", value.length() > longest),
        (f"control character in {name} (a line break, or a quote left open?)", value.re_search(_CONTROL)),
    ]


def _price_rules(text: StringValue, value: Value, name: str) -> list[Rule]:
    return [
        (f"{name} is not a number", text.notnull() & (value.isnull() | value.isnan())),
        (f"negative {name}", value < 0),
        (f"{name} is above 1,000,000,000", value > _MAX_PRICE),
    ]


def _days_rules(text: StringValue, value: Value, name: str) -> list[Rule]:
    good = _holds(value.between(0, _MAX_DAYS) & ~value.isnan())
    return [(f"{name} is not a number from 0 to {_MAX_DAYS}", text.notnull() & ~good)]
