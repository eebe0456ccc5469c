"""Signatures: the published vectors, the reference library, and whatever a sender may put into a header."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from edge.webhooks.signatures import TOLERANCE_S, is_shopifys, is_standard, only, standard_secret
from tests.edge.webhooks.signing import b64, standard_headers

# The example that Standard Webhooks' own libraries are tested with.
PUBLISHED = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'
HEADERS = [(name.encode(), value.encode()) for name, value in PUBLISHED.items() if name != "secret"]
AT = 1614265330.0
SECRETS = [b"first", b"second"]
anything = st.one_of(st.none(), st.binary(max_size=300), st.text(max_size=100).map(str.encode))


def as_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """As a server hands them over."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def test_the_published_vector_passes_inside_five_minutes_only() -> None:
    """With the secret as it is written down; not a second later."""
    secrets = [standard_secret(PUBLISHED["secret"])]
    for shift in (-TOLERANCE_S, 0, TOLERANCE_S):
        assert is_standard(secrets, HEADERS, BODY, AT + shift)
    for shift in (-TOLERANCE_S - 1, TOLERANCE_S + 1, 86_400):
        assert not is_standard(secrets, HEADERS, BODY, AT + shift)
    assert not is_standard(secrets, HEADERS, BODY + b" ", AT)


def test_what_the_reference_library_signs_passes() -> None:
    """With whsec_ secrets, and with a plain client secret that the library wants in base64, as BigCommerce's sample."""
    for secret, key in (("whsec_" + base64.b64encode(b"k" * 32).decode(), b"k" * 32), ("plain", b"plain")):
        assert standard_secret(secret) == key
        now = datetime.now(UTC)
        signature = Webhook(base64.b64encode(key).decode()).sign("msg_2", now, BODY.decode())
        headers = {
            "webhook-id": "msg_2",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        assert is_standard([key], as_headers(headers), BODY, time.time())


@pytest.mark.parametrize("text", ["whsec_", "whsec_!!!", "whsec_\u00e9"])
def test_a_whsec_secret_that_is_no_base64_is_said(text: str) -> None:
    """At the start, not with the first delivery."""
    with pytest.raises(ValueError, match="base64"):
        standard_secret(text)


def test_one_good_signature_among_several_is_enough() -> None:
    """Old and new secret, other schemes, and an end to patience."""
    good = standard_headers(BODY, b"second")
    signature = good["webhook-signature"]
    for value in (f"v1,AAAA {signature}", f"v1a,xyz {signature} v2,abc", f"{signature} {signature}"):
        assert is_standard(SECRETS, as_headers(good | {"webhook-signature": value}), BODY, time.time())
    flooded = " ".join(["v1,AAAA"] * 16 + [signature])
    assert not is_standard(SECRETS, as_headers(good | {"webhook-signature": flooded}), BODY, time.time())
    assert not is_standard(SECRETS, as_headers(good | {"webhook-signature": signature[3:]}), BODY, time.time())


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.fault(18)
def test_each_of_the_secrets_counts_while_one_is_replaced(secret: bytes) -> None:
    """And none that is not listed."""
    assert is_shopifys(SECRETS, b64(secret, BODY).encode(), BODY)
    assert not is_shopifys([b"third"], b64(secret, BODY).encode(), BODY)
    assert not is_shopifys([], b64(secret, BODY).encode(), BODY)


@given(body=st.binary(max_size=200), flip=st.integers(0, 10_000))
def test_any_changed_bit_is_noticed(body: bytes, flip: int) -> None:
    """In the body or in the signature."""
    signature = b64(SECRETS[0], body).encode()
    assert is_shopifys(SECRETS, signature, body)
    assert not is_shopifys(SECRETS, signature, body + b"\n")
    if body:
        at = flip % (8 * len(body))
        changed = bytearray(body)
        changed[at // 8] ^= 1 << at % 8
        assert not is_shopifys(SECRETS, signature, bytes(changed))
    raw = bytearray(base64.b64decode(signature))
    raw[flip % 32] ^= 1 << flip % 8
    assert not is_shopifys(SECRETS, base64.b64encode(bytes(raw)), body)


@given(signature=anything, id_=anything, stamp=anything, body=st.binary(max_size=100))
def test_nothing_in_a_header_raises(
    signature: bytes | None, id_: bytes | None, stamp: bytes | None, body: bytes
) -> None:
    """Broken base64, letters that are none, numbers without end: not signed, and that is all."""
    assert not is_shopifys(SECRETS, signature, body)
    given_headers = [(b"webhook-id", id_), (b"webhook-timestamp", stamp), (b"webhook-signature", signature)]
    headers = [(name, value) for name, value in given_headers if value is not None]
    assert not is_standard(SECRETS, headers, body, time.time())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "9" * 5000),
        ("webhook-timestamp", "-1614265330"),
        ("webhook-timestamp", "1614265330.0"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "\u0661\u0662\u0663"),
        ("webhook-timestamp", ""),
        ("webhook-id", ""),
        ("webhook-id", "m" * 257),
        ("webhook-signature", "v1," + "A" * 100_000),
        ("webhook-signature", "v1,\u00e9\u00e9"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", ""),
    ],
)
@pytest.mark.fault(18)
def test_malformed_headers_are_no_signature(name: str, value: str) -> None:
    """Each of them in an otherwise good delivery."""
    headers = as_headers(standard_headers(BODY, b"first"))
    changed = [(key, value.encode() if key.decode() == name else data) for key, data in headers]
    assert is_standard(SECRETS, headers, BODY, time.time())
    assert not is_standard(SECRETS, changed, BODY, time.time())


def test_a_header_given_twice_is_none() -> None:
    """Nobody says which of them a proxy would have looked at; the second name counts only where the first is not."""
    assert only([(b"A", b"1"), (b"b", b"2")], b"a", b"b") == b"1"
    assert only([(b"b", b"2")], b"a", b"b") == b"2"
    assert only([(b"a", b"1"), (b"A", b"1"), (b"b", b"2")], b"a", b"b") is None
    assert only([], b"a") is None
