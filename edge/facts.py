"""The facts of one customer as the store holds them: one trip, and a stored denial wins.

In: the customer as a `Caller`. Out: `FactsAnswer`, or InputError (404) that says why there is none.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from edge.core import keys
from edge.core.consent import decode_decision
from edge.core.errors import CodecError
from edge.core.facts import DEFINITIONS, Facts, Value, decode_facts
from edge.errors import InputError
from edge.identify import Caller
from edge.metrics import RECORDS_IGNORED
from edge.profiles import ShopperStore, get_many

_DAY_S = 86_400
_PURPOSE = "personalization"


class Fact(msgspec.Struct, frozen=True):
    """One fact with what it means and how fresh it is. `as_of` is the last day of data that it stands on."""

    value: Value
    unit: str
    definition: str
    version: int
    as_of: str
    computed_at: str
    stale: bool


class FactsAnswer(msgspec.Struct, frozen=True):
    """What is known of a customer; a fact that cannot be told is left out."""

    customer_id: str
    model_version: str | None
    facts: dict[str, Fact]


async def read_facts(store: ShopperStore, caller: Caller, customer_id: str, now: float) -> FactsAnswer:
    """A customer's facts, also under a former key's name. Raises InputError (404), or StoreUnavailableError."""
    shop, people = caller.shop, caller.names(caller.customer)
    names = [key(shop, name) for key in (keys.facts_key, keys.consent_key) for name in people]
    values: list[Any] = await store.ask(lambda: get_many(store.redis, names))
    told, decisions = values[: len(people)], values[len(people) :]
    if not all(_granted(data, shop, name) for data, name in zip(decisions, people, strict=True) if data is not None):
        raise InputError("customer_id", "nothing is kept: this customer has not agreed to personalization", status=404)
    believed = (_believed(data, shop, name) for data, name in zip(told, people, strict=True) if data is not None)
    facts = next((one for one in believed if one is not None), None)
    if facts is None:
        raise InputError(
            "customer_id",
            "nothing is known of this customer; facts come from purchases with consent, by `python -m backend facts`",
            status=404,
        )
    return _answer(facts, customer_id, now)


def _answer(facts: Facts, customer_id: str, now: float) -> FactsAnswer:
    as_of = datetime.fromtimestamp(facts.as_of * _DAY_S, UTC).date().isoformat()
    computed = datetime.fromtimestamp(facts.computed_at, UTC).isoformat().replace("+00:00", "Z")
    told = {}
    for name, value in facts.current().items():
        meant = DEFINITIONS[name]
        unit = facts.currency if meant.unit == "currency" else meant.unit
        told[name] = Fact(value, unit, meant.text, meant.version, as_of, computed, facts.stale(name, now))
    return FactsAnswer(customer_id, facts.model or None, told)


def _granted(stored: bytes, shop: str, shopper: str) -> bool:
    """Whether a stored decision allows it; one that cannot be read, or is another's, does not."""
    try:
        decision = decode_decision(stored)
    except CodecError:
        RECORDS_IGNORED.labels("consent", "unreadable").inc()
        return False
    return (decision.shop, decision.shopper) == (shop, shopper) and _PURPOSE in decision.granted


def _believed(stored: bytes, shop: str, shopper: str) -> Facts | None:
    try:
        return decode_facts(stored, shop, shopper)
    except CodecError:
        RECORDS_IGNORED.labels("facts", "unreadable").inc()
        return None
