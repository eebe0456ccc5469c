"""Whether a delivery comes from who it says: HMAC signatures over the raw bytes of the body.

In: secrets, header values as bytes, the body as it arrived. Out: yes or no, in a time that does not tell which secret
or how much of it fitted. Nothing a sender puts into a header raises: what is malformed is simply not signed.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

TOLERANCE_S = 300  # of signed timestamps, both ways: Standard Webhooks' own recommendation
_MAX_SIGNATURES = 16  # of a delivery: old and new secret, several schemes; more are an attack
_MAX_ID = 256
_PREFIX = "whsec_"


def only(headers: Sequence[tuple[bytes, bytes]], *names: bytes) -> bytes | None:
    """The value of the first of these headers (lower case) that is there; None when none is, or it is there twice."""
    for name in names:
        values = [value for key, value in headers if key.lower() == name]
        if values:
            return values[0] if len(values) == 1 else None
    return None


def is_shopifys(secrets: Sequence[bytes], signature: bytes | None, body: bytes) -> bool:
    """Whether `signature` is the base64 HMAC-SHA256 of the body under one of the secrets.

    Source: Shopify, "Verify webhook deliveries".
    """
    return _fits(secrets, body, [_from_base64(signature)])


def is_standard(
    secrets: Sequence[bytes],
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    now: float,
) -> bool:
    """Whether a delivery is signed as Standard Webhooks 1.0 says, within five minutes of `now` (unix seconds).

    One of the space-separated `v1,<base64>` signatures must be the HMAC-SHA256 of `id.timestamp.body`.
    """
    id_, stamp = only(headers, b"webhook-id"), only(headers, b"webhook-timestamp")
    signatures = only(headers, b"webhook-signature")
    if not id_ or len(id_) > _MAX_ID or signatures is None or stamp is None:
        return False
    if not (stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > TOLERANCE_S:
        return False
    parts = signatures.split(b" ", _MAX_SIGNATURES)[:_MAX_SIGNATURES]
    given = [_from_base64(part[3:]) for part in parts if part.startswith(b"v1,")]
    return _fits(secrets, b"%s.%s.%s" % (id_, stamp, body), given)


def standard_secret(text: str) -> bytes:
    """The key behind a secret: `whsec_` and base64, or else the text itself, as BigCommerce's client secrets are.

    Raises ValueError that says what is wrong.
    """
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError(f"a secret that begins with {_PREFIX} goes on in base64; copy it whole")
    return key


def _fits(secrets: Sequence[bytes], message: bytes, given: Sequence[bytes | None]) -> bool:
    found = False
    for secret in secrets:
        expected = hmac.digest(secret, message, hashlib.sha256)
        for signature in given:
            found |= signature is not None and hmac.compare_digest(expected, signature)
    return found


def _from_base64(text: bytes | None) -> bytes | None:
    """The 32 bytes a signature must be; None for anything else."""
    if text is None or len(text) > 64:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
