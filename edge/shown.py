"""What a request shows to be let in: headers, or a key and a shopper's token in its query or body.

In: an ASGI scope and, of a POST, the body. Out: `Shown`, undecided: `edge.doors` judges it. Pages name their key beside
their question (`key=`, or `"key"` in a body), because a header would cost them a preflight, and a beacon has none.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from edge.core.access import PREFIX, PUBLISHABLE

Scope = Mapping[str, Any]  # of ASGI


class _Said(msgspec.Struct, frozen=True):
    """What a body says of its sender; whatever else is in it is read later."""

    key: str | None = None
    shopper_token: str | None = None


class _Body(_Said, frozen=True):
    """A body, or a batch, whose members say it each."""

    requests: tuple[_Said, ...] = ()


_bodies = msgspec.json.Decoder(_Body)


class Shown(msgspec.Struct, frozen=True):
    """`keys`: each key shown, once; `authorization`: the header, where it holds a key; `tokens`: shopper tokens."""

    headers: Mapping[bytes, bytes]
    authorization: str | None
    keys: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    questions: int = 1  # how many there are in it, as far as was looked


_NOBODY: frozenset[str] = frozenset()


def read_shown(scope: Scope, body: bytes = b"") -> Shown:
    """What a request shows. Reads headers once, and query and body only where a key or token may be in them."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if len(headers) < len(scope["headers"]):  # sent twice, both together fit nothing
        headers = {name: b",".join(value for other, value in scope["headers"] if other == name) for name in headers}
    authorization = headers.get(b"authorization")
    text = None
    if authorization is not None and _bearer(authorization).startswith((PREFIX.encode(), PUBLISHABLE.encode())):
        text = authorization.decode("latin-1")
    query: bytes = scope["query_string"]
    said = body if b'"key"' in body or b'"shopper_token"' in body else b""
    if not said and b"key=" not in query and b"shopper_token=" not in query:
        return Shown(headers, text)
    keys, tokens, questions = _in_body(said) if said else (set(), set(), 1)
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if value and name in (b"key", b"shopper_token"):
            found = unquote_to_bytes(value).decode("utf-8", "replace")
            (keys if name == b"key" else tokens).add(found)
    return Shown(headers, text, frozenset(keys), frozenset(tokens), questions)


def _bearer(authorization: bytes) -> bytes:
    return authorization.partition(b" ")[2].strip()


def _in_body(body: bytes) -> tuple[set[str], set[str], int]:
    """Keys and tokens of a body, and its questions; none of one that is no JSON, which is refused for that later."""
    try:
        said = _bodies.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return set(), set(), 1
    all_ = (said, *said.requests)
    keys, tokens = ({getattr(one, name) for one in all_} - {None, ""} for name in ("key", "shopper_token"))
    return keys, tokens, max(1, len(said.requests))
