"""What the store knows of the shoppers in the log: whose other name one is, and who does not allow it any more.

In: the names that stand in the log. Out: name -> customer, and the names to leave out of training.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis

from backend.event_log.history import names
from backend.event_log.store import EventLog
from backend.event_log.writer import stored_decisions
from backend.identity.links import Link, read_links
from edge.core.consent import Decision
from training import engine as engines
from training.dataset import Dataset

_BATCH = 10_000
_HOPS = 5  # from a device over a customer's former names to the present one
_LEADS = ("alias", "merged", "moved")  # not `shared`: of such a device nobody can say whose look it was


@dataclass
class Known:
    """`links`: name -> the customer it belongs to. `denied`: names whose stored decision does not allow analytics."""

    links: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)


async def known_of(redis: "Redis", log: EventLog, shop: str) -> Known:
    """Look up every name in the log. An erased shopper's tombstone is such a denial."""
    known = Known()
    for batch in names(log, shop):
        links = await _links(redis, shop, batch)
        known.links |= {name: end for name in batch if (end := _end(name, links)) != name}
        asked = [*batch, *dict.fromkeys(known.links[name] for name in batch if name in known.links)]
        known.denied |= _denying(await stored_decisions(redis, shop, asked))
    return known


async def denied_in(redis: "Redis", shop: str, dataset: Dataset) -> set[str]:
    """The shoppers of a data set from the log whose stored decision does not allow analytics now."""
    shoppers = engines.arrow(dataset.engine, dataset.rows.select("shopper").distinct())["shopper"]
    denied: set[str] = set()
    for at in range(0, len(shoppers), _BATCH):
        batch = [shopper[2:] for shopper in shoppers[at : at + _BATCH].to_pylist()]  # after "c:" or "v:"
        denied |= _denying(await stored_decisions(redis, shop, batch))
    return denied


def _denying(decisions: Iterable[Decision | None]) -> set[str]:
    return {one.shopper for one in decisions if one is not None and "analytics" not in one.granted}


async def _links(redis: "Redis", shop: str, batch: list[str]) -> dict[str, Link]:
    """The links of these names, and of whom they lead to."""
    links: dict[str, Link] = {}
    asked: set[str] = set()
    wanted = set(batch)
    for _ in range(_HOPS):
        found = await read_links(redis, shop, wanted)
        links |= found
        asked |= wanted
        wanted = {link.shopper for link in found.values()} - asked
        if not wanted:
            break
    return links


def _end(name: str, links: Mapping[str, Link]) -> str:
    """The customer at the end of the links that lead from a name; the name itself where none does."""
    for _ in range(_HOPS):
        link = links.get(name)
        if link is None or link.state not in _LEADS:
            break
        name = link.shopper
    return name
