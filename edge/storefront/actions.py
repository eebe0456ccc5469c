"""What the shop's forms do: cart, checkout, login, consent. Each answers a form with a redirect, a script with JSON.

In: a POST from the shop's own pages. Out: cookies. Posts from other sites are refused, whatever they ask for.
"""

import secrets
from urllib.parse import parse_qs, urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge.storefront.goods import Goods
from edge.storefront.households import Households
from edge.storefront.visitor import (
    MOST_OF_ONE,
    Visitor,
    read_visitor,
    set_cart,
    set_consent,
    set_household,
    set_order,
)

_Form = dict[str, str]


async def change_cart(request: Request) -> Response:
    """POST product and quantity: `add` puts more of it in, `set` makes it so many, 0 takes it out."""
    form, visitor, goods = await _read(request)
    product = goods.by_id.get(form.get("product", ""))
    if product is None:
        raise HTTPException(404, "this product is not sold here")
    cart = dict(visitor.cart)
    quantity = _quantity(form.get("quantity", "1"))
    if form.get("mode") == "set":
        cart[product.id] = quantity
    else:
        cart[product.id] = cart.get(product.id, 0) + quantity
    cart[product.id] = min(cart[product.id], MOST_OF_ONE)
    if not cart[product.id]:
        del cart[product.id]
    told = {"pieces": sum(cart.values()), "product": product.id, "title": product.title}
    response = _answer(request, form, told, "/cart")
    set_cart(response, cart)
    return response


async def check_out(request: Request) -> Response:
    """POST: the cart becomes an order. Nothing is paid or sent: it is a demo."""
    form, visitor, _ = await _read(request)
    if not visitor.cart:
        return _answer(request, form, {"order": None}, "/cart")
    order_id = secrets.token_hex(8)
    response = _answer(request, {}, {"order": order_id}, f"/orders/{order_id}")
    set_order(response, order_id, visitor.cart)
    set_cart(response, {})
    return response


async def log_in(request: Request) -> Response:
    """POST household: be that one; empty: nobody. Unknown ones lead back to the picker, which says so."""
    form, _, _ = await _read(request)
    household = form.get("household", "").strip()
    households: Households = request.app.state.households
    if household and not households.known(household):
        return RedirectResponse("/account?unknown=1", 303)
    response = _answer(request, form, {"household": household or None}, "/")
    set_household(response, household or None)
    return response


async def consent(request: Request) -> Response:
    """POST the purposes that are allowed, each as a field of its name; those that are missing are not."""
    form, _, _ = await _read(request)
    response = _answer(request, form, {"consent": sorted(set(form) - {"next"})}, "/account")
    set_consent(response, form)
    return response


async def _read(request: Request) -> tuple[_Form, Visitor, Goods]:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "only the shop's own pages may post here")
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise HTTPException(400, "the form cannot be read; send it URL-encoded as UTF-8") from error
    goods: Goods = request.app.state.goods
    return {name: values[-1] for name, values in fields.items()}, read_visitor(request.cookies, goods), goods


def _quantity(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, "a quantity is a whole number from 0")
    return min(int(text[:4]), MOST_OF_ONE)


def _answer(request: Request, form: _Form, told: dict[str, object], page: str) -> Response:
    """JSON where a script asks, else back to the page the form names, on this site only."""
    if request.headers.get("accept", "").startswith("application/json"):
        return Response(msgspec.json.encode(told), media_type="application/json", headers={"Cache-Control": "no-store"})
    wanted = form.get("next", "")
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return RedirectResponse(wanted if ours else page, 303)
