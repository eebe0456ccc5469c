"""From templates to HTML: the environment, money, picture addresses, and the headers every page has."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from edge.core.products import Product
from edge.storefront.goods import Department
from edge.storefront.tiles import address

_HERE = Path(__file__).parent
# No script and no style but our own files; pages may only talk to the shop itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def render(template: str, status: int, fields: dict[str, Any]) -> Response:
    """One page."""
    text = _environment().get_template(template).render(fields)
    return Response(text, status, _HEADERS, media_type="text/html")


def money(amount: float, currency: str) -> str:
    """An amount as people read it."""
    sign = _SIGNS.get(currency)
    return f"{sign}{amount:,.2f}" if sign else f"{amount:,.2f} {currency}"


def picture(product: Product) -> str:
    """The address of a product's picture: its own, or the tile of its category."""
    return product.image or address(product.category)


def link(product: Product) -> str:
    """The address of a product's page in this shop, whatever the catalogue says of another."""
    return f"/products/{product.handle or product.id}"


def face(department: Department) -> str:
    """The picture of a department."""
    return address(department.name)


@cache
def asset(name: str) -> str:
    """A static file's address, which changes with the file."""
    digest = hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"face": face, "link": link, "picture": picture}
    environment.globals |= {"money": money, "asset": asset}
    return environment
