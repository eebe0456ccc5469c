"""The record of a customer's facts: back as it went in, never somebody else's, never under another meaning."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core import facts as module
from edge.core.errors import CodecError
from edge.core.facts import DEFINITIONS, Definition, Facts, Value, decode_facts, encode_facts

DAY = 86_400
VALUES: dict[str, Value | None] = {
    "customer_ltv_12m": 1234.5678,
    "churn_risk_30d": 0.123456,
    "preferred_category": "Drinks > Tea",
}


def made(**changed: object) -> Facts:
    """Facts of one customer, as of day 20,000."""
    facts = Facts.of("demo", "k1.abc", VALUES, computed_at=20_001 * DAY + 0.5, as_of=20_000, model="m1")
    return msgspec.structs.replace(facts, **changed)


def test_facts_come_back_as_they_went_in() -> None:
    """Known values only, to four digits."""
    back = decode_facts(encode_facts(made()), "demo", "k1.abc")
    assert back == made()
    assert back.current() == {
        "customer_ltv_12m": 1235.0, "churn_risk_30d": 0.1235, "preferred_category": "Drinks > Tea"
    }  # fmt: skip
    assert len(encode_facts(made())) < 150


def test_a_fact_without_a_definition_is_no_fact() -> None:
    """A misspelt name is a fault of ours, found at once."""
    with pytest.raises(KeyError):
        Facts.of("demo", "k1.abc", {"churn_risk": 0.1}, computed_at=0, as_of=0)


@pytest.mark.parametrize(("shop", "shopper"), [("other", "k1.abc"), ("demo", "k1.abd")])
def test_facts_of_somebody_else_are_refused(shop: str, shopper: str) -> None:
    """A mixed-up reply of the store is an error, not an answer."""
    with pytest.raises(CodecError, match="another shop or shopper"):
        decode_facts(encode_facts(made()), shop, shopper)


@given(st.binary(max_size=80))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    """Never an exception of another kind, never half a record."""
    for stored in (data, encode_facts(made())[: len(data)], b"\x01" + data):
        with pytest.raises(CodecError):
            decode_facts(stored, "demo", "k1.abc")


def test_columns_of_different_length_are_refused() -> None:
    """A value without its version has no meaning."""
    with pytest.raises(CodecError, match="values"):
        decode_facts(encode_facts(made(versions=(1,))), "demo", "k1.abc")


def test_a_value_under_an_older_meaning_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is computed anew, the fact is absent; facts added since are absent, too."""
    stored = encode_facts(made())
    newer = {name: one._replace(version=2) if name == "churn_risk_30d" else one for name, one in DEFINITIONS.items()}
    monkeypatch.setattr(module, "DEFINITIONS", newer | {"new_fact": Definition("0..1", "new", 1, 1)})
    assert set(decode_facts(stored, "demo", "k1.abc").current()) == {"customer_ltv_12m", "preferred_category"}


@pytest.mark.parametrize(("days", "stale"), [(10, False), (10.01, True)])
def test_a_fact_goes_stale_with_its_data(days: float, stale: bool) -> None:
    """Counted from the end of the last day of data; a risk goes stale before a habit does."""
    now = 20_001 * DAY + days * DAY
    assert made().stale("churn_risk_30d", now) is stale
    assert not made().stale("customer_ltv_12m", now)


def test_every_fact_of_the_issue_is_defined() -> None:
    """By name, with unit, words, version and freshness."""
    assert set(DEFINITIONS) == {
        "customer_ltv_12m", "churn_risk_30d", "repurchase_14d", "discount_affinity", "price_sensitivity",
        "preferred_category", "return_rate", "delivery_sensitivity_score",
    }  # fmt: skip
    assert all(one.unit and one.text and one.version > 0 and one.fresh_days > 0 for one in DEFINITIONS.values())
