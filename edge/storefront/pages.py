"""The shop's pages, from the range and what the shopper's cookies say. Templates draw them.

In: GET requests. Out: HTML. A page holds everything but the shelves' products, which the theme script brings; in each
shelf stand popular products as links, for when it cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge.core.index import SEPARATOR
from edge.core.products import Product
from edge.storefront.goods import Goods, slug
from edge.storefront.render import money, render
from edge.storefront.visitor import read_visitor

PER_PAGE = 24
ON_SHELF = 8
_HERO = (
    "fruit--apples--red-apples-0",
    "bread-bakery--fresh-bread--bread-1",
    "vegetables--carrots--carrots-2",
    "dairy-eggs--milk-cream--milk-5",
    "drinks--coffee--coffee-beans-7",
    "flowers-garden--cut-flowers--tulips-3",
)


@dataclass(frozen=True)
class Sheet:
    """One page of a long list."""

    products: tuple[Product, ...]
    number: int
    last: int
    total: int


async def home(request: Request) -> Response:
    """GET /: hero, departments, shelves."""
    goods = _goods(request)
    return _page(request, "home", popular=goods.popular(ON_SHELF), more=_second(goods), hero_tiles=_HERO)


async def department(request: Request) -> Response:
    """GET a department, or one aisle of it."""
    goods = _goods(request)
    found = goods.departments.get(request.path_params["department"])
    aisle = found.aisles.get(request.path_params.get("aisle", "")) if found else None
    if found is None or ("aisle" in request.path_params and aisle is None):
        raise HTTPException(404)
    sheet = _sheet(request, (aisle or found).products)
    return _page(request, "department", here=found, aisle=aisle, sheet=sheet)


async def product(request: Request) -> Response:
    """GET one product."""
    goods = _goods(request)
    handle = request.path_params["handle"]
    found = goods.by_handle.get(handle)
    if found is None:
        if handle in goods.by_id:  # links that name the id lead to the product's own address
            return RedirectResponse(f"/products/{goods.by_id[handle].handle}", 308)
        raise HTTPException(404)
    here, levels = goods.department_of(found), found.category.split(SEPARATOR)
    popular = goods.popular(ON_SHELF * 2, department=here, but=[found.id])
    aisle = here.aisles.get(slug(levels[1])) if here and len(levels) > 1 else None
    kind = levels[-1] or found.title
    return _page(request, "product", product=found, here=here, aisle=aisle, kind=kind, popular=popular)


async def search(request: Request) -> Response:
    """GET /search?q=: products by words of their titles."""
    text = request.query_params.get("q", "").strip()[:100]
    found = tuple(_goods(request).search(text))
    return _page(request, "search", text=text, sheet=_sheet(request, found), popular=_goods(request).popular(ON_SHELF))


async def cart(request: Request) -> Response:
    """GET /cart."""
    goods = _goods(request)
    in_cart = read_visitor(request.cookies, goods).cart
    lines = _lines(goods, in_cart)
    popular = goods.popular(ON_SHELF, but=in_cart)
    return _page(request, "cart", lines=lines, subtotal=_subtotal(lines), ids=",".join(in_cart), popular=popular)


async def account(request: Request) -> Response:
    """GET /account: the household picker and the consent switches, also without scripts."""
    wanted = request.query_params.get("next", "/")
    return _page(request, "account", unknown="unknown" in request.query_params, next_url=wanted)


async def order(request: Request) -> Response:
    """GET the order just made: the only one this browser knows."""
    goods = _goods(request)
    placed = read_visitor(request.cookies, goods).order
    if placed is None or placed[0] != request.path_params["order_id"]:
        raise HTTPException(404)
    lines = _lines(goods, placed[1])
    popular = goods.popular(ON_SHELF, but=placed[1])
    return _page(request, "order", order_id=placed[0], lines=lines, subtotal=_subtotal(lines), popular=popular)


async def missing(request: Request, error: Exception) -> Response:
    """What there is instead of a page that is not there."""
    return _page(request, "missing", HTTPStatus.NOT_FOUND, popular=_goods(request).popular(ON_SHELF))


def _page(request: Request, name: str, status: int = 200, **fields: object) -> Response:
    goods = _goods(request)
    visitor = read_visitor(request.cookies, goods)
    query = f"?{request.url.query}" if request.url.query else ""
    fields = fields | {
        "page": name,
        "goods": goods,
        "visitor": visitor,
        "households": request.app.state.households,
        "here_url": request.url.path + query if request.method == "GET" else "/",
    }
    return render(f"{name}.html.jinja", status, fields)


def _goods(request: Request) -> Goods:
    goods: Goods = request.app.state.goods
    return goods


def _second(goods: Goods) -> list[Product]:
    """Popular products again, others than those of the first shelf."""
    first = [one.id for one in goods.popular(ON_SHELF)]
    return goods.popular(ON_SHELF * 2, but=first)[-ON_SHELF:]


def _subtotal(lines: list[tuple[Product, int]]) -> str:
    currency = lines[0][0].currency if lines else "USD"
    return money(sum(round(one.price * quantity, 2) for one, quantity in lines), currency)


def _lines(goods: Goods, lines: Mapping[str, int]) -> list[tuple[Product, int]]:
    return [(goods.by_id[id_], quantity) for id_, quantity in lines.items()]


def _sheet(request: Request, products: tuple[Product, ...]) -> Sheet:
    wanted = request.query_params.get("page", "1")
    last = max(1, -(-len(products) // PER_PAGE))
    number = min(max(int(wanted[:6]), 1), last) if wanted.isascii() and wanted.isdigit() else 1
    return Sheet(products[(number - 1) * PER_PAGE : number * PER_PAGE], number, last, len(products))
