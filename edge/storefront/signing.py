"""What the app proxy adds to a query, and its signature: the platform's side of what `edge` verifies.

In: the shopper's raw query, who is logged in, the app's secret. Out: the raw query to forward. The algorithm is
Shopify's: all parameters but `signature`, decoded, values of one name joined by commas, sorted, without separators. It
is written apart from the edge's, so that the two prove each other.
"""

import hashlib
import hmac
from urllib.parse import quote_plus, unquote_to_bytes

ADDED = (b"shop", b"logged_in_customer_id", b"path_prefix", b"timestamp", b"signature")


def signature(query: str, secret: str) -> str:
    """Hex HMAC-SHA256 of a raw query string; a `signature` in it is left out."""
    grouped: dict[bytes, list[bytes]] = {}
    for name, value in map(_decoded, _parts(query)):
        if name != b"signature":
            grouped.setdefault(name, []).append(value)
    message = b"".join(sorted(name + b"=" + b",".join(values) for name, values in grouped.items()))
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed(raw_query: str, *, shop: str, customer: str | None, prefix: str, timestamp: int, secret: str) -> str:
    """The query with the platform's parameters. The shopper's own under these names are dropped, the rest stays."""
    kept = [part for part in _parts(raw_query) if _decoded(part)[0] not in ADDED]
    added = {"shop": shop, "logged_in_customer_id": customer or "", "path_prefix": prefix, "timestamp": str(timestamp)}
    query = "&".join([*kept, *(f"{name}={quote_plus(value)}" for name, value in added.items())])
    return f"{query}&signature={signature(query, secret)}"


def _parts(query: str) -> list[str]:
    return [part for part in query.split("&") if part]


def _decoded(part: str) -> tuple[bytes, bytes]:
    """Name and value as bytes: what is not UTF-8 is signed as it came."""
    name, _, value = part.replace("+", " ").partition("=")
    return unquote_to_bytes(name), unquote_to_bytes(value)
