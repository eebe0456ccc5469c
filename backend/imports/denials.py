"""What shoppers have decided since, held against their history: an import brings nobody back.

In: rows for the event log, in pseudonyms. Out: the same rows with the consent that is in force; those without consent
to analytics are gone. A decision that cannot be read counts as a denial.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from redis.asyncio import Redis

from edge.core.consent import decode_decision
from edge.core.errors import CodecError
from edge.core.keys import consent_key

_BATCH = 2_000


async def heed(redis: "Redis", shop: str, rows: pa.Table) -> pa.Table:
    """The rows that may be kept. Columns `customer_id`, `visitor_id` and `consent`."""
    decisions = await _decisions(redis, shop, _names(rows))
    if not decisions:
        return rows
    named = pa.array(list(decisions), pa.string())
    concerned = pc.or_(pc.is_in(rows["customer_id"], named), pc.is_in(rows["visitor_id"], named))
    theirs = rows.filter(concerned)
    consent = [
        ",".join(purpose for purpose in said.split(",") if all(purpose in granted for granted in stored))
        for said, stored in (
            (said, [decisions[name] for name in (customer, visitor) if name in decisions])
            for said, customer, visitor in zip(
                theirs["consent"].to_pylist(), theirs["customer_id"].to_pylist(), theirs["visitor_id"].to_pylist(),
                strict=True,
            )
        )
    ]  # fmt: skip
    at = theirs.column_names.index("consent")
    theirs = theirs.set_column(at, "consent", pa.array(consent, pa.string()))
    kept = theirs.filter(pc.match_substring(theirs["consent"], "analytics"))
    return pa.concat_tables([rows.filter(pc.invert(concerned)), kept.cast(rows.schema)]).sort_by(
        [("time", "ascending"), ("event_id", "ascending"), ("line", "ascending")]
    )


def _names(rows: pa.Table) -> list[str]:
    both = pa.chunked_array([*rows["customer_id"].chunks, *rows["visitor_id"].chunks], pa.string())
    found: list[str] = both.unique().drop_null().to_pylist()
    return found


async def _decisions(redis: "Redis", shop: str, names: list[str]) -> dict[str, frozenset[str]]:
    """What those who have decided anything allow."""
    found: dict[str, frozenset[str]] = {}
    for at in range(0, len(names), _BATCH):
        batch = names[at : at + _BATCH]
        async with redis.pipeline(transaction=False) as pipe:  # not MGET: the names lie in many slots of a cluster
            for name in batch:
                pipe.get(consent_key(shop, name))
            values: list[Any] = await pipe.execute()
        found |= {name: _granted(data, shop, name) for name, data in zip(batch, values, strict=True) if data}
    return found


def _granted(data: bytes, shop: str, name: str) -> frozenset[str]:
    try:
        decision = decode_decision(data)
    except CodecError:
        return frozenset()
    return frozenset(decision.granted) if (decision.shop, decision.shopper) == (shop, name) else frozenset()
