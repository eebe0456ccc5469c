"""Consent: both must allow, a stored denial wins."""

import pytest

from edge.core.consent import Decision, decode_decision, encode_decision, in_force
from edge.core.errors import CodecError

GRANTED = Decision("demo", "k1.a", ("personalization", "analytics"), 1.0, "web")
DENIED = Decision("demo", "k1.a", (), 2.0, "banner")


def test_without_a_stored_decision_the_request_counts() -> None:
    """No consent in the request is no consent."""
    assert in_force(["personalization"], [None, None]) == {"personalization"}
    assert in_force([], [None]) == frozenset()


def test_a_stored_decision_takes_away_and_never_adds() -> None:
    """What the request does not say is not allowed, whatever was stored."""
    assert in_force(["personalization", "marketing"], [GRANTED]) == {"personalization"}
    assert in_force(["marketing"], [GRANTED]) == frozenset()


def test_any_stored_denial_wins() -> None:
    """The visitor's denial counts also when the customer granted."""
    assert in_force(["personalization"], [GRANTED, DENIED]) == frozenset()


def test_decisions_survive_their_bytes() -> None:
    """With time and source."""
    assert decode_decision(encode_decision(GRANTED)) == GRANTED


@pytest.mark.parametrize("data", [b"", b"\x02abc", b"\x01", b"\x01\xff\xff", b"\x01\x95\xa1a\xa1b\x91\xa3all\x01\xa1s"])
def test_bad_bytes_are_refused(data: bytes) -> None:
    """Empty, newer, truncated, random, unknown purpose."""
    with pytest.raises(CodecError, match="stored consent"):
        decode_decision(data)
