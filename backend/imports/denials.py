"""What shoppers have decided since, held against their history: an import brings nobody back.

In: rows for the event log, in pseudonyms. Out: the same rows with the consent that is in force; those without consent
to analytics are gone. A decision that cannot be read counts as a denial.
"""

import pyarrow as pa
import pyarrow.compute as pc
from redis.asyncio import Redis

from backend.event_log.writer import stored_decisions


async def heed(redis: "Redis", shop: str, rows: pa.Table) -> pa.Table:
    """The rows that may be kept. Columns `customer_id`, `visitor_id` and `consent`."""
    stored = await decisions(redis, shop, _names(rows))
    if not stored:
        return rows
    named = pa.array(list(stored), pa.string())
    concerned = pc.or_(pc.is_in(rows["customer_id"], named), pc.is_in(rows["visitor_id"], named))
    theirs = rows.filter(concerned)
    consent = [
        ",".join(purpose for purpose in said.split(",") if all(purpose in granted for granted in granting))
        for said, granting in (
            (said, [stored[name] for name in (customer, visitor) if name in stored])
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


async def decisions(redis: "Redis", shop: str, names: list[str]) -> dict[str, frozenset[str]]:
    """What those of these names who have decided anything allow."""
    found = await stored_decisions(redis, shop, names)
    return {
        name: frozenset(decision.granted) for name, decision in zip(names, found, strict=True) if decision is not None
    }
