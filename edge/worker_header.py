"""Whether a request comes from our own Cloudflare Worker: an HMAC over when, how and what it asks.

In: secrets, the header `X-Endcap-Worker: t=<unix s>,v1=<hex>`, the request's method and target. Out: yes or no. The
HMAC-SHA256 is over `<t>.<METHOD>.<path?raw query>`; the body is not in it, for TLS keeps that between the two.
"""

import hmac
from collections.abc import Sequence

HEADER = b"x-endcap-worker"
TOLERANCE_S = 90
_MAX_LENGTH = 512


def is_workers(secrets: Sequence[bytes], header: bytes, method: str, target: bytes, now: float) -> bool:
    """Whether the header fits this request under one of the secrets, within 90 s of `now` (unix seconds).

    Several `v1` are several tries, so that a Worker may sign with the old and the new secret while they change.
    """
    if len(header) > _MAX_LENGTH:
        return False
    fields = [part.strip().partition(b"=") for part in header.split(b",")]
    stamps = [value for name, _, value in fields if name == b"t"]
    given = [value for name, _, value in fields if name == b"v1"]
    if len(stamps) != 1 or not (stamps[0].isdigit() and len(stamps[0]) <= 12):
        return False
    if abs(now - int(stamps[0])) > TOLERANCE_S:
        return False
    found = False
    for secret in secrets:
        expected = hmac.digest(secret, message(stamps[0], method, target), "sha256").hex().encode()
        for signature in given:
            found |= hmac.compare_digest(expected, signature)
    return found


def message(stamp: bytes, method: str, target: bytes) -> bytes:
    """What is signed."""
    return b"%s.%s.%s" % (stamp, method.encode(), target)
