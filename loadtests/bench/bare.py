"""A bare Starlette route with the bytes of a real answer: what uvicorn and Starlette alone take of each request.

In: PORT, and ANSWER, a file. Out: a server that answers the product page's path with the file's bytes. The settings are
those `python -m edge` gives uvicorn; only what the application does is missing.
"""

import os
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BODY = Path(os.environ.get("ANSWER", os.devnull)).read_bytes()


async def page(request: Request) -> Response:
    """The same to everybody."""
    return Response(_BODY, media_type="application/json")


app = Starlette(routes=[Route("/v1/recommendations/pdp", page), Route("/readyz", page)])

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=["127.0.0.1", "::1"],
    )
