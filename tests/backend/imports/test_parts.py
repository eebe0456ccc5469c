"""Parts of an import: whole or not there, joined so that the last word counts, heeding what shoppers decided."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis import Redis

from backend.imports import bigcommerce, intake
from backend.imports.denials import decisions, heed
from backend.imports.intake import Report, State, read_state
from backend.imports.parts import Part, is_done, join_parts, skipped, write_part
from backend.imports.run import fingerprint
from edge.core.consent import Decision, encode_decision
from edge.core.events import Event, Line, Purpose
from edge.core.keys import consent_key
from edge.core.products import Product
from edge.profiles import connect
from tests.backend.platforms.shop_server import bc_order, bc_product
from training.rules import DataError

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
MAIL = "Fri, 01 May 2026 10:00:00 +0000"
ALL: tuple[Purpose, ...] = ("personalization", "analytics", "marketing")


def order(number: int, *lines: Line, customer: str = "7", currency: str | None = "EUR") -> Event:
    """A purchase in raw ids."""
    return Event(f"o{number}", "purchase-complete", AT, customer_id=customer, products=lines or (Line("p1"),),
                 order_id=str(number), currency=currency)  # fmt: skip


def joined(work: Path, declared: tuple[Purpose, ...] = ALL) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Events and products of all parts, as the common intake will read them."""
    join_parts(work, work / "plain", declared, spill=work / "spill")
    path = work / "plain" / "products.parquet"
    events = pq.read_table(work / "plain" / "events.parquet").to_pylist()
    return events, pq.read_table(path).to_pylist() if path.exists() else []


def test_a_part_is_done_once_its_counts_are_there(tmp_path: Path) -> None:
    """They are written last: what died before is done again."""
    assert not is_done(tmp_path, "a")
    write_part(tmp_path, "a", Part(events=[order(1)], skipped=Counter({"test order": 2})))
    assert is_done(tmp_path, "a")
    write_part(tmp_path, "b", Part(skipped=Counter({"test order": 1, "deleted order": 1})))
    assert skipped(tmp_path) == {"test order": 3, "deleted order": 1}
    assert skipped(tmp_path / "nowhere") == {}
    assert not list(tmp_path.rglob(".*"))


def test_each_line_of_an_order_is_a_row(tmp_path: Path) -> None:
    """Field by field, in the plain format's columns; what is not known is null."""
    lines = (Line("p1", "v1", 2, 5.0, 1.0), Line("p2"))
    write_part(tmp_path, "a", Part(events=[order(1, *lines)]))
    first, second = joined(tmp_path, ("analytics",))[0]
    assert first == {
        "event_id": "o1", "type": "purchase-complete", "time": AT, "product_id": "p1", "customer_id": "7",
        "order_id": "1", "variant_id": "v1", "quantity": 2, "price": 5.0, "discount": 1.0, "currency": "EUR",
        "consent": "analytics",
    }  # fmt: skip
    assert (second["quantity"], second["price"], second["variant_id"]) == (1, None, None)


def test_what_came_twice_counts_as_its_last_part_has_it(tmp_path: Path) -> None:
    """Whole: an order that lost a line has lost it; so has a product its old price."""
    write_part(tmp_path, "a", Part([order(1, Line("p1"), Line("p2")), order(2)], [Product("p1", "Old", 1.0, "EUR")]))
    write_part(tmp_path, "b", Part([order(1, Line("p3"))], [Product("p1", "New", 2.0, "EUR")]))
    events, products = joined(tmp_path)
    assert sorted((row["event_id"], row["product_id"]) for row in events) == [("o1", "p3"), ("o2", "p1")]
    assert [(row["title"], row["price"]) for row in products] == [("New", 2.0)]


@pytest.mark.parametrize(
    ("currencies", "expected"), [(["EUR", "EUR", "CAD"], "EUR"), ([None, "CAD"], "CAD"), ([None], "USD"), ([], "USD")]
)
def test_products_without_a_currency_take_the_orders(
    tmp_path: Path, currencies: list[str | None], expected: str
) -> None:
    """The most frequent one; a product's own stays; with no order to say it, dollars."""
    events = [order(number, currency=currency) for number, currency in enumerate(currencies)]
    products = [Product("p1", "One", 1.0, ""), Product("p2", "Two", 1.0, "JPY")]
    write_part(tmp_path, "a", Part(events, products))
    assert {row["id"]: row["currency"] for row in joined(tmp_path)[1]} == {"p1": expected, "p2": "JPY"}


def test_marketing_is_only_theirs_who_want_mail(tmp_path: Path) -> None:
    """The last part's word on each; who is not in the list has said nothing. Without a list, as declared."""
    events = [order(number, customer=str(number)) for number in range(1, 4)]
    write_part(tmp_path, "a", Part(events, customers={"1": True, "2": True}))
    write_part(tmp_path, "b", Part(customers={"2": False}))
    consents = {row["customer_id"]: row["consent"] for row in joined(tmp_path)[0]}
    assert consents == {"1": ",".join(ALL), "2": "personalization,analytics", "3": "personalization,analytics"}
    write_part(tmp_path / "x", "a", Part(events))
    assert {row["consent"] for row in joined(tmp_path / "x")[0]} == {",".join(ALL)}


def test_a_product_keeps_every_field_and_its_day(tmp_path: Path) -> None:
    """`listed` is a date in files; no day is none, not 1970."""
    whole = Product("p1", "Tea", 3.5, "EUR", 4.0, False, "Tea > Green", "Leaf", "tea", "/tea", "/t.png", "v1", 20_454)
    write_part(tmp_path, "a", Part(products=[whole, Product("p2", "Cup", 1.0, "EUR")]))
    (first, second) = sorted(joined(tmp_path)[1], key=lambda row: str(row["id"]))
    assert [first[name] for name in Product.__struct_fields__[:-1]] == [
        "p1", "Tea", 3.5, "EUR", 4.0, False, "Tea > Green", "Leaf", "tea", "/tea", "/t.png", "v1",
    ]  # fmt: skip
    assert (first["listed"].isoformat(), second["listed"]) == ("2026-01-01", None)


def test_a_state_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    """Absent, cut off, or of another shape; a good one is gone on with."""
    for content in (None, b"", b'{"recorded": "2026', b"[]"):
        if content is not None:
            (tmp_path / "state.json").write_bytes(content)
        assert read_state(tmp_path, AT) == State(AT)
    state = State(AT, judged=True, rows=3, groups={"2026-05-01": (2, 1)})
    intake._keep(tmp_path, state)
    assert read_state(tmp_path, datetime.now(UTC)) == state


def test_a_report_says_what_came_in_and_what_did_not() -> None:
    """Reasons of nothing are not told."""
    report = Report(1_234, 2, 5, {"events.csv": {"no time": 3}}, {"test order": 1_000, "deleted order": 0})
    assert str(report).splitlines() == [
        "1,234 rows on 2 days are in the event log; 5 products",
        "refused in events.csv: 3 x no time",
        "left out: 1,000 x test order",
    ]


def test_a_fingerprint_is_of_contents_in_any_order(tmp_path: Path) -> None:
    """Names do not matter, bytes do; progress hears of all of them."""
    for name, text in (("a", "one"), ("b", "three"), ("c", "one")):
        (tmp_path / name).write_text(text)
    told: list[int] = []
    first = fingerprint([tmp_path / "a", tmp_path / "b"], told.append)
    assert first == fingerprint([tmp_path / "b", tmp_path / "c"])
    assert sum(told) == 8
    assert first != fingerprint([tmp_path / "a"])
    assert len(first) == 12


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("orders.json", '{"id": 1}', [1]),
        ("orders.json", '[{"id": 1}, "x", null, {"id": 2}]', [1, 2]),
        ("products.json", '{"data": [{"id": 1}], "meta": []}', [1]),
        ("products.json", '{"data": {"id": 1}}', [1]),
        ("orders.json", "[]", []),
        ("orders.jsonl", "", []),
        ("orders.jsonl", '\n{"id": 1}\n  \n{"id": 2}', [1, 2]),
    ],
)
def test_files_hold_objects_in_any_of_these_shapes(tmp_path: Path, name: str, text: str, ids: list[int]) -> None:
    """As exported, as answered, a line each; an empty file holds none."""
    (tmp_path / name).write_text(text)
    assert [item["id"] for item in bigcommerce._objects(tmp_path / name)] == ids


@pytest.mark.parametrize("text", ["5", "null", '"x"', '{"data": null}', '{"data": 5}'])
def test_a_file_without_objects_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    """By name, and what to do."""
    (tmp_path / "orders.json").write_text(text)
    with pytest.raises(DataError, match=r"orders\.json holds neither objects nor a list of them; export it again"):
        list(bigcommerce._objects(tmp_path / "orders.json"))


@pytest.mark.parametrize("text", ["", "[", "{'id': 1}", "\x00", '[1]\n{"id": 1}'])
def test_a_file_that_is_no_json_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    """Whole files and files of lines."""
    for name in ("orders.json", "orders.jsonl"):
        if text or name == "orders.json":
            (tmp_path / name).write_text(text)
            with pytest.raises(DataError, match=f"{name} is not JSON"):
                list(bigcommerce._objects(tmp_path / name))


def put(path: Path, content: Any) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(content))
    return path


def test_names_alone_are_no_history(tmp_path: Path) -> None:
    """Categories and brands only name what products refer to: said before anything is staged."""
    files = [put(tmp_path / "categories.json", [{"id": 1}]), put(tmp_path / "brands.json", [])]
    with pytest.raises(DataError, match="none of these files holds orders or products"):
        bigcommerce.stage_files(files, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_names_without_a_number_name_nothing(tmp_path: Path) -> None:
    """The others are used, also where an export made text of their numbers."""
    categories = [{"id": "x"}, {"id": None}, {"name": "no id"}, {"id": "1", "name": "Tea", "parent_id": None}]
    files = [put(tmp_path / "products.json", [bc_product(201)]), put(tmp_path / "categories.json", categories)]
    bigcommerce.stage_files(files, tmp_path / "work")
    assert [row["category"] for row in joined(tmp_path / "work")[1]] == ["Tea"]


def test_a_staged_file_is_not_read_again(tmp_path: Path) -> None:
    """Killed after the first of two files, it goes on with the second; the first may be gone by then."""
    first, second = put(tmp_path / "orders-1.json", [bc_order(1, MAIL)]), tmp_path / "orders-2.json"
    second.write_text("{")
    done: list[int] = []
    with pytest.raises(DataError):
        bigcommerce.stage_files([first, second], tmp_path / "work", done.append)
    assert done == [1]
    first.write_text("{")
    put(second, [bc_order(2, MAIL)])
    bigcommerce.stage_files([first, second], tmp_path / "work", done.append)
    assert {row["event_id"] for row in joined(tmp_path / "work")[0]} == {"bigcommerce:order:1", "bigcommerce:order:2"}


ROWS = [("e1", "c1", "v1"), ("e2", "c2", None), ("e3", None, "v1"), ("e4", None, "v2"), ("e5", None, None)]


@pytest.mark.store
@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ({}, {"e1": "analytics,marketing", "e2": "analytics,marketing", "e3": "analytics,marketing"}),
        ({"c1": ("analytics",)}, {"e1": "analytics", "e2": "analytics,marketing", "e3": "analytics,marketing"}),
        ({"v1": ("analytics",), "c1": ("analytics", "marketing")}, {"e1": "analytics", "e3": "analytics"}),
        ({"v1": ()}, {"e1": None, "e3": None, "e2": "analytics,marketing"}),
        ({"c2": ("marketing", "personalization")}, {"e2": None, "e1": "analytics,marketing"}),
        (
            {"v1": ("personalization", "analytics", "marketing")},
            {"e1": "analytics,marketing", "e3": "analytics,marketing"},
        ),
    ],
)
async def test_a_decision_takes_away_and_never_adds(
    redis: "Redis", session_store: str, stored: dict[str, tuple[Purpose, ...]], kept: dict[str, str | None]
) -> None:
    """Of customer and visitor both must allow it; a row nobody allows analytics of is gone; order and schema stay."""
    for name, granted in stored.items():
        redis.set(consent_key("demo", name), encode_decision(Decision("demo", name, granted, 0.0, "web")))
    rows = pa.table({
        "event_id": [row[0] for row in ROWS], "customer_id": pa.array([row[1] for row in ROWS], pa.string()),
        "visitor_id": pa.array([row[2] for row in ROWS], pa.string()), "time": [AT] * 5, "line": [0] * 5,
        "consent": ["analytics,marketing"] * 5,
    })  # fmt: skip
    client = connect(session_store, timeout_s=5, connections=2)
    left = await heed(client, "demo", rows)
    assert await decisions(client, "demo", ["c1", "nobody"]) == (
        {"c1": frozenset(stored["c1"])} if "c1" in stored else {}
    )
    await client.aclose()
    assert left.schema == rows.schema
    found = dict(zip(left["event_id"].to_pylist(), left["consent"].to_pylist(), strict=True))
    assert list(found) == sorted(found)
    assert {name: found.get(name) for name in kept} == kept
    assert found["e5"] == "analytics,marketing"
