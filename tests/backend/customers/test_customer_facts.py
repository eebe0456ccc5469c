"""The scheduled refresh of facts: for those who allowed it, under their pseudonyms, readable by the edge."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from rich.console import Console

from backend.customers import facts as module
from backend.customers.facts import compute, write
from backend.customers.names import stored_name
from edge.core import keys
from edge.core.access import read_keys, shop_of
from edge.core.consent import Decision, encode_decision
from edge.core.facts import DEFINITIONS, Facts, decode_facts
from edge.core.keys import PseudonymKey, load_key, pseudonym
from edge.profiles import connect
from tests.backend.program import backend
from tests.training.customers.handmade import FIRST, bought, lively, shop
from training.customers import store as models
from training.customers.run import STAGES, run
from training.dataset import Dataset
from training.stages import Stages

pytestmark = pytest.mark.store

KEY = PseudonymKey.from_hex("5e" * 32)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """A small shop's data set, and the directory with the models fitted on it."""
    root = tmp_path_factory.mktemp("facts")
    data = lively(root)
    run(data, root / "customers", "demo", Stages(STAGES, Console(quiet=True)))
    return data, root / "customers"


def put(url: str, found: list[Facts], **options: Any) -> module.Written:
    """Write these facts."""

    async def job() -> module.Written:
        client = connect(url, timeout_s=5, connections=2)
        try:
            return await write(client, found, **options)
        finally:
            await client.aclose()

    return asyncio.run(job())


def some(shopper: str = "k1.a", **fields: Any) -> Facts:
    """Facts of one customer."""
    return Facts.of("demo", shopper, {"churn_risk_30d": 0.5}, computed_at=0, as_of=0, **fields)


def test_every_customer_of_the_history_gets_facts(fitted: tuple[Dataset, Path], session_store: str, redis: Any) -> None:
    """Forecasts and counted facts, under the pseudonym, with a TTL, as of the last day; small."""
    data, root = fitted
    found = compute(data, models.read(root, "demo"), "demo", KEY)
    heard: list[int] = []
    done = put(session_store, found, progress=heard.append)
    assert done.customers == sum(heard) == len(found) == len(list(redis.scan_iter("f:*")))
    assert done.value_bytes / done.customers < 250
    shopper = pseudonym(KEY, "demo", "customer", "k0")
    name = keys.facts_key("demo", shopper)
    facts = decode_facts(redis.get(name), "demo", shopper)
    assert 0 < redis.ttl(name) <= keys.FACTS_TTL_S
    assert facts.as_of == data.summary.last.toordinal() - 719_163
    assert facts.model == models.read(root, "demo").manifest.version
    known = {name for one in found for name in one.current()}
    assert known == set(DEFINITIONS) - {"return_rate", "delivery_sensitivity_score", "price_sensitivity"}


def test_without_models_there_are_no_forecasts(fitted: tuple[Dataset, Path]) -> None:
    """The rest does not wait for them."""
    found = compute(fitted[0], None, "demo", KEY)
    assert {name for one in found for name in one.current()} == {"discount_affinity", "preferred_category"}
    assert found[0].model == ""


def test_who_left_long_ago_has_no_forecast(tmp_path: Path, fitted: tuple[Dataset, Path]) -> None:
    """Nothing bought in the window the models look back on is nothing to foretell from; habits remain."""
    rows = [bought("gone", day) for day in range(3)] + [bought("new", 300), bought("new", 301)]
    found = compute(shop(tmp_path, rows), models.read(fitted[1], "demo"), "demo", KEY)
    by_name = {one.shopper: one.current() for one in found}
    assert "churn_risk_30d" in by_name[pseudonym(KEY, "demo", "customer", "new")]
    assert "churn_risk_30d" not in by_name[pseudonym(KEY, "demo", "customer", "gone")]
    assert found[0].as_of == FIRST + 301


def test_restricted_categories_never_become_a_preference(tmp_path: Path) -> None:
    """The shop's list reaches the facts that are written."""
    rows = [bought("ada", day, "pills") for day in range(6)] + [bought("ada", day, "wine") for day in range(6, 10)]
    rows += [bought("bob", day) for day in range(9)]
    data = shop(tmp_path, rows)
    for restricted, preferred in (((), "Health > Medicine"), (("Medicine",), "Drinks > Wine")):
        (ada, _) = sorted(compute(data, None, "demo", KEY, restricted), key=lambda one: one.shopper != _ada())
        assert ada.current()["preferred_category"] == preferred


def _ada() -> str:
    return pseudonym(KEY, "demo", "customer", "ada")


def test_pseudonyms_of_the_event_log_are_not_hashed_again(fitted: tuple[Dataset, Path]) -> None:
    """A data set says whether its ids are pseudonyms."""
    data = fitted[0]
    notes = msgspec.structs.replace(data.summary.notes, pseudonymous=True)
    log = replace(data, summary=msgspec.structs.replace(data.summary, notes=notes))
    assert stored_name(log, KEY, "demo", "customer", "k1.abc") == "k1.abc"
    assert stored_name(data, KEY, "demo", "customer", "7") == pseudonym(KEY, "demo", "customer", "7")


def test_the_currency_is_the_shops(tmp_path: Path) -> None:
    """Most lines decide; dollars where nothing says."""
    rows = [bought("ada", 1, currency="EUR"), bought("ada", 2, currency="EUR"), bought("ada", 3, currency="CHF")]
    assert compute(shop(tmp_path / "euro", rows), None, "demo", KEY)[0].currency == "EUR"
    assert compute(shop(tmp_path / "none", [bought("ada", 1)]), None, "demo", KEY)[0].currency == "USD"


def test_facts_that_can_be_told_no_more_are_taken_away(tmp_path: Path, session_store: str, redis: Any) -> None:
    """Of who bought restricted goods only, or long ago: no old preference outlives the rule that forbids it."""
    data = shop(tmp_path, [bought("ada", day, "pills") for day in range(6)] + [bought("bob", day) for day in range(90)])
    name = keys.facts_key("demo", _ada())
    assert put(session_store, compute(data, None, "demo", KEY)).customers == 2
    assert redis.exists(name)
    done = put(session_store, compute(data, None, "demo", KEY, ["medicine"]))
    assert (done.customers, done.denied, done.untold) == (0, 0, 2)
    assert not redis.exists(name)


def test_a_stored_denial_keeps_facts_out_and_takes_old_ones_away(session_store: str, redis: "Redis") -> None:
    """So does consent that cannot be read; a grant lets them in."""
    decisions = {
        "k1.yes": encode_decision(Decision("demo", "k1.yes", ("personalization",), 0, "page")),
        "k1.no": encode_decision(Decision("demo", "k1.no", ("analytics",), 0, "erased")),
        "k1.odd": b"\x77",
    }
    put(session_store, [some(shopper) for shopper in decisions])
    for shopper, stored in decisions.items():
        redis.set(keys.consent_key("demo", shopper), stored)
    done = put(session_store, [some(shopper) for shopper in (*decisions, "k1.new")])
    assert (done.customers, done.denied) == (2, 2)
    assert "facts of 2 customers written" in str(done)
    kept = {shopper for shopper in (*decisions, "k1.new") if redis.exists(keys.facts_key("demo", shopper))}
    assert kept == {"k1.yes", "k1.new"}


def test_a_withdrawal_during_the_write_wins(
    session_store: str, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consent that changed since it was read lets nothing in."""
    real = module._allowed

    def withdraw(facts: Facts, stored: bytes | None) -> bool:
        denial = encode_decision(Decision("demo", facts.shopper, (), 0, "page"))
        redis.set(keys.consent_key("demo", facts.shopper), denial)
        return real(facts, stored)

    monkeypatch.setattr(module, "_allowed", withdraw)
    done = put(session_store, [some()])
    assert (done.customers, done.denied) == (0, 1)
    assert not redis.exists(keys.facts_key("demo", "k1.a"))


@pytest.fixture
def command(data_dir: Path, session_store: str, redis: "Redis") -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m backend ...` on the test's data directory and store."""
    return partial(backend, ENDCAP_DATA_DIR=str(data_dir), REDIS_URL=session_store)


def test_from_the_command_to_the_edge(
    command: Callable[..., Any], fitted: tuple[Dataset, Path], data_dir: Path, serve: Any, redis: Any
) -> None:
    """`facts` says that models are missing, then uses them; `key` makes what opens the answer."""
    shutil.copytree(fitted[0].directory, data_dir / "datasets" / "demo")
    first = command("facts")
    assert first.returncode == 0, first.stderr
    assert "no models of customers yet" in first.stdout
    shutil.copytree(fitted[1], data_dir / "customers")
    assert "Health > Medicine" in preferences(redis)
    done = command("facts", "--restricted", "Wine", ENDCAP_RESTRICTED_CATEGORIES="Pets, Medicine")
    assert done.returncode == 0, done.stderr
    assert not {"Health > Medicine", "Drinks > Wine"} & preferences(redis)
    assert "customers written" in done.stdout
    assert "no models" not in done.stdout
    key = command("key").stdout.split()[0]
    assert shop_of(read_keys(data_dir), f"Bearer {key}") == "demo"
    running = serve(pseudonym_key=load_key(data_dir, None).secret.hex())
    answer = running.client.get("/v1/customers/k0/facts", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    assert {"customer_ltv_12m", "churn_risk_30d", "repurchase_14d"} <= set(answer.json()["facts"])


def preferences(redis: Any) -> set[object]:
    """The preferred categories of the facts in the store."""
    found = [name.decode()[3:-1].split("/", 1) for name in redis.scan_iter("f:*")]
    stored = [decode_facts(redis.get(keys.facts_key(*owner)), *owner) for owner in found]
    return {one.current().get("preferred_category") for one in stored}


def test_damaged_models_stop_the_command(
    command: Callable[..., Any], fitted: tuple[Dataset, Path], data_dir: Path, redis: "Redis"
) -> None:
    """One line with the remedy; nothing is written over what was there."""
    shutil.copytree(fitted[0].directory, data_dir / "datasets" / "demo")
    shutil.copytree(fitted[1], data_dir / "customers")
    next((data_dir / "customers" / "demo").glob("*/manifest.json")).write_bytes(b"")
    done = command("facts")
    assert done.returncode == 2
    assert "python -m training customers" in done.stderr
    assert not list(redis.scan_iter("f:*"))
