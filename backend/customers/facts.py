"""The facts of all customers, computed from the whole history and written for the edge to read.

In: a prepared dataset, the models of `python -m training customers`. Out: `f:{shop/customer}` for every customer who
agreed to personalization and has not denied it since, with TTL; `Written` that says how many.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from backend.customers.names import stored_name
from edge.core import clock, keys
from edge.core.consent import decode_decision
from edge.core.errors import CodecError
from edge.core.facts import Facts, Value, encode_facts
from edge.core.keys import PseudonymKey
from training import engine as engines
from training.customers.habits import habits
from training.customers.table import CUSTOMER, collect, seen
from training.dataset import Dataset

if TYPE_CHECKING:
    from training.customers.store import Models  # only the name: what fits models takes long to import

_BATCH = 500
# Only while the consent is as it was read: a withdrawal in between wins, and takes what older facts there are with it.
_PUT = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True)
class Written:
    """How many customers' facts were written, how many had denied it, of how many nothing can be told, and bytes."""

    customers: int
    denied: int
    untold: int
    value_bytes: int

    def __str__(self) -> str:
        mean = self.value_bytes / max(self.customers, 1)
        return (
            f"facts of {self.customers:,} customers written, {mean:,.0f} bytes each; {self.denied:,} had denied "
            f"it, of {self.untold:,} there is nothing to tell"
        )


def compute(
    dataset: Dataset, models: "Models | None", shop: str, key: PseudonymKey, restricted: Collection[str] = ()
) -> list[Facts]:
    """Every customer's facts as of the data set's last day, from lines with consent to personalization.

    Without models there are no forecasts, and customers without a recent purchase have none either. Customers of whom
    nothing can be told are among them, so that what was told once can be taken away. Raises DataError when no customer
    bought anything.
    """
    history = collect(dataset, "personalization")
    everybody = engines.arrow(dataset.engine, history.days.select("shopper").distinct())["shopper"].to_pylist()
    told: dict[str, dict[str, Value | None]] = {shopper: {} for shopper in everybody}
    for row in habits(dataset, history.end, restricted=restricted).to_pylist():
        told[row.pop("shopper")] = row
    if models is not None:
        known = seen(history, history.end, models.manifest.window)
        for name, answers in models.predict(known).items():
            for shopper, answer in zip(known.shoppers, answers.tolist(), strict=True):
                told[shopper][name] = answer
    now, version = clock.now(), models.manifest.version if models else ""
    currency = _currency(dataset)
    return [
        Facts.of(
            shop,
            stored_name(dataset, key, shop, "customer", shopper.removeprefix(CUSTOMER)),
            values,
            computed_at=now,
            as_of=history.end - 1,
            model=version,
            currency=currency,
        )
        for shopper, values in sorted(told.items())
    ]


async def write(redis: "Redis", found: Collection[Facts], progress: Callable[[int], None] = lambda _: None) -> Written:
    """Write facts, and delete those of customers who have denied it or of whom nothing can be told any more.

    `progress` hears how many were done since it last did.
    """
    customers = denied = untold = size = 0
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        async with redis.pipeline(transaction=False) as pipe:
            for facts in batch:
                pipe.get(keys.consent_key(facts.shop, facts.shopper))
            decisions: list[Any] = await pipe.execute()
        sent = list(_sent(batch, decisions))
        async with redis.pipeline(transaction=False) as pipe:
            for facts, consent, data in sent:
                name, consents = keys.facts_key(facts.shop, facts.shopper), keys.consent_key(facts.shop, facts.shopper)
                if data is None:
                    pipe.delete(name)
                else:
                    pipe.eval(_PUT, 2, name, consents, consent, data, str(keys.FACTS_TTL_S))
            done: list[Any] = await pipe.execute()
        for (facts, _, data), taken in zip(sent, done, strict=True):
            if data is not None and taken:
                customers, size = customers + 1, size + len(data)
            elif facts.current():
                denied += 1
            else:
                untold += 1
        progress(len(batch))
    return Written(customers, denied, untold, size)


def _sent(batch: list[Facts], decisions: list[bytes | None]) -> Iterator[tuple[Facts, bytes, bytes | None]]:
    """Facts, the consent as stored, and the bytes to write: None where there are none or consent denies it."""
    for facts, stored in zip(batch, decisions, strict=True):
        yield facts, stored or b"", encode_facts(facts) if facts.current() and _allowed(facts, stored) else None


def _allowed(facts: Facts, stored: bytes | None) -> bool:
    if stored is None:
        return True
    try:
        decision = decode_decision(stored)
    except CodecError:
        return False  # what cannot be read may be a denial
    return (decision.shop, decision.shopper) == (facts.shop, facts.shopper) and "personalization" in decision.granted


def _currency(dataset: Dataset) -> str:
    """The currency most purchases were paid in; amounts in others are added as if they were in it."""
    lines = dataset.lines("personalization")
    rows = engines.arrow(dataset.engine, lines.group_by("currency").aggregate(many=lines.count())).to_pylist()
    named = {row["currency"]: row["many"] for row in rows if row["currency"]}
    return max(sorted(named), key=lambda name: named[name]) if named else "USD"
