"""Product pictures: one tile for a kind of product in one wrapping, drawn from the address alone.

In: `/tiles/<levels>-<wrapping>.svg`, the levels of the category path as slugs with `--` between. Out: an SVG, the same
for the same address for ever. The data of the demo have no photographs, and the footer says so.
"""

import hashlib
import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edge.core.index import SEPARATOR
from edge.storefront.colours import ground_of, wrapping_of
from edge.storefront.drawings import FRESH, shapes
from edge.storefront.kinds import drawing_of

_NAME = re.compile(r"([a-z0-9]+(?:--?[a-z0-9]+)*?)(?:-(\d{1,2}))?")
_MOST_NAME = 160
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}


async def tile(request: Request) -> Response:
    """GET one tile. Any well-formed name has one; a kind nobody drew is a parcel."""
    name = request.path_params["name"]
    match = _NAME.fullmatch(name) if len(name) <= _MOST_NAME else None
    if match is None:
        raise HTTPException(404)
    return Response(draw(match[1], int(match[2] or 0)), headers=_HEADERS, media_type="image/svg+xml")


def address(category: str) -> str:
    """The tile for a category path, where the catalogue names no picture."""
    levels = (re.sub(r"[^a-z0-9]+", "-", level.lower()).strip("-") for level in category.split(SEPARATOR))
    wrapping = hashlib.blake2s(category.encode(), digest_size=1).digest()[0] % 12
    return f"/tiles/{'--'.join(level for level in levels if level) or 'more'}-{wrapping}.svg"


def draw(kind: str, wrapping: int) -> str:
    """The SVG for a kind (slugs of the path, wide to narrow) in a wrapping (a colour and a label in one number)."""
    ground = ground_of(kind)
    colours = wrapping_of(wrapping, ground.accent)
    name = drawing_of(kind)
    drawn = shapes(name, colours)
    if name in FRESH and wrapping % 2:  # no two apples look the same way
        drawn = f'<g transform="matrix(-.94 0 0 .94 194 9.6)">{drawn}</g>'
    turn = hashlib.blake2s(kind.encode(), digest_size=1).digest()[0] + wrapping
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="400" height="400">'
        f'<rect width="200" height="200" fill="{ground.paper}"/>{_pattern(turn, ground.ink)}'
        f'<ellipse cx="100" cy="160" rx="52" ry="7" fill="#1d2a24" opacity=".13"/>{drawn}</svg>'
    )


def _pattern(turn: int, ink: str) -> str:
    """One of a few quiet grounds."""
    kind = turn % 4
    if kind == 0:
        return f'<circle cx="100" cy="98" r="{74 + turn % 3 * 4}" fill="{ink}"/>'
    if kind == 1:
        return f'<path d="M0 {128 + turn % 16}q50-26 100 0t100 0V200H0z" fill="{ink}"/>'
    if kind == 2:
        return f'<path d="M0 138H200V200H0z" fill="{ink}"/>'
    return f'<path d="M200 0V{60 + turn % 40}A{150} 150 0 0 1 {50 - turn % 30} 0z" fill="{ink}"/>'
