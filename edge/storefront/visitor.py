"""What the shop's own cookies say: who is logged in, what the shopper allows, what is in the cart, the last order.

In: a request's cookies. Out: `Visitor`; and the cookies to set. Nothing here is secret: the picker lets anybody be any
household of the public data. Cookies that cannot be read count as none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.responses import Response

from edge.core.events import PURPOSES
from edge.storefront.goods import Goods

HOUSEHOLD, CONSENT, CART, ORDER = "household", "consent", "cart", "order"
SWITCHES = ("personalization", "analytics")  # what the shop asks for; it sends no marketing
MOST_LINES, MOST_OF_ONE = 50, 99
_YEAR_S = 31_536_000


@dataclass(frozen=True)
class Visitor:
    """One shopper's state. `consent` is None until the shopper has chosen; `cart` is product id -> quantity."""

    household: str | None
    consent: tuple[str, ...] | None
    cart: Mapping[str, int]
    order: tuple[str, Mapping[str, int]] | None

    @property
    def allowed(self) -> str:
        """The purposes allowed, as a comma list."""
        return ",".join(self.consent or ())

    @property
    def pieces(self) -> int:
        """How many things are in the cart."""
        return sum(self.cart.values())


def read_visitor(cookies: Mapping[str, str], goods: Goods) -> Visitor:
    """The shopper behind these cookies; cart lines of products the shop no longer has are left out."""
    consent = cookies.get(CONSENT)
    order_id, _, lines = cookies.get(ORDER, "").partition("!")
    return Visitor(
        household=unquote(cookies[HOUSEHOLD]) if cookies.get(HOUSEHOLD) else None,
        consent=None if consent is None else tuple(one for one in SWITCHES if one in consent.split(".")),
        cart=_unpack(cookies.get(CART, ""), goods),
        order=(order_id, _unpack(lines, goods)) if order_id else None,
    )


def set_cart(response: Response, cart: Mapping[str, int]) -> None:
    """Keep the cart, within bounds."""
    kept = dict(list(cart.items())[:MOST_LINES])
    _set(response, CART, _pack(kept))


def set_order(response: Response, order_id: str, cart: Mapping[str, int]) -> None:
    """Keep what was just ordered, for the page that says thank you."""
    _set(response, ORDER, f"{order_id}!{_pack(cart)}")


def set_household(response: Response, household: str | None) -> None:
    """Log in, or out."""
    _set(response, HOUSEHOLD, quote(household or "", safe=""))


def set_consent(response: Response, purposes: Iterable[str]) -> None:
    """Keep what the shopper allows; `none` says that the question was answered."""
    asked = set(purposes)
    _set(response, CONSENT, ".".join(one for one in PURPOSES if one in SWITCHES and one in asked) or "none")


def _set(response: Response, name: str, value: str) -> None:
    if value:
        response.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax")
    else:
        response.delete_cookie(name, httponly=True, samesite="lax")


def _pack(lines: Mapping[str, int]) -> str:
    return ".".join(f"{quote(id_, safe='').replace('.', '%2E')}:{count}" for id_, count in lines.items())


def _unpack(value: str, goods: Goods) -> dict[str, int]:
    lines: dict[str, int] = {}
    for part in value.split(".")[:MOST_LINES]:
        id_, _, count = part.rpartition(":")
        quantity = min(int(count[:4]), MOST_OF_ONE) if count.isascii() and count.isdigit() else 0
        if quantity and (id_ := unquote(id_)) in goods.by_id:
            lines[id_] = quantity
    return lines
