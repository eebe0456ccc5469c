"""Shopify's own recommendations, with our products: for scripts that read `/recommendations/products.json`.

In: a raw query with Shopify's names (`product_id`, `limit`, `intent`), ours beside them, and a path's locale. Out: the
`Query` that answers it; from an `Answer` the JSON that Shopify's endpoint gives. Source: Shopify, "Product
Recommendations API reference". Where it tells an error, the same words stand beside those of our problems.
"""

import re
from collections.abc import Iterable
from typing import Literal, get_args
from urllib.parse import parse_qs, unquote_to_bytes, urlencode

import msgspec

from edge.catalogue import Catalogue
from edge.core.products import Product
from edge.errors import InputError
from edge.page import Page
from edge.wire import Query, query_from_url

Intent = Literal["related", "complementary"]
_SLOTS: dict[Intent, tuple[str, ...]] = {
    "related": ("similar",),
    "complementary": ("bought_together", "complete_the_look"),
}
_MOST = 10
_OURS = (b"limit", b"intent", b"slots")  # read here, or not to be chosen here
_LOCALE = re.compile(r"([a-z]{2,3})(?:-([a-zA-Z]{2}))?")
_SAFE = 2**53  # larger whole numbers do not survive JavaScript


class DropInError(InputError):
    """What Shopify answers with 422, in Shopify's words."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(parameter, detail, status=422)


class _Variant(msgspec.Struct, frozen=True):
    id: int | str
    title: str
    option1: str
    option2: None
    option3: None
    sku: str
    featured_image: str | None
    available: bool
    name: str
    public_title: None
    options: tuple[str, ...]
    price: int
    compare_at_price: int | None


class _Option(msgspec.Struct, frozen=True):
    name: str
    position: int
    values: tuple[str, ...]


class ShopifyProduct(msgspec.Struct, frozen=True):
    """A product as Shopify's scripts know it. Prices are in hundredths, whatever the currency, as there."""

    id: int | str
    title: str
    handle: str
    description: str | None
    published_at: str | None
    created_at: str | None
    vendor: str
    type: str
    tags: tuple[str, ...]
    price: int
    price_min: int
    price_max: int
    available: bool
    price_varies: bool
    compare_at_price: int | None
    compare_at_price_min: int
    compare_at_price_max: int
    compare_at_price_varies: bool
    variants: tuple[_Variant, ...]
    images: tuple[str, ...]
    featured_image: str | None
    options: tuple[_Option, ...]
    url: str


class ShopifyAnswer(msgspec.Struct, frozen=True):
    """The answer of Shopify's endpoint."""

    intent: Intent
    products: list[ShopifyProduct]


def read_locale(path_locale: str | None) -> tuple[str | None, str | None]:
    """Locale and market of `/fr/...` or `/en-ca/...`, as `fr` and `en-CA`, `CA`. Raises InputError (404)."""
    if path_locale is None:
        return None, None
    match = _LOCALE.fullmatch(path_locale)
    if match is None:
        raise InputError("path", f"{path_locale[:16]!r} is no locale such as `fr` or `en-ca`", status=404)
    language, region = match.groups()
    return (f"{language}-{region.upper()}", region.upper()) if region else (language, None)


def read_query(raw: bytes, path_locale: str | None = None) -> tuple[Query, Intent]:
    """The question behind a raw query string. Unknown names are ignored, as Shopify does. Raises InputError."""
    locale, market = read_locale(path_locale)
    said = parse_qs(raw.decode("latin-1"))  # blanks count as not said
    if not said.get("product_id"):
        raise DropInError("product_id", "A product_id value is missing")
    intent = next((known for known in get_args(Intent) if known == said.get("intent", ["related"])[-1]), None)
    if intent is None:
        raise DropInError("intent", f"The intent parameter must be one of {', '.join(get_args(Intent))}")
    rest = b"&".join(part for part in raw.split(b"&") if unquote_to_bytes(part.partition(b"=")[0]) not in _OURS)
    query = query_from_url("pdp", rest, lenient=True)
    return msgspec.structs.replace(
        query,
        slots=_SLOTS[intent],
        limit=_limit(said.get("limit", [""])[-1]),
        locale=query.locale or locale,
        market=query.market or market,
    ), intent


def shopify_answer(
    answer: Page, query: Query, intent: Intent, catalogue: Catalogue, path_locale: str | None = None
) -> ShopifyAnswer:
    """An answer in Shopify's shape: its shelves in order as one list."""
    base = f"/{path_locale}" if path_locale else ""
    found = [(catalogue.get(item.id), slot) for slot in answer.slots for item in slot.items]
    products = [
        _product(product, base, (("pr_prod_strat", slot.id), ("pr_rec_id", slot.attribution_token)), query.product_id)
        for product, slot in found
        if product is not None
    ]
    return ShopifyAnswer(intent, products[: query.limit])


def _limit(text: str) -> int:
    """1 to 10, and 10 where none is named or it is no number."""
    return min(max(int(text), 1), _MOST) if text.isascii() and text.isdigit() and len(text) < 10 else _MOST


def _product(product: Product, base: str, tracked: Iterable[tuple[str, str]], page: str | None) -> ShopifyProduct:
    price = _hundredths(product.price)
    was = None if product.compare_at_price is None else _hundredths(product.compare_at_price)
    default = "Default Title"  # Shopify's name for the one variant of a product without options
    variant = _Variant(
        id=_id(product.variant_id or product.id),
        title=default,
        option1=default,
        option2=None,
        option3=None,
        sku="",
        featured_image=None,
        available=product.available,
        name=product.title,
        public_title=None,
        options=(default,),
        price=price,
        compare_at_price=was,
    )
    return ShopifyProduct(
        id=_id(product.id),
        title=product.title,
        handle=product.handle,
        description=None,
        published_at=None,
        created_at=None,
        vendor=product.brand,
        type=product.category.split(" > ")[-1],
        tags=(),
        price=price,
        price_min=price,
        price_max=price,
        available=product.available,
        price_varies=False,
        compare_at_price=was,
        compare_at_price_min=was or 0,
        compare_at_price_max=was or 0,
        compare_at_price_varies=False,
        variants=(variant,),
        images=(product.image,) if product.image else (),
        featured_image=product.image,
        options=(_Option("Title", 1, (default,)),),
        url=_url(product, base, (*tracked, ("pr_rec_pid", product.id), ("pr_ref_pid", page or ""))),
    )


def _id(text: str) -> int | str:
    """A number, as scripts expect, where JavaScript keeps it whole and it says the same; else the text."""
    whole = text.isascii() and text.isdigit() and len(text) <= 16 and str(int(text)) == text and int(text) <= _SAFE
    return int(text) if whole else text


def _hundredths(amount: float) -> int:
    """Shopify's unit for every currency: a yen is 100, a Kuwaiti fils a tenth and rounded."""
    return int(f"{amount:.2f}".replace(".", ""))


def _url(product: Product, base: str, tracked: Iterable[tuple[str, str]]) -> str:
    """The product's address with Shopify's names for where a visit came from; `pr_rec_id` is our attribution token."""
    url, mark, fragment = (product.url or f"/products/{product.handle or product.id}").partition("#")
    if base and url.startswith("/") and not url.startswith(("//", f"{base}/")):
        url = base + url
    query = urlencode([*tracked, ("pr_seq", "uniform")], errors="surrogatepass")
    return f"{url}{'&' if '?' in url else '?'}{query}{mark}{fragment}"
