"""The facts of a customer: what each one means, and the bytes they are stored as.

In: values by name, with the day of data they stand on. Out: a version byte, then msgpack; and back, never half
of it and never somebody else's.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from edge.core.errors import UNREADABLE, CodecError

_VERSION = b"\x01"
_DAY_S = 86_400
Value = float | str


class Definition(NamedTuple):
    """What a fact says. `version` changes with its meaning; older than `fresh_days` it is called stale."""

    unit: str
    text: str
    version: int
    fresh_days: int


# Their order is part of stored facts: add at the end only. docs/customers.md gives the formulae.
DEFINITIONS: Mapping[str, Definition] = {
    "customer_ltv_12m": Definition(
        "currency", "expected spend over the next twelve months, before returns and costs", 1, 35
    ),
    "churn_risk_30d": Definition("probability", "chance of no purchase within the next 30 days", 1, 10),
    "repurchase_14d": Definition("probability", "chance of at least one purchase within the next 14 days", 1, 10),
    "discount_affinity": Definition(
        "ratio",
        "share of spend bought at a reduction, as a multiple of the whole shop's share; 1 is like the shop",
        1,
        35,
    ),
    "price_sensitivity": Definition(
        "0..1",
        "how far down the price range of each category the customer buys; 0.5 is the middle, 1 the cheapest",
        1,
        35,
    ),
    "preferred_category": Definition(
        "category", "the category whose share of this customer's spend exceeds the shop's share most", 1, 35
    ),
    "return_rate": Definition("0..1", "units sent back per unit bought in the last year", 1, 35),
    "delivery_sensitivity_score": Definition(
        "difference of probabilities",
        "how much less often the customer comes back after a late or dear delivery than after a smooth one",
        1,
        35,
    ),
}


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """A customer's facts. `values` and `versions` follow DEFINITIONS; None is a fact that cannot be told."""

    shop: str
    shopper: str
    computed_at: int  # unix seconds
    as_of: int  # the last unix day of data looked at
    model: str  # version of the models behind value and risks; empty where there were none
    currency: str
    values: tuple[Value | None, ...]
    versions: tuple[int, ...]

    @classmethod
    def of(
        cls, shop: str, shopper: str, values: Mapping[str, Value | None], *, computed_at: float, as_of: int,
        model: str = "", currency: str = "USD",
    ) -> "Facts":  # fmt: skip
        """Facts by name, under the definitions of this program. Raises KeyError for a name that has none."""
        for name in values:
            DEFINITIONS[name]
        kept = tuple(_short(values.get(name)) for name in DEFINITIONS)
        versions = tuple(definition.version for definition in DEFINITIONS.values())
        return cls(shop, shopper, int(computed_at), as_of, model, currency, kept, versions)

    def current(self) -> dict[str, Value]:
        """The values that are known and mean what this program means by their names."""
        return {
            name: value
            for (name, definition), value, version in zip(DEFINITIONS.items(), self.values, self.versions, strict=False)
            if value is not None and version == definition.version
        }

    def stale(self, name: str, now: float) -> bool:
        """Whether the data behind a fact end longer ago than its definition calls fresh."""
        return now - (self.as_of + 1) * _DAY_S > DEFINITIONS[name].fresh_days * _DAY_S


def encode_facts(facts: Facts) -> bytes:
    """The facts as stored."""
    return _VERSION + msgspec.msgpack.encode(facts)


_decoder = msgspec.msgpack.Decoder(Facts)


def decode_facts(data: bytes, shop: str, shopper: str) -> Facts:
    """Read what `encode_facts` wrote of this shopper. Raises CodecError for anything else, and for somebody else's."""
    if not data.startswith(_VERSION):
        raise CodecError(f"stored facts have version {data[:1]!r}, this program reads {_VERSION!r}")
    try:
        facts = _decoder.decode(data[1:])
    except UNREADABLE as error:
        raise CodecError(f"stored facts are unreadable: {error}") from error
    if (facts.shop, facts.shopper) != (shop, shopper):
        raise CodecError("stored facts name another shop or shopper")
    if len(facts.values) != len(facts.versions):
        raise CodecError(f"stored facts hold {len(facts.values)} values and {len(facts.versions)} versions")
    return facts


def _short(value: Value | None) -> Value | None:
    """Four significant digits: nothing here is known better, and more would only look so."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
