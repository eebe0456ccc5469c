"""Shopify's app proxy: whether a request came through the shop, and who is logged in there.

In: the raw query string, never one put together again. Out: `Signed`, or NotSignedError with a reason that is for the
log only. Source: Shopify, "Authenticate app proxies"; where its own libraries differ, the Ruby one is followed.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from edge.errors import EndcapError

TOLERANCE_S = 90  # there is no nonce, so this bounds a replay; Shopify's JavaScript library allows the same
_MAX_FIELDS = 100
_SIGNATURE = b"signature"
# What Shopify adds. Nothing separates fields in what is signed, so `a=1,2` and `a=1&a=2` have one signature: a name
# that decides something may stand there once only.
OWN = frozenset({b"shop", b"logged_in_customer_id", b"path_prefix", b"timestamp", _SIGNATURE})


class NotSignedError(EndcapError):
    """A request that did not come through the shop, or too long ago; the reason is one word."""


@dataclass(frozen=True)
class Signed:
    """What a signed query says: who is logged in (None: nobody), and the caller's own part of it, undecoded."""

    customer_id: str | None
    query: bytes


def read_signed(query: bytes, secrets: Sequence[bytes], shop: str, now: float) -> Signed:
    """Check a query against the secrets in force, one shop and the time (unix seconds). Raises NotSignedError."""
    if query.count(b"&") >= _MAX_FIELDS:
        raise NotSignedError("long")
    parts = [part for part in query.split(b"&") if part]
    pairs = [_decoded(part) for part in parts]
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    if any(len(values.get(name, ())) > 1 for name in OWN):
        raise NotSignedError("repeated")
    signature = values.pop(_SIGNATURE, [b""])[0]
    if not _fits(secrets, _message(values), signature):
        raise NotSignedError("signature")
    if values.get(b"shop") != [shop.encode()]:
        raise NotSignedError("shop")
    if not _recent(values.get(b"timestamp", [b""])[0], now):
        raise NotSignedError("time")
    rest = [part for part, (name, _) in zip(parts, pairs, strict=True) if name not in OWN]
    return Signed(_customer(values), b"&".join(rest))


def _decoded(part: bytes) -> tuple[bytes, bytes]:
    """Name and value of one field; without `=` the value is empty."""
    name, _, value = part.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _message(values: dict[bytes, list[bytes]]) -> bytes:
    """What is signed: `name=value,value` of every name, sorted bytewise as whole texts, with nothing between them."""
    return b"".join(sorted(name + b"=" + b",".join(given) for name, given in values.items()))


def sign(values: dict[bytes, list[bytes]], secret: bytes) -> str:
    """The signature of decoded fields, as Shopify makes it."""
    return _signature(secret, _message(values))


def _signature(secret: bytes, message: bytes) -> str:
    return hmac.digest(secret, message, "sha256").hex()


def _fits(secrets: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """Whether one of the secrets gives this signature; it takes as long whichever, and however much, fits."""
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(_signature(secret, message).encode(), signature)
    return found


def _recent(stamp: bytes, now: float) -> bool:
    return stamp.isdigit() and len(stamp) <= 12 and abs(now - int(stamp)) <= TOLERANCE_S


def _customer(values: dict[bytes, list[bytes]]) -> str | None:
    """Who is logged in. Shopify's ids are numbers; anything else is nobody rather than somebody made up."""
    (given,) = values.get(b"logged_in_customer_id", [b""])
    return given.decode("ascii") if given.isdigit() and len(given) <= 20 else None
