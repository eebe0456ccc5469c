"""Who is asking."""

import pytest

from edge.core.keys import PseudonymKey
from edge.identify import Identifier

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
