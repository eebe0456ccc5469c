"""What the app proxy adds to a query, and its signature: the platform's side of what `edge` verifies.

In: the shopper's raw query, who is logged in, the app's secret. Out: the raw query to forward. The algorithm is
Shopify's: all parameters but `signature`, decoded, values of one name joined by commas, sorted, without separators.
"""

import hashlib
import hmac
from urllib.parse import parse_qsl, quote_plus, unquote_plus

ADDED = ("shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature")


def signature(query: str, secret: str) -> str:
    """Hex HMAC-SHA256 of a raw query string; a `signature` in it is left out."""
    grouped: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != "signature":
            grouped.setdefault(name, []).append(value)
    message = "".join(sorted(f"{name}={','.join(values)}" for name, values in grouped.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signed(raw_query: str, *, shop: str, customer: str | None, prefix: str, timestamp: int, secret: str) -> str:
    """The query with the platform's parameters. The shopper's own under these names are dropped, the rest stays."""
    kept = [part for part in raw_query.split("&") if part and unquote_plus(part.partition("=")[0]) not in ADDED]
    added = {"shop": shop, "logged_in_customer_id": customer or "", "path_prefix": prefix, "timestamp": str(timestamp)}
    query = "&".join([*kept, *(f"{name}={quote_plus(value)}" for name, value in added.items())])
    return f"{query}&signature={signature(query, secret)}"
