"""Signing as the platforms do, for the tests: written against their documentation, apart from the code under test."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

SECRET = "hush-hush-hush-hush-hush"
DOMAIN = "green-grocer.myshopify.com"
STORE = "abc123"


def raw(payload: Any) -> bytes:
    """A payload as bytes; bytes stay as they are."""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def b64(secret: str | bytes, message: bytes) -> str:
    """The base64 HMAC-SHA256 of a message."""
    key = secret.encode() if isinstance(secret, str) else secret
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def shopify_headers(
    topic: str, body: bytes, secret: str = SECRET, *, new: bool = False, domain: str = DOMAIN
) -> dict[str, str]:
    """The headers of one delivery of Shopify's, of the older or the newer family."""
    prefix = "shopify-" if new else "X-Shopify-"
    return {
        f"{prefix}Hmac-SHA256": b64(secret, body),
        f"{prefix}Topic": topic,
        f"{prefix}Shop-Domain": domain,
        f"{prefix}API-Version": "2026-07",
        f"{prefix}Webhook-Id": uuid.uuid4().hex,
        f"{prefix}Triggered-At": "2026-11-22T05:00:00.000Z",
        "Content-Type": "application/json",
    }


def standard_headers(
    body: bytes, secret: str | bytes = SECRET, *, at: float | None = None, id_: str = "msg_1"
) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    stamp = str(int(time.time() if at is None else at))
    signed = b64(secret, f"{id_}.{stamp}.".encode() + body)
    return {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signed}"}
