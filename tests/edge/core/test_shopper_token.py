"""Shopper tokens: the documented format, and everything that is none."""

import hmac
import json
import re
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.errors import EndcapError
from edge.core.shopper_token import LONGEST_S, customer_of, make_token

SECRET, OLD = b"0123456789abcdef0123456789abcdef", b"f" * 16
NOW = 1_800_000_000


def signed(payload: bytes, secret: bytes = SECRET) -> str:
    """A token by the words of the documentation, without our code."""
    head = b"st_" + urlsafe_b64encode(payload).rstrip(b"=")
    return (head + b"." + urlsafe_b64encode(hmac.digest(secret, head, "sha256")).rstrip(b"=")).decode()


def test_a_token_names_its_customer() -> None:
    """For its shop, until it expires, under any secret in force."""
    token = make_token(SECRET, "demo", "ada", NOW + 60)
    assert customer_of(token, [SECRET], "demo", NOW) == "ada"
    assert customer_of(token, [OLD, SECRET], "demo", NOW + 59) == "ada"
    for secrets, shop, now in (
        ([SECRET], "demo", NOW + 60),
        ([SECRET], "other", NOW),
        ([OLD], "demo", NOW),
        ([], "demo", NOW),
    ):
        assert customer_of(token, secrets, shop, now) is None


def test_the_documented_example_is_one() -> None:
    """Docs and code agree to the letter, and another program's JSON is as good as ours."""
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    (token,) = re.findall(r"st_[\w-]+\.[\w-]{43}", page)
    assert token == make_token(SECRET, "demo", "ada", NOW)
    assert SECRET.decode() in page
    spaced = json.dumps({"exp": NOW + 9, "customer": "ada", "shop": "demo", "name": "Ada"}).encode()
    assert customer_of(signed(spaced), [SECRET], "demo", NOW) == "ada"


def test_no_token_lasts_longer_than_a_day() -> None:
    """However its expiry was set."""
    assert customer_of(make_token(SECRET, "demo", "ada", NOW + LONGEST_S), [SECRET], "demo", NOW) == "ada"
    assert customer_of(make_token(SECRET, "demo", "ada", NOW + LONGEST_S + 1), [SECRET], "demo", NOW) is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"[" * 900,
        b'{"shop": "demo", "customer": "ada"}',
        b'{"shop": "demo", "customer": "", "exp": 1800000009}',
        b'{"shop": "demo", "customer": 7, "exp": 1800000009}',
        b'{"shop": "demo", "customer": "ada", "exp": "1800000009"}',
        b'{"shop": "demo", "customer": "a\\u0000", "exp": 1800000009}',
        b'{"shop": "demo", "customer": "ada", "exp": 1e400}',
    ],
)
def test_a_signature_makes_no_token_of_anything_else(payload: bytes) -> None:
    """Nobody, and no error."""
    assert customer_of(signed(payload), [SECRET], "demo", NOW) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Whatever was sent: nobody, and no error."""
    for token in (text, f"st_{text}", f"st_{text}.{text}"):
        assert customer_of(token, [SECRET], "demo", NOW) is None


@given(st.data())
def test_any_change_breaks_it(data: st.DataObject) -> None:
    """Each character counts, but for the bits that base64 leaves over."""
    token = make_token(SECRET, "demo", "ada", NOW + 60)
    at = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.characters(codec="ascii").filter(lambda one: one != token[at]))
    assert customer_of(token[:at] + letter + token[at + 1 :], [SECRET], "demo", NOW) is None
    assert customer_of(token[:at], [SECRET], "demo", NOW) is None


@pytest.mark.parametrize(("secret", "customer"), [(b"short", "ada"), (SECRET, ""), (SECRET, "x" * 129)])
def test_none_is_made_that_would_not_hold(secret: bytes, customer: str) -> None:
    """The shop's server learns it, without the id in the text."""
    with pytest.raises(EndcapError) as error:
        make_token(secret, "demo", customer, NOW)
    assert not customer or customer not in str(error.value)
