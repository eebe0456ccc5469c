"""The headless storefront page, on the shop's origin: it asks the edge's `/v1` itself, without the app proxy.

In: `edge/web/headless.html`, and where the edge is. Out: the page, allowed to talk to that edge. The edge has to let
this origin read: ENDCAP_ORIGINS, which `scripts/demo` sets.
"""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from edge.storefront.settings import Settings

_PAGE = Path(__file__).parents[1] / "web" / "headless.html"
_ENDPOINT = 'name="endcap-endpoint" content="http://127.0.0.1:8000"'  # what the page says for those who copy it


async def headless(request: Request) -> Response:
    """GET /headless."""
    settings: Settings = request.app.state.settings
    edge = settings.storefront_edge.rstrip("/")
    text = _PAGE.read_text().replace(_ENDPOINT, f'name="endcap-endpoint" content="{escape(edge)}"')
    policy = (
        f"default-src 'none'; script-src 'unsafe-inline' {edge}; style-src 'unsafe-inline'; img-src 'self' data:; "
        f"connect-src {edge}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type="text/html")
