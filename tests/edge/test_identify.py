"""Who is asking."""

import pytest

from edge.core.keys import PseudonymKey
from edge.errors import InputError
from edge.identify import Identifier, is_loopback

IDENTIFIER = Identifier("demo", PseudonymKey.from_hex("00" * 32))


def test_a_customer_owns_the_profile_the_visitor_the_visit() -> None:
    """Logged in on some device: the profile is the person's, the session the device's."""
    caller = IDENTIFIER.caller("visitor-1", "customer-1", ["personalization"])
    assert caller.shopper == caller.customer
    assert caller.visit == caller.visitor
    assert set(caller.subjects) == {caller.visitor, caller.customer}
    assert caller.personal


def test_with_one_id_both_are_its() -> None:
    """A visitor without a login, a customer without a visitor id."""
    visitor = IDENTIFIER.caller("visitor-1", None, ["personalization"])
    assert visitor.shopper == visitor.visit == visitor.visitor
    customer = IDENTIFIER.caller(None, "customer-1", ["personalization"])
    assert customer.shopper == customer.visit == customer.customer


@pytest.mark.parametrize(
    ("ids", "consent"), [(("v", "c"), []), (("v", "c"), ["analytics"]), ((None, None), ["personalization"])]
)
def test_without_consent_or_name_nothing_is_personal(ids: tuple[str | None, str | None], consent: list[str]) -> None:
    """Only personalization opens the store, and only for somebody."""
    assert not IDENTIFIER.caller(*ids, consent).personal  # type: ignore[arg-type]  # because the parameters are plain strings


def test_raw_ids_stay_here() -> None:
    """A caller holds pseudonyms only."""
    caller = IDENTIFIER.caller("visitor-secret", "customer-secret", [])
    assert "secret" not in repr(caller)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", None])
def test_loopback_is_let_in(host: str | None) -> None:
    """And unix sockets, which have no host."""
    IDENTIFIER.admit(host)
    assert host is None or is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "192.0.2.7", "2001:db8::1", "example.com", "0.0.0.0", ""])
def test_everybody_else_is_refused_in_demo_mode(host: str) -> None:
    """With 403 and the reason."""
    with pytest.raises(InputError, match="demo mode") as error:
        IDENTIFIER.admit(host)
    assert error.value.status == 403
