"""How much a request may be and how long it may take to arrive; beyond it there is a clear 4xx.

In: settings. Out: `Limits`, which the server's protocol keeps (408, 414, 431), `only_plain` (415) and `read_body`
(413). `edge.wire` and `edge.core.events` keep those of lists, texts and nesting (400).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import InputError

if TYPE_CHECKING:  # the protocol needs no Starlette
    from starlette.requests import Request

MAX_URL = 8_192  # bytes; our own script asks with POST from 4,000 on
MAX_HEADERS = 100
MAX_PIPELINED = 32  # requests of one connection that wait for the answer before; each costs memory and time
MAX_UNREAD = 16 << 20  # bytes of a body that are thrown away after it was refused, before the connection is cut


@dataclass(frozen=True)
class Limits:
    """`head_bytes`: request line and headers; `read_s`: from a request's first byte to its last."""

    head_bytes: int = 32_768
    read_s: float = 8.0


def only_plain(request: "Request") -> None:
    """Raises InputError (415) for a compressed body: it could become any size."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise InputError("Content-Encoding", "send the body as it is, not compressed", status=415)


async def read_body(request: "Request", limit: int) -> bytes:
    """The body of a POST, at most `limit` bytes. Raises InputError (413), if by its announcement before it is read."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and (len(announced) > 12 or int(announced) > limit):
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> InputError:
    return InputError("body", f"above {limit:,} bytes; send less at once", status=413)
