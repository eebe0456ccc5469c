"""A shopper's token: the word of a shop's own server on who is logged in, which a page passes on.

In: a secret that server and edge share. Out: `st_<payload>.<signature>`, and from one the customer, or None. Payload:
base64url without padding of the JSON `{"shop": ..., "customer": ..., "exp": <unix seconds>}`. Signature: the same of
the HMAC-SHA256 over everything before the dot. docs/security.md has a worked example.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated

import msgspec

from edge.core.errors import EndcapError
from edge.core.events import Id

PREFIX = "st_"
LONGEST_S = 86_400  # a token that was copied somewhere must not open a profile for ever
LEAST_SECRET = 16  # bytes
_MAX_LENGTH = 2_048


class _Payload(msgspec.Struct, frozen=True):
    shop: str
    customer: Id
    exp: Annotated[int, msgspec.Meta(ge=0)]


_payloads = msgspec.json.Decoder(_Payload)


def make_token(secret: bytes, shop: str, customer_id: str, expires: int) -> str:
    """A token for one customer of one shop, until `expires` (unix seconds; the edge allows a day from now).

    Raises EndcapError for a secret that could be guessed, or an id that is none.
    """
    if len(secret) < LEAST_SECRET:
        raise EndcapError("the shopper secret has under 16 bytes; make one: `openssl rand -hex 32`")
    try:
        payload = msgspec.convert({"shop": shop, "customer": customer_id, "exp": expires}, _Payload)
    except msgspec.ValidationError as error:
        raise EndcapError(f"customer id or expiry: {error}") from None  # the id itself stays out of the text
    signed = PREFIX.encode() + _b64(msgspec.json.encode(payload))
    return (signed + b"." + _signature(secret, signed)).decode()


def customer_of(token: str, secrets: Sequence[bytes], shop: str, now: float) -> str | None:
    """The customer that a token names, if one of the secrets in force signed it for this shop and it has not expired.

    Takes as long whichever secret fits. Malformed, forged, expired, too long-lived: None, all the same.
    """
    signed, _, signature = token.encode("utf-8", "replace").partition(b".")
    if len(token) > _MAX_LENGTH or not signed.startswith(PREFIX.encode()):
        return None
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(_signature(secret, signed), signature)
    if not found:
        return None
    try:
        text = signed[len(PREFIX) :]
        payload = _payloads.decode(urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None  # signed by the shop and still none: its server made it in another way
    lasts = payload.exp - now
    return payload.customer if payload.shop == shop and 0 < lasts <= LONGEST_S else None


def _signature(secret: bytes, signed: bytes) -> bytes:
    return _b64(hmac.digest(secret, signed, "sha256"))


def _b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
