"""A shop's site for the tests of `<endcap-shelf>`: pages written by the test, and the edge at `/apps/endcap`.

In: the address of a running edge. Out: `Site`, which writes down every request and can be slow, ill or away.
"""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

BASE = "/apps/endcap"
_TILE = b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><rect width="4" height="3" fill="teal"/></svg>'
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/theme.css">
<script src="/config.js"></script><script type="module" src="{base}/endcap.js"></script></head>
<body>{body}</body></html>"""
_THEME = """body { margin: 0; font: 16px/1.5 sans-serif } main { padding: 1rem }
endcap-shelf { display: flow-root; min-height: 26rem }
.hero { height: 20rem } .far { height: 300vh }"""


@dataclass(frozen=True)
class Asked:
    """One request as the site got it."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Site:
    """What the shop's server has and does; all of it may be changed while it runs."""

    edge: str
    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)
    config: str = ""  # the script before the module: `window.endcap = ...`
    theme: str = _THEME
    policy: str | None = None  # Content-Security-Policy of the pages
    asked: list[Asked] = field(default_factory=list)
    refused: list[str] = field(
        default_factory=list
    )  # what the edge would not have: no module of ours sends such things
    # What becomes of a request to the edge: seconds to wait, a status instead of an answer, or None for no answer.
    weather: Callable[[Asked], float | int | None] = lambda _: 0.0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def to(self, part: str) -> list[Asked]:
        """The requests so far whose path contains `part`."""
        return [one for one in self.asked if part in one.path]

    def events(self, type_: str = "") -> list[dict[str, Any]]:
        """The events that came so far, of one type or all."""
        all_ = [event for one in self.to("/v1/events") for event in one.json["events"]]
        return [event for event in all_ if type_ in ("", event["type"])]

    def questions(self) -> list[Asked]:
        """The requests for shelves so far."""
        return self.to("/v1/recommendations")

    def page(self, path: str, body: str) -> str:
        """Put a page there; returns its address."""
        self.pages[path] = body
        return self.url + path


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site
    client: httpx.Client

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        query = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(self.command, parts.path, query, body)
        self.site.asked.append(asked)
        if parts.path.startswith(BASE):
            self._forward(asked, parts.query)
        elif parts.path in self.site.pages:
            page = _PAGE.replace("{base}", BASE).replace("{body}", self.site.pages[parts.path])
            policy = {"Content-Security-Policy": self.site.policy} if self.site.policy else {}
            self._answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8", **policy})
        elif parts.path in ("/config.js", "/theme.css"):
            script = parts.path == "/config.js"
            text, kind = (self.site.config, "text/javascript") if script else (self.site.theme, "text/css")
            self._answer(200, text.encode(), {"Content-Type": kind})
        elif parts.path.startswith("/tiles/"):
            self._answer(200, _TILE, {"Content-Type": "image/svg+xml"})
        elif parts.path.startswith("/cart/"):
            self._answer(200, body or b"{}", {"Content-Type": "application/json"})
        else:
            self._answer(404, b"", {})

    def _forward(self, asked: Asked, query: str) -> None:
        weather = self.site.weather(asked)
        if weather is None:
            self.close_connection = True
            return
        if isinstance(weather, int):
            self._answer(weather, b"<h1>Sorry</h1>", {"Content-Type": "text/html"})
            return
        time.sleep(weather)
        url = self.site.edge + asked.path.removeprefix(BASE) + (f"?{query}" if query else "")
        try:
            said = self.client.request(asked.method, url, content=asked.body)
        except (httpx.HTTPError, RuntimeError):  # the test is over: the edge, or the way to it, is gone
            self.close_connection = True
            return
        if said.status_code >= 400 or b'"rejected"' in said.content:
            self.site.refused.append(f"{asked.method} {asked.path} {asked.body!r}: {said.text}")
        names = ("content-type", "x-request-id", "cache-status", "server-timing", "etag")
        kept = {name: said.headers[name] for name in names if name in said.headers}
        self._answer(said.status_code, said.content, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        with contextlib.suppress(ConnectionError):  # the page has gone on
            self.send_response(status)
            for name, value in {"Cache-Control": "no-store", **headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextlib.contextmanager
def site(edge: str) -> Iterator[Site]:
    """A site in front of an edge, until the end of the block."""
    made = Site(edge)
    with httpx.Client() as client:
        handler = type("Handler", (_Handler,), {"site": made, "client": client})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            made.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            yield made
            server.shutdown()
            thread.join()
