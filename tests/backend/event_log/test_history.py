"""From the log to the data set: the same as from a shop's files, each shopper under one name, each order once."""

from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest

from backend.event_log import history
from backend.event_log.compaction import compact
from backend.event_log.history import names, prepare_from_log
from backend.event_log.store import EventLog
from backend.refresh import replay_profiles
from edge.core.codec import encode_profile
from edge.core.events import Event
from edge.core.keys import PseudonymKey, pseudonym
from edge.core.products import Product
from tests.backend.event_log.handmade import DAY, event, order
from training import sample
from training.dataset import DataError, Dataset, open_dataset, prepare

KEY = PseudonymKey.from_hex("5e" * 32)
PRODUCTS = [
    Product("p1", "Tea", 3.0, category="Drinks > Tea", listed=20_000),
    Product("p2", "Mug", 5.0, available=False),
]


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """An empty log on disk."""
    return EventLog(str(tmp_path / "events"))


def lines(dataset: Dataset) -> list[dict[str, Any]]:
    """All lines, in the order of the file."""
    found: list[dict[str, Any]] = dataset.rows.to_pyarrow().to_pylist()
    return found


def made(log: EventLog, tmp_path: Path, **named: Any) -> list[tuple[str, str]]:
    """(shopper, event) of each line that training would see."""
    dataset = prepare_from_log(log, "demo", PRODUCTS, tmp_path / "out", **named)
    return [(line["shopper"], line["event_id"]) for line in lines(dataset)]


def imported(plain: Path) -> pa.Table:
    """A shop's events.csv as an importer hands it over: typed, in pseudonyms."""
    table = pa.csv.read_csv(plain / "events.csv", convert_options=pa.csv.ConvertOptions(
        strings_can_be_null=True, column_types={"product_id": pa.string(), "event_id": pa.string()}))  # fmt: skip
    for kind in ("customer", "visitor"):
        column = table[f"{kind}_id"].cast(pa.string())
        hashed = {one: pseudonym(KEY, "demo", kind, one) for one in pc.unique(column).to_pylist() if one}
        at = table.column_names.index(f"{kind}_id")
        table = table.set_column(
            at, f"{kind}_id", pa.array([hashed.get(one) for one in column.to_pylist()], pa.string())
        )
    times = table["time"].cast(pa.timestamp("us", tz="UTC"))
    return table.set_column(table.column_names.index("time"), "time", times)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """A made-up shop's files, and the data set prepared from them."""
    root = tmp_path_factory.mktemp("plain")
    plain = sample.generate(root / "plain", shoppers=40, products=60, weeks=8, ends=date(2026, 10, 31))
    return plain, prepare(plain, root / "prepared")


def test_the_log_gives_the_data_set_that_the_files_give(
    shop: tuple[Path, Dataset], log: EventLog, tmp_path: Path
) -> None:
    """Line by line, for what was consented to; the shoppers are pseudonyms, and the data set says so."""
    plain, direct = shop
    assert log.write("demo", imported(plain), "import-1") == direct.summary.lines_by_consent["analytics"]
    dataset = prepare_from_log(log, "demo", direct.catalogue(), tmp_path / "out")
    kinds = {"c": "customer", "v": "visitor"}

    def hashed(line: dict[str, Any]) -> dict[str, Any]:
        kind, id_ = kinds[line["shopper"][0]], line["shopper"][2:]
        shopper = f"{line['shopper'][:2]}{pseudonym(KEY, 'demo', kind, id_)}"  # type: ignore[arg-type]  # because kind is one of the two
        return line | {"shopper": shopper, "session_id": None, "line": None}

    def keyed(line: dict[str, Any]) -> tuple[Any, ...]:
        return line["event_id"], line["product_id"], line["price"]

    wanted = sorted((hashed(line) for line in lines(direct) if line["analytics"]), key=keyed)
    found = sorted((line | {"session_id": None, "line": None} for line in lines(dataset)), key=keyed)
    assert found == wanted
    assert dataset.summary.notes.pseudonymous
    assert "pseudonyms" in dataset.report()
    assert dataset.summary.rejected == {}
    assert list(dataset.catalogue()) == list(direct.catalogue())


def test_profiles_of_the_log_are_not_hashed_again(shop: tuple[Path, Dataset], log: EventLog, tmp_path: Path) -> None:
    """Each lies under the pseudonym that the edge asks for; byte for byte the profile that the shop's files give."""
    plain, direct = shop
    log.write("demo", imported(plain), "import-1")
    dataset = prepare_from_log(log, "demo", direct.catalogue(), tmp_path / "out")
    known = {one.shopper: encode_profile(one) for one in replay_profiles(direct, "demo", KEY)}
    again = {one.shopper: encode_profile(one) for one in replay_profiles(dataset, "demo", KEY)}
    assert set(again) <= set(known)
    assert sum(known[name] == data for name, data in again.items()) == len(again) > 20


def test_the_same_log_gives_the_same_data_set(shop: tuple[Path, Dataset], log: EventLog, tmp_path: Path) -> None:
    """However its rows are spread over files, and however often they stand there: the fingerprint says so."""
    plain, direct = shop
    table = imported(plain)
    log.write("demo", table, "import-1")
    first = prepare_from_log(log, "demo", direct.catalogue(), tmp_path / "out").fingerprint
    for at in range(0, len(table), 997):  # whole events only: rows of an event lie together
        some = pc.is_in(table["event_id"], pc.unique(table["event_id"][at : at + 997]))
        log.write("demo", table.filter(some), f"again-{at}")
    assert prepare_from_log(log, "demo", direct.catalogue(), tmp_path / "out").fingerprint == first
    compact(log, "demo", date(2026, 12, 1))
    assert prepare_from_log(log, "demo", direct.catalogue(), tmp_path / "out").fingerprint == first


def test_a_visitor_who_became_a_customer_trains_as_that_customer(log: EventLog, tmp_path: Path) -> None:
    """So does a customer's former pseudonym; a name without a link stays, and who was logged in stays who they were."""
    log.write("demo", [event("1", "detail-page-view", "p1"), event("2", "detail-page-view", "p1", visitor_id="k.x"),
                       event("3", "detail-page-view", "p1", customer_id="k.d"),
                       event("4", "detail-page-view", "p1", customer_id="old.c", visitor_id=None)], "a")  # fmt: skip
    links = {"k.v": "k.c", "old.c": "k.c", "k.never": "k.d"}
    assert sorted(made(log, tmp_path, links=links)) == [("c:k.c", "1"), ("c:k.c", "4"), ("c:k.d", "3"), ("v:k.x", "2")]


def test_an_order_counts_once(log: EventLog, tmp_path: Path) -> None:
    """Page and platform both tell of it: the one that knows the customer, then the one that knows the delivery."""
    page: dict[str, Any] = {"order_id": "o1", "customer_id": None, "visitor_id": "k.v", "delivery": None}
    log.write("demo", [
        renamed(order(1, **page), "page"), order(1),
        renamed(order(2, delivery=None, time=DAY), "bare"), order(2),
        renamed(order(3, time=DAY + timedelta(days=1)), "later"), order(3),
        order(5, order_id=None), renamed(order(5, order_id=None), "other"),
        event("r1", "return", "p1", order_id="o1"), event("r2", "return", "p1", order_id="o1"),
    ], "a")  # fmt: skip
    found = {event_id for _, event_id in made(log, tmp_path)}
    assert found == {"e1", "e2", "e3", "e5", "other", "r1", "r2"}


def renamed(one: Event, id_: str) -> Event:
    """The same under another event id."""
    return msgspec.structs.replace(one, id=id_)


def test_excluded_names_do_not_train(log: EventLog, tmp_path: Path) -> None:
    """Neither as they stand in the log nor through a link."""
    seen = [event(name, "detail-page-view", "p1", visitor_id=name) for name in ("k.gone", "k.leads")]
    log.write("demo", [order(1, "k.gone"), order(2, "k.stays"), *seen], "a")
    found = made(log, tmp_path, excluded={"k.gone"}, links={"k.leads": "k.gone"})
    assert found == [("c:k.stays", "e2")] * 2
    assert sorted(name for batch in names(log, "demo") for name in batch) == ["k.gone", "k.leads", "k.stays"]


def test_the_catalogue_s_products_are_the_data_set_s(log: EventLog, tmp_path: Path) -> None:
    """With stock and day of listing; a line whose product is gone is refused and counted."""
    log.write("demo", [order(1), event("g", "detail-page-view", "gone")], "a")
    dataset = prepare_from_log(log, "demo", PRODUCTS, tmp_path / "out")
    assert list(dataset.catalogue()) == PRODUCTS
    assert dataset.summary.rejected == {"events.parquet": {"product is not in the products file": 1}}


def test_the_clock_of_a_simulation_counts(log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies after it has not happened."""
    (tmp_path / "clock").write_text(str((DAY + timedelta(hours=1.5)).timestamp()))
    monkeypatch.setattr("edge.core.clock.simulated", str(tmp_path / "clock"))
    log.write("demo", [order(1), order(2)], "a")
    assert {event_id for _, event_id in made(log, tmp_path)} == {"e1"}


def test_an_empty_log_is_said(log: EventLog, tmp_path: Path) -> None:
    """And the old data set stays."""
    with pytest.raises(DataError, match="holds nothing of shop 'demo'"):
        prepare_from_log(log, "demo", PRODUCTS, tmp_path / "out")


def test_a_log_that_is_compacted_while_it_is_read_is_read_again(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that vanish are a reason to look again; any other failure is not."""
    log.write("demo", [order(1)], "a")
    log.write("demo", [order(2)], "b")
    real, calls = history.history, []

    def once(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            compact(log, "demo", date(2026, 12, 1))
            raise duckdb.IOException("No such file")
        return real(*arguments)

    monkeypatch.setattr(history, "history", once)
    assert len(made(log, tmp_path)) == 4
    assert len(calls) == 2
    calls.clear()
    monkeypatch.setattr(history, "history", lambda *_: (_ for _ in ()).throw(duckdb.IOException("broken disk")))
    with pytest.raises(duckdb.IOException, match="broken disk"):
        made(log, tmp_path)


def test_the_prepared_set_is_opened_as_any_other(log: EventLog, tmp_path: Path) -> None:
    """Its notes stay with it."""
    log.write("demo", [order(1)], "a")
    prepare_from_log(log, "demo", PRODUCTS, tmp_path / "out")
    summary = open_dataset(tmp_path / "out").summary
    assert summary.notes.pseudonymous
    assert summary.first.tzinfo == UTC
