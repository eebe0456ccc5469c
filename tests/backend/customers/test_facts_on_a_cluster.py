"""Facts on a Redis Cluster of three real nodes: every write and the one read stay in the customer's slot."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from backend.customers.facts import write
from edge.core import keys
from edge.core.consent import Decision, encode_decision
from edge.core.facts import Facts
from edge.core.keys import PseudonymKey, pseudonym
from edge.errors import InputError
from edge.facts import read_facts
from edge.identify import Identifier
from edge.profiles import ShopperStore, connect
from tests.cluster import three_nodes

KEY, FORMER = PseudonymKey.from_hex("5e" * 32), PseudonymKey.from_hex("6f" * 32)
IDENTIFIER = Identifier("demo", KEY, (FORMER,))


def facts(shopper: str, risk: float = 0.5) -> Facts:
    """Facts under a pseudonym."""
    return Facts.of("demo", shopper, {"churn_risk_30d": risk}, computed_at=0, as_of=0)


def test_facts_are_written_and_read_on_a_cluster(tmp_path: Path) -> None:
    """Many customers, spread over the nodes; a denial keeps out; a name of before a change of key is found, too."""

    async def job(url: str) -> list[Any]:
        client = connect(url, timeout_s=5, connections=4)
        store = ShopperStore(client)
        denier = pseudonym(KEY, "demo", "customer", "7")
        denial = encode_decision(Decision("demo", denier, (), 0, "page"))
        await client.set(keys.consent_key("demo", denier), denial)
        names = [pseudonym(KEY, "demo", "customer", str(number)) for number in range(40)]
        old = pseudonym(FORMER, "demo", "customer", "old")
        done = await write(client, [facts(name) for name in (*names, old)])
        told = []
        for customer in ("3", "old", "7", "nobody"):
            try:
                answer = await read_facts(store, IDENTIFIER.caller(None, customer, ()), customer, 0.0)
                told.append(answer.facts["churn_risk_30d"].value)
            except InputError as error:
                told.append(error.detail.split(":")[0].split(";")[0])
        await client.aclose()
        return [done.customers, done.denied, *told]

    with three_nodes(tmp_path) as cluster:
        found = asyncio.run(job(cluster.url))
        nodes = {node for name, node in cluster.names().items() if name.startswith(b"f:")}
    assert found == [40, 1, 0.5, 0.5, "nothing is kept", "nothing is known of this customer"]
    assert nodes == {0, 1, 2}


@pytest.mark.parametrize("under", [KEY, FORMER])
def test_a_denial_under_either_name_wins(tmp_path: Path, session_store: str, redis: Any, under: PseudonymKey) -> None:
    """While keys change, what was decided under the former name still counts."""

    async def ask() -> None:
        client = connect(session_store, timeout_s=5, connections=2)
        try:
            await write(client, [facts(pseudonym(KEY, "demo", "customer", "7"))])
            name = pseudonym(under, "demo", "customer", "7")
            await client.set(keys.consent_key("demo", name), encode_decision(Decision("demo", name, (), 0, "page")))
            await read_facts(ShopperStore(client), IDENTIFIER.caller(None, "7", ()), "7", 0.0)
        finally:
            await client.aclose()

    with pytest.raises(InputError, match="nothing is kept"):
        asyncio.run(ask())
