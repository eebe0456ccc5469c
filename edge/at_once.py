"""What needs no waiting is answered where it is read: no task, no ASGI messages, one write.

In: the head of a request as the protocol has parsed it. Out: the bytes of the response, or None: then it goes the usual
way, through the app, which decides by the same functions. Most of what a kept page costs is what a server does to hand
a request over to an app and take the answer back; past the knee, that is what the excess costs.
"""

import logging
from http import HTTPStatus
from typing import Any

from edge import pages, respond
from edge.assembly import Edge
from edge.errors import InputError
from edge.middleware import Observed, random_ids, standing

logger = logging.getLogger("endcap.at_once")
_PATHS = {
    b"%s/v1/recommendations/%s" % (base, surface): f"{base.decode()}/v1/recommendations/{surface.decode()}"
    for base in (b"", b"/proxy")
    for surface in (b"pdp", b"cart", b"home")
}
_USUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"x-forwarded-for"})
_LINES = {int(status): b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


class AtOnce:
    """Answers for one process, while it is neither leaving nor asked by pages of other origins."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._ids, self._standing = random_ids(), standing(edge.settings.hsts_s)

    def __call__(self, scope: dict[str, Any], url: bytes, always: list[tuple[bytes, bytes]]) -> bytes | None:
        """The response to a GET; `always`: what the server says in each, such as the date."""
        raw_path, _, query = url.partition(b"?")
        path, edge = _PATHS.get(raw_path), self._edge
        if path is None or b"#" in query or edge.drain.leaving or edge.doors.origins:
            return None
        if any(name in _USUAL for name, _ in scope["headers"]):
            return None
        observed = Observed(path, scope["headers"], self._ids, self._standing)
        asked = scope | {"method": "GET", "path": path, "raw_path": raw_path, "query_string": query}
        try:
            reply = pages.at_once(edge, asked)
        except InputError as error:
            refusal = respond.refused(error)
            reply = respond.Reply(refusal.status_code, refusal.raw_headers, bytes(refusal.body))
        except Exception:  # a fault of ours fails again on the usual way, where it is answered and counted
            logger.exception("a page could not be answered at once")
            return None
        if reply is None:
            scope["endcap.asked"] = asked["endcap.asked"]
            return None
        parts = [_LINES[reply.status]]
        for name, value in (*always, *observed.headers(reply.status, reply.headers, leaving=False)):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", reply.body)
        return b"".join(parts)
