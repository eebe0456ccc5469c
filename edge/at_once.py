"""Pages are answered where they are read: no task, no ASGI messages, one write.

In: the head of a request as the protocol has parsed it. Out: the bytes of the response; `Underway`, where the store
must be asked first; or None: then it goes the usual way, through the app, which decides by the same functions. Most of
what a kept page costs is what a server does to hand a request over to an app and take the answer back; past the knee,
that is what the excess costs, and of any other page it is a part.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from edge import pages, respond
from edge.assembly import Edge
from edge.cors import readable
from edge.errors import InputError
from edge.excess import Excess
from edge.middleware import Headers, Observed, random_ids, standing
from edge.respond import Reply
from edge.turned_away import TurnedAway
from edge.underway import Underway

logger = logging.getLogger("endcap.at_once")
_PATHS = {
    b"%s/v1/recommendations/%s" % (base, surface): f"{base.decode()}/v1/recommendations/{surface.decode()}"
    for base in (b"", b"/proxy")
    for surface in (b"pdp", b"cart", b"home")
}
_USUAL = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_PEER = frozenset({b"x-forwarded-for"})  # in demo mode the server believes a proxy on this machine
_LINES = {int(status): b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


class AtOnce:
    """Answers for one process, while it is not leaving."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._ids, self._standing = random_ids(), standing(edge.settings.hsts_s)
        self._usual = _USUAL | _PEER if edge.doors.demo else _USUAL
        self.turned_away = TurnedAway(edge, self._ids)

    def __call__(
        self, scope: dict[str, Any], url: bytes, data: bytes, always: Headers, done: Callable[[Underway, bytes], None]
    ) -> bytes | Underway | None:
        """The response to a GET, or what makes it and then calls `done`.

        `data`: the bytes that it came in; `always`: the headers that the server gives each response, such as the date.
        """
        raw_path, _, query = url.partition(b"?")
        path, edge = _PATHS.get(raw_path), self._edge
        if path is None or b"#" in query or edge.drain.leaving:
            return None
        asked = dict(scope["headers"])
        if not self._usual.isdisjoint(asked):
            return None
        allowed = edge.doors.origins
        observed = Observed(path, scope["headers"], self._ids, self._standing)
        scope |= {"method": "GET", "path": path, "raw_path": raw_path, "query_string": query}

        def say(reply: Reply, last: bool) -> bytes:
            own = readable(reply.headers, asked.get(b"origin"), allowed) if allowed else reply.headers
            headers = observed.headers(reply.status, own, leaving=last)
            if isinstance(reply, Excess):
                self.turned_away.learn(data, scope, reply, headers[len(own) :])
            parts = [_LINES[reply.status]]
            for name, value in (*always, *headers):
                parts += (name, b": ", value, b"\r\n")
            parts += (b"\r\n", reply.body)
            return b"".join(parts)

        try:
            reply = pages.at_once(edge, scope)
        except InputError as error:
            reply = respond.plain(respond.refused(error))
        except Exception:  # because any error here is a fault of ours; nothing is lost: the usual way meets it again,
            # answers with 500, and counts it
            logger.exception("a page could not be answered at once")
            return None
        if reply is not None:
            return say(reply, False)
        if edge.store.trip is None:  # another client may wait for anything, and some of it only in a task
            return None
        underway = Underway(pages.shelves(edge, scope), say)
        return underway.begin(done) or underway
