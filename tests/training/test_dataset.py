"""The data set: the plain format in, the normalised copy out; every bad row named, nothing lost in silence."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edge.core.events import Event, Line, Purpose
from edge.core.products import Product
from training.dataset import DataError, Dataset, open_dataset, prepare
from training.rules import EVENT_COLUMNS, PRODUCT_COLUMNS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALL = "personalization,analytics,marketing"


def event(**fields: object) -> dict[str, object]:
    """A good row of the events file, with these fields changed."""
    good: dict[str, object] = {
        "event_id": "e1",
        "type": "purchase-complete",
        "time": "2026-05-01T10:00:00Z",
        "product_id": "p1",
        "customer_id": "7",
        "consent": ALL,
    }
    return good | fields


def product(**fields: object) -> dict[str, object]:
    """A good row of the products file, with these fields changed."""
    good: dict[str, object] = {"id": "p1", "title": "White Milk", "price": "2.50"}
    return good | fields


PRODUCTS = [product(), product(id="p2", title="Rye Bread", price="3")]


def write(path: Path, rows: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    """Rows as a CSV whose columns are those any row has."""
    used = [name for name in columns if any(name in row for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, used, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def source(where: Path, events: list[dict[str, object]], products: list[dict[str, object]] | None = None) -> Path:
    """A directory in the plain format."""
    directory = where / "source"
    directory.mkdir(exist_ok=True)
    write(directory / "events.csv", events, EVENT_COLUMNS)
    write(directory / "products.csv", PRODUCTS if products is None else products, PRODUCT_COLUMNS)
    return directory


def prepared(
    where: Path,
    events: list[dict[str, object]],
    products: list[dict[str, object]] | None = None,
    consent: tuple[Purpose, ...] = (),
) -> Dataset:
    """The rows as a data set."""
    return prepare(source(where, events, products), where / "out", assume_consent=consent, now=NOW)


def rows(data: Dataset, purpose: Purpose | None = None) -> list[dict[str, Any]]:
    """The lines of a data set, in the order of its file."""
    found: list[dict[str, Any]] = data.lines(purpose).to_pyarrow().to_pylist()
    return found


def rejected(data: Dataset) -> list[dict[str, str]]:
    """The rows of rejected.csv."""
    with (data.directory / "rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- what a good row becomes -----------------------------------------------------------------------------------------


def test_a_line_keeps_what_its_row_says(tmp_path: Path) -> None:
    """Every field of a full row arrives, typed: time in UTC, whole quantity, price, one column for each consent."""
    full = event(
        time="2026-05-01T10:00:00+02:00",
        session_id="s1",
        order_id="o1",
        variant_id="v9",
        quantity="2",
        price="1.25",
        discount="0.25",
        currency="EUR",
        consent="analytics, marketing",
        source="app",
        delivery_method="bike",
        delivery_cost="2.90",
        promised_days="1",
        delivery_days="1.5",
    )
    (line,) = rows(prepared(tmp_path, [full]))
    assert line == {
        "event_id": "e1",
        "type": "purchase-complete",
        "time": datetime(2026, 5, 1, 8),  # noqa: DTZ001 -- times in tables are UTC without a zone
        "day": 20574,
        "shopper": "c:7",
        "session_id": "c:7/s1",
        "order_id": "o1",
        "product_id": "p1",
        "variant_id": "v9",
        "quantity": 2,
        "price": 1.25,
        "discount": 0.25,
        "currency": "EUR",
        "source": "app",
        "delivery_method": "bike",
        "delivery_cost": 2.9,
        "promised_days": 1.0,
        "delivery_days": 1.5,
        "personalization": False,
        "analytics": True,
        "marketing": True,
        "line": 2,
    }


def test_the_report_counts_reductions_and_deliveries(tmp_path: Path) -> None:
    """A reduction of nothing is none; the cost or the days say that something was sent."""
    told = [event(discount="0.5"), event(event_id="e2", discount="0", delivery_days="2"), event(event_id="e3")]
    told += [event(event_id="e4", delivery_cost="0", delivery_method="bike")]
    report = prepared(tmp_path, told).report()
    assert "bought at a reduction: 1 lines" in report
    assert "with a delivery: 2 lines" in report


def test_what_a_row_leaves_out_has_a_default(tmp_path: Path) -> None:
    """Quantity is one, the source an import, and consent none; nothing is known of discount and delivery."""
    (line,) = rows(prepared(tmp_path, [event(consent="")]))
    assert [line[name] for name in ("discount", "delivery_method", "delivery_cost", "delivery_days")] == [None] * 4
    assert (line["quantity"], line["source"], line["price"]) == (1, "import", None)
    assert not any(line[purpose] for purpose in ("personalization", "analytics", "marketing"))


def test_a_time_without_a_zone_counts_as_utc(tmp_path: Path) -> None:
    """No machine's own zone may shift a shop's history."""
    (line,) = rows(prepared(tmp_path, [event(time="2026-05-01 10:00:00")]))
    assert line["time"].hour == 10


def test_spaces_around_values_do_not_count(tmp_path: Path) -> None:
    """A padded id is the same id."""
    (line,) = rows(prepared(tmp_path, [event(product_id=" p1 ", customer_id="7 ", quantity=" 3 ")]))
    assert (line["product_id"], line["shopper"], line["quantity"]) == ("p1", "c:7", 3)


def test_customer_and_visitor_of_one_name_are_two_shoppers(tmp_path: Path) -> None:
    """The kind stands before the id; the customer's id wins where a row has both."""
    both = event(event_id="e2", visitor_id="abc")
    alone = event(event_id="e3", visitor_id="7", customer_id="")
    assert {line["shopper"] for line in rows(prepared(tmp_path, [event(), both, alone]))} == {"c:7", "v:7"}


def test_products_arrive_with_their_category_in_levels(tmp_path: Path) -> None:
    """The path is tidied and split; what is missing is empty, available unless said otherwise."""
    full = product(category="> Dairy>Milk  > >  White >", available="No", compare_at_price="3", listed="2026-05-01")
    data = prepared(tmp_path, [event()], [full, product(id="p2")])
    first, second = data.products().order_by("id").to_pyarrow().to_pylist()
    assert first["category"] == "Dairy > Milk > White"
    assert [first[name] for name in ("department", "level1", "level2", "level3")] == ["Dairy", "Dairy", "Milk", "White"]
    assert (first["available"], first["compare_at_price"], first["listed"]) == (False, 3.0, 20574)
    assert (second["department"], second["level3"], second["available"], second["listed"]) == ("", "", True, 0)
    assert second["currency"] == "USD"


def test_the_catalogue_gives_cards(tmp_path: Path) -> None:
    """Each accepted product is a valid card."""
    data = prepared(tmp_path, [event()], [product(handle="milk", url="/products/milk", image="https://x.test/m.png")])
    assert list(data.catalogue()) == [
        Product("p1", "White Milk", 2.5, handle="milk", url="/products/milk", image="https://x.test/m.png")
    ]


# --- sessions --------------------------------------------------------------------------------------------------------


def at(minutes: int, number: int, **fields: object) -> dict[str, object]:
    """A view some minutes after ten, as event number so and so."""
    time = (datetime(2026, 5, 1, 10, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()
    return event(event_id=f"e{number}", type="detail-page-view", time=time, **fields)


def test_half_an_hour_of_quiet_parts_two_sessions(tmp_path: Path) -> None:
    """Thirty minutes belong together, thirty-one do not; another shopper never does."""
    data = prepared(tmp_path, [at(0, 1), at(30, 2), at(61, 3), at(61, 4, customer_id="8")])
    of = {line["event_id"]: line["session_id"] for line in rows(data)}
    assert of["e1"] == of["e2"]
    assert len(set(of.values())) == 3
    assert data.summary.sessions == 3


def test_a_session_the_file_names_is_kept(tmp_path: Path) -> None:
    """Hours apart but named alike is one session; the same name of two shoppers is two."""
    data = prepared(tmp_path, [at(0, 1, session_id="s"), at(300, 2, session_id="s"),
                               at(300, 3, session_id="s", customer_id="8")])  # fmt: skip
    assert [line["session_id"] for line in rows(data)] == ["c:7/s", "c:7/s", "c:8/s"]


# --- bad rows --------------------------------------------------------------------------------------------------------

BAD_EVENTS = [
    ({"event_id": ""}, "missing event_id"),
    ({"event_id": "x" * 129}, "event_id is longer than 128 characters"),
    ({"event_id": "a\tb"}, "control character in event_id (a line break, or a quote left open?)"),
    ({"type": "buy"}, "unknown type"),
    ({"type": ""}, "missing type"),
    ({"time": ""}, "missing time"),
    ({"time": "yesterday"}, "unreadable time"),
    ({"time": "2026-13-01"}, "unreadable time"),
    ({"time": "2026-06-01T12:00:01Z"}, "time in the future"),
    ({"time": "1970-01-01"}, "time before the year 2000"),
    ({"customer_id": "", "visitor_id": ""}, "neither visitor_id nor customer_id"),
    ({"customer_id": "x" * 129}, "customer_id is longer than 128 characters"),
    ({"visitor_id": "x" * 129}, "visitor_id is longer than 128 characters"),
    ({"product_id": ""}, "missing product_id"),
    ({"product_id": "p9"}, "product is not in the products file"),
    ({"quantity": "0"}, "quantity is not a whole number from 1 to 10,000"),
    ({"quantity": "1.5"}, "quantity is not a whole number from 1 to 10,000"),
    ({"quantity": "10001"}, "quantity is not a whole number from 1 to 10,000"),
    ({"quantity": "two"}, "quantity is not a whole number from 1 to 10,000"),
    ({"quantity": "1e300"}, "quantity is not a whole number from 1 to 10,000"),
    ({"quantity": "inf"}, "quantity is not a whole number from 1 to 10,000"),
    ({"time": "infinity"}, "time in the future"),
    ({"quantity": "nan"}, "quantity is not a whole number from 1 to 10,000"),
    ({"price": "-0.01"}, "negative price"),
    ({"price": "free"}, "price is not a number"),
    ({"price": "nan"}, "price is not a number"),
    ({"price": "inf"}, "price is above 1,000,000,000"),
    ({"currency": "dollars"}, "bad currency"),
    ({"consent": "analytics,everything"}, "unknown consent word"),
    ({"source": "fax"}, "unknown source"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_EVENTS, ids=[f"{c}" for c, _ in BAD_EVENTS])
def test_a_bad_event_row_is_refused_with_file_line_and_reason(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    """It is listed and counted, and the good rows around it stay."""
    good = event(event_id="good", quantity="1", price="1", currency="USD", source="web", visitor_id="v")
    data = prepared(tmp_path, [good, good | {"event_id": "bad"} | change, good | {"event_id": "good too"}])
    assert [(row["file"], row["line"], row["reason"]) for row in rejected(data)] == [("events.csv", "3", reason)]
    assert data.summary.rejected == {"events.csv": {reason: 1}}
    assert [line["event_id"] for line in rows(data)] == ["good", "good too"]


BAD_PRODUCTS = [
    ({"id": ""}, "missing id"),
    ({"id": "p1"}, "product id appears before"),
    ({"title": ""}, "product without title"),
    ({"title": "x" * 513}, "title is longer than 512 characters"),
    ({"title": "Milk\x07"}, "control character in title (a line break, or a quote left open?)"),
    ({"price": ""}, "product without price"),
    ({"price": "cheap"}, "price is not a number"),
    ({"price": "-1"}, "negative price"),
    ({"compare_at_price": "much"}, "compare_at_price is not a number"),
    ({"currency": "usd"}, "bad currency"),
    ({"category": "x" * 513}, "category is longer than 512 characters"),
    ({"available": "perhaps"}, "available is neither true nor false"),
    ({"url": "javascript:alert(1)"}, "url is neither a path nor http(s)"),
    ({"url": "//elsewhere.test/x"}, "url is neither a path nor http(s)"),
    ({"image": "data:image/png;base64,AA"}, "image is neither a path nor http(s)"),
    ({"listed": "soon"}, "listed is not a date"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_PRODUCTS, ids=[f"{c}" for c, _ in BAD_PRODUCTS])
def test_a_bad_product_row_is_refused_with_file_line_and_reason(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    """It is listed and counted, and the good products stay."""
    good = product(compare_at_price="3", currency="USD", category="A", available="true", url="/a", image="/i",
                   listed="2026-05-01")  # fmt: skip
    data = prepared(tmp_path, [event()], [good, good | {"id": "p2"} | change])
    assert [(row["file"], row["line"], row["reason"]) for row in rejected(data)] == [("products.csv", "3", reason)]
    assert data.summary.products == 1


def test_an_event_without_a_product_is_welcome_where_none_is_needed(tmp_path: Path) -> None:
    """A search names no product: it counts as an event and is replayed, but is no product line for training."""
    data = prepared(tmp_path, [event(), event(event_id="e2", type="search", product_id="")])
    assert data.summary.events == 2
    assert [line["event_id"] for line in rows(data)] == ["e1"]
    ((_, _, events),) = data.replay()
    assert events[1].products == ()


@pytest.mark.parametrize("change", [{"type": "add-to-cart"}, {"time": "2026-05-02"}, {"customer_id": "8"}])
def test_rows_of_one_event_must_agree(tmp_path: Path, change: dict[str, object]) -> None:
    """The first row says what the event is; a row that says otherwise is refused."""
    data = prepared(tmp_path, [event(), event(product_id="p2") | change, event(product_id="p2")])
    assert [row["line"] for row in rejected(data)] == ["3"]
    assert data.summary.events == 1
    assert data.summary.lines == 2


def test_an_event_holds_at_most_two_hundred_lines(tmp_path: Path) -> None:
    """What the stream would refuse is refused here, line by line."""
    data = prepared(tmp_path, [event() for _ in range(202)])
    assert [row["line"] for row in rejected(data)] == ["202", "203"]
    assert {row["reason"] for row in rejected(data)} == {"more than 200 lines in one event"}


def test_the_refused_row_is_shown_as_it_stood(tmp_path: Path) -> None:
    """The person who mends the file needs the values, and only those that were there."""
    (row,) = rejected(prepared(tmp_path, [event(), event(type="buy", event_id="e2")]))
    assert row["row"].startswith("event_id=e2; type=buy; time=2026-05-01T10:00:00Z; product_id=p1; customer_id=7;")
    assert "visitor_id" not in row["row"]


# --- line numbers ----------------------------------------------------------------------------------------------------


def raw_source(where: Path, events: str) -> Path:
    """A directory whose events file has exactly this text."""
    directory = source(where, [event()])
    (directory / "events.csv").write_bytes(events.encode())
    return directory


HEADER = "event_id,type,time,product_id,customer_id,comment\n"


def test_lines_count_as_in_an_editor(tmp_path: Path) -> None:
    """Blank lines, quoted line breaks and rows with too many values all count, so that each number is the true one."""
    text = (
        HEADER
        + "e1,search,2026-05-01,,7,\n"
        + "\n"
        + 'e2,search,2026-05-01,,7,"two\nlines"\n'
        + "e3,buy,2026-05-01,,7,\n"
        + "e4,search,2026-05-01,,7,one,too many\n"
        + "e5,search\n"
        + "e6,buy,2026-05-01,,7,\n"
    )
    data = prepare(raw_source(tmp_path, text), tmp_path / "out", now=NOW)
    assert [(row["line"], row["reason"]) for row in rejected(data)] == [
        ("6", "unknown type"),
        ("7", "too many or too few values"),
        ("8", "too many or too few values"),
        ("9", "unknown type"),
    ]
    assert rejected(data)[1]["row"] == "e4,search,2026-05-01,,7,one,too many"
    assert data.summary.events == 2
    assert data.summary.ignored_columns == {"events.csv": ["comment"]}


def test_line_numbers_hold_across_the_reader_s_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read in blocks; the count must not start again with each."""
    monkeypatch.setattr("training.reading._BLOCK_BYTES", 256)
    lines = [
        f"e{n},{'buy' if n % 10 == 0 else 'search'},2026-05-01,,7,{'x,y' if n % 7 == 0 else ''}" for n in range(2, 99)
    ]
    data = prepare(raw_source(tmp_path, HEADER + "\n".join(lines) + "\n"), tmp_path / "out", now=NOW)
    expected = [str(n) for n in range(2, 99) if n % 10 == 0 or n % 7 == 0]
    assert [row["line"] for row in rejected(data)] == expected


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """What spreadsheet programs write is as good as any."""
    text = "\ufeff" + HEADER.replace("\n", "\r\n") + "e1,search,2026-05-01,,7,\r\ne2,buy,2026-05-01,,7,\r\n"
    data = prepare(raw_source(tmp_path, text), tmp_path / "out", now=NOW)
    assert [row["line"] for row in rejected(data)] == ["3"]


def test_parquet_gives_the_same_and_counts_rows_from_one(tmp_path: Path) -> None:
    """Typed columns are read as they are: timestamps, whole numbers, lists of consents."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").unlink()
    table = pa.table({
        "event_id": [1, 2, 3],
        "type": ["purchase-complete", "buy", "purchase-complete"],
        "time": pa.array([datetime(2026, 5, 1, 10, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
        "product_id": ["p1"] * 3,
        "customer_id": [7] * 3,
        "quantity": [1.0, 1.0, 2.0],
        "consent": [["analytics"], [], ["analytics", "marketing"]],
    })  # fmt: skip
    pq.write_table(table, directory / "events.parquet")
    data = prepare(directory, tmp_path / "out", now=NOW)
    assert [(row["file"], row["line"]) for row in rejected(data)] == [("events.parquet", "2")]
    assert [(line["event_id"], line["quantity"], line["marketing"]) for line in rows(data)] == [
        ("1", 1, False),
        ("3", 2, True),
    ]


# --- files that cannot be used at all --------------------------------------------------------------------------------


def refusal(directory: Path, out: Path) -> str:
    """What `prepare` says when it refuses; nothing may be left behind."""
    with pytest.raises(DataError) as caught:
        prepare(directory, out, now=NOW)
    assert not out.exists()
    assert [path for path in out.parent.iterdir() if path.name.startswith(".")] == []
    return str(caught.value)


@pytest.mark.parametrize("column", ["event_id", "type", "time", "product_id"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    """File, column, what is there, and the remedy."""
    row = event()
    del row[column]
    message = refusal(source(tmp_path, [row]), tmp_path / "out")
    assert f"events.csv has no column {column}" in message
    assert "add it (docs/data-format.md)" in message


def test_a_missing_or_doubled_file_is_named(tmp_path: Path) -> None:
    """No file, a file of another type, and two candidates are each said plainly."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").rename(directory / "events.json")
    assert "events.json is of another type" in refusal(directory, tmp_path / "out")
    (directory / "events.json").rename(directory / "events.csv")
    (directory / "products.parquet").touch()
    assert "both products.csv and products.parquet" in refusal(directory, tmp_path / "out")
    assert "is not a directory" in refusal(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "events.csv is empty"),
        (HEADER, "events.csv has no rows"),
        ("event_id,event_id\n1,2\n", "names the column 'event_id' twice"),
        (HEADER + "e1,buy,2026-05-01,,7,\n", "no row of events.csv can be used (1 x unknown type)"),
    ],
)
def test_an_unusable_csv_is_refused_as_a_whole(tmp_path: Path, text: str, says: str) -> None:
    """Empty files and files without one good row stop the import, with the reason."""
    assert says in refusal(raw_source(tmp_path, text), tmp_path / "out")


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    """Another encoding would turn into wrong letters in silence."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").write_bytes(HEADER.encode() + b"e1,search,2026-05-01,,7,\ne2,search,2026-05-01,,,\xe9\n")
    assert "line 3 is not UTF-8; save the file as UTF-8" in refusal(directory, tmp_path / "out")
    (directory / "events.csv").write_bytes(b"event_id,\xe9\n1,2\n")
    assert "events.csv is not UTF-8 text" in refusal(directory, tmp_path / "out")


def test_a_file_that_only_claims_to_be_parquet_is_refused(tmp_path: Path) -> None:
    """The name alone does not make it one."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").rename(directory / "events.parquet")
    assert "events.parquet is not a Parquet file" in refusal(directory, tmp_path / "out")


def test_floating_point_ids_are_refused(tmp_path: Path) -> None:
    """A column of ids with gaps turns into floats in many tools, and 64-bit ids lose their last digits there."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").unlink()
    table = pa.Table.from_pylist([event(customer_id=7.0)])
    pq.write_table(table, directory / "events.parquet")
    assert "column customer_id holds floating-point numbers" in refusal(directory, tmp_path / "out")


def test_an_empty_parquet_is_refused(tmp_path: Path) -> None:
    """No rows, no data set."""
    directory = source(tmp_path, [event()])
    (directory / "events.csv").unlink()
    pq.write_table(pa.Table.from_pylist([event()]).slice(0, 0), directory / "events.parquet")
    assert "events.parquet has no rows" in refusal(directory, tmp_path / "out")


# --- consent ---------------------------------------------------------------------------------------------------------


def test_training_sees_only_lines_with_consent_to_analytics(tmp_path: Path) -> None:
    """The others stay in the data set for what they do allow, and the report counts them."""
    events = [event(), event(event_id="e2", consent="personalization"), event(event_id="e3", consent="")]
    data = prepared(tmp_path, events)
    assert [line["event_id"] for line in rows(data, "analytics")] == ["e1"]
    assert [line["event_id"] for line in rows(data, "personalization")] == ["e1", "e2"]
    assert len(rows(data)) == 3
    assert "consent to analytics: 1 lines, 2 without" in data.report()


def test_replay_can_be_held_to_the_shoppers_of_some_orders(shop_dir: Dataset) -> None:
    """All their events, not only those orders; of the same content as in a replay of everybody."""
    everybody = list(shop_dir.replay())
    buyers = [one for one in everybody if any(event.type == "purchase-complete" for event in one[2])][:3]
    orders = [next(event.id for event in events if event.type == "purchase-complete") for _, _, events in buyers]
    assert list(shop_dir.replay(orders=orders)) == buyers
    assert not list(shop_dir.replay(orders=[]))
    assert not list(shop_dir.replay(orders=["unheard of"]))


def test_the_importer_s_declaration_fills_only_silence(tmp_path: Path) -> None:
    """A row that names its consents keeps exactly those."""
    events = [event(consent=""), event(event_id="e2", consent="personalization")]
    data = prepared(tmp_path, events, consent=("analytics", "marketing"))
    assert [line["event_id"] for line in rows(data, "analytics")] == ["e1"]
    assert [line["event_id"] for line in rows(data, "personalization")] == ["e2"]


# --- replay ----------------------------------------------------------------------------------------------------------


def test_replay_gives_each_shopper_s_events_in_time_order(tmp_path: Path) -> None:
    """Rows of one event come back as one event, whatever the order of the file."""
    data = prepared(
        tmp_path,
        [
            event(event_id="late", time="2026-05-03", price="2", order_id="o"),
            event(event_id="v", customer_id="", visitor_id="x", type="detail-page-view", consent="analytics"),
            event(event_id="early", time="2026-05-01"),
            event(event_id="late", time="2026-05-03", product_id="p2", quantity="4", order_id="o"),
        ],
    )
    (customer, seven, events), (visitor, x, views) = data.replay()
    assert (customer, seven, visitor, x) == ("customer", "7", "visitor", "x")
    assert [one.id for one in events] == ["early", "late"]
    assert events[1] == Event(
        id="late",
        type="purchase-complete",
        time=datetime(2026, 5, 3, tzinfo=UTC),
        customer_id="7",
        products=(Line("p1", price=2.0), Line("p2", quantity=4)),
        order_id="o",
        consent=("personalization", "analytics", "marketing"),
        source="import",
    )
    assert (views[0].visitor_id, views[0].customer_id, views[0].consent) == ("x", None, ("analytics",))


def test_replay_stops_before_a_moment_and_heeds_the_purpose(tmp_path: Path) -> None:
    """`until` itself is outside; events without the consent asked for are not handed out."""
    events = [event(event_id=f"e{day}", time=f"2026-05-0{day}") for day in (1, 2, 3)]
    data = prepared(tmp_path, [*events, event(event_id="e4", time="2026-05-01", consent="personalization")])
    until = datetime(2026, 5, 3, tzinfo=UTC)
    assert [one.id for _, _, all_ in data.replay(until=until) for one in all_] == ["e1", "e2"]
    assert [one.id for _, _, all_ in data.replay(until=until, purpose="personalization") for one in all_] == [
        "e1",
        "e4",
        "e2",
    ]
    assert list(data.replay(until=datetime(2020, 1, 1, tzinfo=UTC))) == []


def test_replay_holds_events_together_across_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event whose rows lie in two batches is still one event, and progress is told of every batch."""
    monkeypatch.setattr("training.replay._BATCH_ROWS", 2)
    events = [event(event_id=f"e{number}", product_id=of) for number in range(3) for of in ("p1", "p2", "p1")]
    heard: list[int] = []
    ((_, _, replayed),) = prepared(tmp_path, events).replay(progress=heard.append)
    assert [len(one.products) for one in replayed] == [3, 3, 3]
    assert heard[-1] == 9
    assert heard == sorted(heard)


# --- the data set on disk --------------------------------------------------------------------------------------------


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    """Counts and window are those of the accepted rows, and an opened data set has the same."""
    other = event(event_id="e2", time="2026-05-09", customer_id="8")
    data = prepared(tmp_path, [event(), event(product_id="p2"), other])
    summary = open_dataset(data.directory).summary
    assert summary == data.summary
    assert (summary.events, summary.lines, summary.shoppers, summary.products) == (2, 3, 2, 2)
    assert (summary.first, summary.last) == (datetime(2026, 5, 1, 10, tzinfo=UTC), datetime(2026, 5, 9, tzinfo=UTC))


def test_the_fingerprint_names_the_inputs(tmp_path: Path) -> None:
    """The same files give the same name; another row or another declaration gives another."""
    first = prepared(tmp_path, [event()]).fingerprint
    assert first == prepared(tmp_path, [event()]).fingerprint
    assert len(first) == 16
    assert first != prepared(tmp_path, [event()], consent=("analytics",)).fingerprint
    assert first != prepared(tmp_path, [event(price="1")]).fingerprint


def test_preparing_again_replaces_the_data_set_whole(tmp_path: Path) -> None:
    """The new one stands where the old one was, without leftovers beside it."""
    prepared(tmp_path, [event()])
    data = prepared(tmp_path, [event(event_id="new")])
    assert [line["event_id"] for line in rows(data)] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]
    names = sorted(path.name for path in data.directory.iterdir())
    assert names == ["lines.parquet", "products.parquet", "rejected.csv", "summary.json"]


def test_a_failed_import_leaves_the_last_data_set_alone(tmp_path: Path) -> None:
    """Half a data set would be worse than yesterday's."""
    prepared(tmp_path, [event()])
    with pytest.raises(DataError):
        prepared(tmp_path, [event(type="buy")])
    assert open_dataset(tmp_path / "out").summary.events == 1


def test_a_directory_with_other_things_in_it_is_not_replaced(tmp_path: Path) -> None:
    """A slip of the hand must not cost someone's files."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").touch()
    with pytest.raises(DataError, match="is not a prepared data set"):
        prepared(tmp_path, [event()])
    assert (tmp_path / "out" / "precious.txt").exists()


def test_open_says_what_is_wrong_with_a_data_set(tmp_path: Path) -> None:
    """Missing, damaged, of another version, or incomplete: each has its own words and remedy."""
    with pytest.raises(DataError, match="prepare one first"):
        open_dataset(tmp_path / "none")
    directory = prepared(tmp_path, [event()]).directory
    path = directory / "summary.json"
    good = json.loads(path.read_text())
    path.write_text(json.dumps(good | {"version": 99}))
    with pytest.raises(DataError, match="has version 99, this program reads 2"):
        open_dataset(directory)
    path.write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        open_dataset(directory)
    path.write_text(json.dumps(good))
    (directory / "lines.parquet").unlink()
    with pytest.raises(DataError, match=r"lacks lines\.parquet"):
        open_dataset(directory)


def test_the_report_says_what_was_refused_ignored_and_left_out(tmp_path: Path) -> None:
    """One text for people: bad rows by reason, unused columns, and the importer's own rules."""
    directory = source(tmp_path, [event(), event(event_id="e2", type="buy")])
    notes = {"about": "A test shop.", "left_out": [{"rule": "fuel", "lines": 12, "products": 3}]}
    (directory / "notes.json").write_text(json.dumps(notes))
    heard: list[str] = []
    text = prepare(directory, tmp_path / "out", now=NOW, progress=heard.append).report()
    assert "A test shop." in text
    assert "           1  unknown type" in text
    assert "          12         3  fuel" in text
    assert heard == ["reading and checking rows", "counting"]


def test_notes_that_no_importer_wrote_are_refused(tmp_path: Path) -> None:
    """A stray file of that name is pointed out rather than swallowed."""
    directory = source(tmp_path, [event()])
    (directory / "notes.json").write_text("[]")
    assert "notes.json is not what an importer writes" in refusal(directory, tmp_path / "out")
