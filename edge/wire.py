"""The HTTP contract's shapes: what a request may say, what an answer looks like, and how both are read and written.

In: a raw query string or a JSON body. Out: `Query`, validated, or InputError that names the parameter and the remedy.
"""

from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

import msgspec

from edge.core.events import PURPOSES, Id, Price, Purpose
from edge.core.switches import SURFACES, Surface
from edge.errors import InputError
from edge.slots import slots_of

MAX_LIMIT = 50
MAX_BATCH = 20
_Ids = Annotated[tuple[Id, ...], msgspec.Meta(max_length=200)]


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conditions every shown product must meet. `category` matches any level of a product's category path.

    `in_stock` is understood and changes nothing: what is not available is never shown.
    """

    in_stock: bool = True
    category: str | None = None
    brand: str | None = None
    price_min: Price | None = None
    price_max: Price | None = None


NO_FILTER = Filter()


class CartLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the cart, as carts have them."""

    product_id: Id
    variant_id: Id | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1)] = 1
    price: Price | None = None


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to recommend for. `session` is this visit's product ids, newest last; `rev` only keeps caches apart."""

    surface: Surface
    product_id: Id | None = None
    product_ids: _Ids = ()
    lines: Annotated[tuple[CartLine, ...], msgspec.Meta(max_length=200)] = ()
    visitor_id: Id | None = None
    customer_id: Id | None = None
    session: _Ids = ()
    consent: tuple[Purpose, ...] = ()
    market: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    locale: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    slots: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)] = 8
    exclude: _Ids = ()
    filter: Filter = NO_FILTER
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    fallback: Literal["popular", "none"] = "popular"
    rev: Annotated[str, msgspec.Meta(max_length=64)] | int | None = None
    key: str | None = None
    shopper_token: str | None = None

    @property
    def cart(self) -> tuple[str, ...]:
        """The cart's product ids, from `product_ids` or `lines`, each once."""
        if not (self.product_ids or self.lines):
            return ()
        return tuple(dict.fromkeys((*self.product_ids, *(line.product_id for line in self.lines))))


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several questions in one request; each is answered on its own."""

    requests: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]


class Item(msgspec.Struct, frozen=True, gc=False):
    """One recommended product; `product` is the live card, already encoded."""

    id: str
    score: float
    reason: str
    product: msgspec.Raw


class Slot(msgspec.Struct, frozen=True):
    """One shelf of the answer."""

    id: str
    title: str
    served_by: Literal["personal", "session", "context", "popular"]
    attribution_token: str
    items: list[Item]


class Answer(msgspec.Struct, frozen=True):
    """The whole answer; the same for the same question, so that an ETag means something."""

    surface: str
    model_version: str | None
    degraded: list[str]
    slots: list[Slot]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem. `parameter` names what to mend."""

    title: str
    status: int
    detail: str
    parameter: str | None = None
    type: str = "about:blank"


_PARAMETERS = tuple(name for name in Query.__struct_fields__ if name not in ("surface", "lines"))
_KNOWN = frozenset(_PARAMETERS)
_LISTS = frozenset({"product_ids", "session", "consent", "slots", "exclude"})
_IDS = frozenset({"product_id", "visitor_id", "customer_id"})
_ID_LENGTH = 128  # of which letter by letter any that is printable may be in an `Id`
_PURPOSES = frozenset(PURPOSES)
_MAX_FIELDS = 50


def query_from_url(surface: str, raw_query: bytes, *, lenient: bool = False) -> Query:
    """Read a GET. Comma-separated lists; `filter` is a JSON object; `lenient` skips others. Raises InputError."""
    fields: dict[str, object] = {"surface": surface}
    try:
        pairs = read_pairs(raw_query)
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError("query", f"the query string cannot be read ({error}); percent-encode it as UTF-8") from error
    if query := _plain(surface, pairs):
        return query
    for name, value in pairs:
        if name not in _KNOWN:
            if lenient:
                continue
            raise InputError(name[:64], f"unknown parameter; known here: {', '.join(_PARAMETERS)}")
        if name in fields:
            raise InputError(name, "given twice; give it once, lists are comma-separated")
        if value == "" and name != "key":
            continue  # an empty template variable means the parameter is not set
        if name in _LISTS:
            fields[name] = [part for part in value.split(",") if part]
        elif name == "filter":
            fields[name] = decode_json(value.encode(), dict[str, object], parameter="filter")
        else:
            fields[name] = value
    return _convert(fields, strict=False)


def _plain(surface: str, pairs: list[tuple[str, str]]) -> Query | None:
    """The query of most pages: ids, each given once, and purposes. None where there is anything else to look at."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name == "consent" and value in _PURPOSES:
            found[name] = (value,)
        elif name in _IDS and 0 < len(value) <= _ID_LENGTH and value.isascii() and value.isprintable():
            found[name] = value
        else:
            return None
    if len(found) < len(pairs) or surface not in SURFACES or (surface == "pdp" and "product_id" not in found):
        return None
    return Query(surface, **found)


def read_pairs(raw_query: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string, as urllib's `parse_qsl` reads it, blanks kept, in half the time.

    Raises ValueError for more than 50 fields and for what is no UTF-8.
    """
    text = raw_query.decode("ascii")
    if text.count("&") >= _MAX_FIELDS:
        raise ValueError("Max number of fields exceeded")
    split = [part.partition("=") for part in text.split("&") if part]
    if "%" in text or "+" in text:
        return [(_unquoted(name), _unquoted(value)) for name, _, value in split]
    return [(name, value) for name, _, value in split]


def _unquoted(text: str) -> str:
    return unquote(text.replace("+", " "), errors="strict")


def query_from_body(surface: str | None, body: bytes | msgspec.Raw) -> Query:
    """Read a POST, or one member of a batch (which names its own surface). Raises InputError."""
    fields = decode_json(body, dict[str, object], parameter="body")
    if surface is not None and fields.setdefault("surface", surface) != surface:
        raise InputError(
            "surface", f"{fields['surface']!r} in the body, {surface!r} in the path; leave it out of the body"
        )
    return _convert(fields, strict=True)


def _convert(fields: dict[str, object], *, strict: bool) -> Query:
    try:
        query = msgspec.convert(fields, Query, strict=strict)
    except msgspec.ValidationError as error:
        raise _validation_error(error, "surface") from error
    known = slots_of(query.surface)
    for slot in query.slots:
        if slot not in known:
            raise InputError("slots", f"{slot!r} is no shelf of {query.surface}; its shelves are {', '.join(known)}")
    if query.surface == "pdp" and query.product_id is None:
        raise InputError("product_id", "needed for surface pdp: the product the page shows")
    return query


_T = TypeVar("_T")


def decode_json(data: bytes | msgspec.Raw, type_: type[_T], *, parameter: str) -> _T:
    """Strict JSON of a given shape. Raises InputError naming the place; never lets a decoder's own error out."""
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        raise _validation_error(error, parameter) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(parameter, f"not valid JSON: {error}") from error
    except RecursionError:
        raise InputError(parameter, "nested too deeply; the contract needs three levels") from None


def _validation_error(error: msgspec.ValidationError, parameter: str) -> InputError:
    """msgspec says "Expected `int` <= 50 - at `$.limit`": the place becomes the parameter."""
    detail, _, place = str(error).partition(" - at `$")
    place = place.strip("`.").removeprefix("[...]")  # which member of an object it was, msgspec does not say
    if "unknown field" in detail:
        place = detail.split("`")[1]
        detail = "unknown field; see /openapi.json for the known ones"
    elif "required field" in detail:
        place = f"{place}.{detail.split('`')[1]}".strip(".")
    return InputError(place or parameter, detail)


def check_id(parameter: str, value: str) -> str:
    """The value, where it may be an id. Raises InputError."""
    try:
        return msgspec.convert(value, Id)
    except msgspec.ValidationError as error:
        raise InputError(parameter, f"{error}; ids are 1 to 128 characters without control characters") from error


def problem(status: int, title: str, detail: str, parameter: str | None = None) -> bytes:
    """The body of an `application/problem+json` answer."""
    return msgspec.json.encode(Problem(title=title, status=status, detail=detail, parameter=parameter))
