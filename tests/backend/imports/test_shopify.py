"""Shopify's bulk files into the event log: children anywhere, any size, bad lines, runs that are killed."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend import audit
from backend.imports import live
from backend.imports.run import Declared, import_shopify, run_shopify
from backend.platforms.connect import NotConnectedError
from backend.platforms.guard import Rules
from backend.platforms.http import PlatformError
from backend.platforms.shopify import BulkFailedError
from backend.settings import Settings
from edge.core.snapshot import read_snapshot
from tests.backend.imports.conftest import ALL, logged, named
from tests.backend.imports.test_plain import drive, everything
from tests.backend.platforms.shop_server import (
    TOKEN,
    Platforms,
    as_bulk,
    gid,
    running,
    shopify_line,
    shopify_order,
    shopify_product,
)
from training.rules import DataError

Tell = Callable[[str, int, int], None]
START = datetime(2026, 5, 1, tzinfo=UTC)
LOCAL = Rules(hosts=("127.0.0.1",), private=True)


def history(orders: int) -> list[str]:
    """The lines of a bulk file, in no order: products, customers, orders, and the children of all."""
    rng = random.Random(7)
    products = [shopify_product(number) for number in range(101, 111)]
    customers = [{"id": gid("Customer", n), "defaultEmailAddress": {"marketingState": "SUBSCRIBED" if n % 2 else "X"}}
                 for n in range(1, 20)]  # fmt: skip
    made = []
    for number in range(orders):
        lines = [shopify_line(number * 10 + at, 101 + rng.randrange(10)) for at in range(1 + number % 4)]
        at = START + timedelta(hours=number)
        made.append(shopify_order(number, at, customer=1 + number % 19, lineItems={"nodes": lines}))
    text = as_bulk(*products, *made) + [json.dumps(one) for one in customers]
    rng.shuffle(text)
    return text


@pytest.fixture
def connected(settings: Settings) -> Any:
    """Settings and the server they lead to."""
    with running() as platforms:
        yield settings.model_copy(update=_access(platforms)), platforms


def _access(platforms: Platforms) -> dict[str, Any]:
    given = Settings(shopify_url=platforms.url, shopify_token=TOKEN)
    return {"shopify_url": given.shopify_url, "shopify_token": given.shopify_token}


def test_children_find_their_parents_wherever_they_stand(
    settings: Settings, tmp_path: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled lines over many stretches give what the orders say, each line once."""
    monkeypatch.setattr("backend.imports.shopify.STRETCH", 20_000)
    text = history(200)
    (tmp_path / "all.jsonl").write_text("\n".join(text))
    report = import_shopify(settings, [tmp_path / "all.jsonl"], ALL, tell)
    rows = logged(settings)
    assert report.rows == len(rows) == sum(1 + number % 4 for number in range(200))
    assert {row["event_id"] for row in rows} == {f"shopify:order:{number}" for number in range(200)}
    four = logged(settings, event_id="shopify:order:3")
    assert [row["line"] for row in four] == [0, 1, 2, 3]
    assert four[0]["time"] == START + timedelta(hours=3)
    assert {row["customer_id"] for row in four} == {named("customer", "4")}
    assert {(row["currency"], row["price"]) for row in rows} == {("EUR", 3.5)}
    products = read_snapshot(settings.data_dir / "catalogue" / "demo.cat").products
    assert len(products) == 10
    assert {product.currency for product in products} == {"EUR"}


def test_marketing_holds_for_those_who_want_mail(settings: Settings, tmp_path: Path, tell: Tell) -> None:
    """Where customers came along; else as declared."""
    (tmp_path / "all.jsonl").write_text("\n".join(history(40)))
    import_shopify(settings, [tmp_path / "all.jsonl"], ALL, tell)
    for row in logged(settings):
        subscribed = row["customer_id"] in {named("customer", str(n)) for n in range(1, 20, 2)}
        assert ("marketing" in row["consent"]) is subscribed
        assert "analytics" in row["consent"]


def test_bad_lines_are_counted_and_stop_nothing(settings: Settings, tmp_path: Path, tell: Tell) -> None:
    """By reason; an order that comes twice counts as it came last; guests, orphans and strangers stay out."""
    again = shopify_order(1, START, customer=5)
    lines = [
        *as_bulk(shopify_order(1, START), again, shopify_order(2, START, customer=None)),
        *as_bulk(shopify_order(3, START, refunds=[{"id": gid("Refund", 9), "createdAt": "2026-05-09T00:00:00Z"}],
                               lineItems={"nodes": [shopify_line(31, 101, 2, currentQuantity=1)]})),
        json.dumps(shopify_line(99, 101) | {"__parentId": gid("Order", 404)}),
        json.dumps({"id": gid("Collection", 1)}),
        json.dumps({"title": "no id", "__parentId": gid("Order", 1)}),
        json.dumps({"id": gid("Order", 5), "createdAt": "yesterday"}),
        json.dumps(shopify_product(7, variants={"nodes": []})),
        '{"id": "gid://shopify/Order/6", ',
        "[" * 100_000,
        "\x00\xff",
        "",
    ]  # fmt: skip
    path = tmp_path / "orders.jsonl"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    report = import_shopify(settings, [path], ALL, tell)
    rows = logged(settings)
    assert [(row["event_id"], row["type"]) for row in rows] == [
        ("shopify:order:1", "purchase-complete"), ("shopify:order:1", "purchase-complete"),
        ("shopify:order:3", "purchase-complete"), ("shopify:return:9", "return"),
    ]  # fmt: skip
    assert rows[0]["customer_id"] == named("customer", "5")
    assert {reason: count for reason, count in report.left_out.items() if count} == {
        "line that is no JSON object": 3,
        "object that is not used (Collection)": 1,
        "object that is not used (without an id)": 1,
        "child whose parent is not in the files": 1,
        "Order that cannot be read: `$.createdAt`": 1,
        "product without a variant that has a price": 1,
        "order without a customer": 1,
    }


def test_a_line_without_end_is_no_bulk_file(
    settings: Settings, tmp_path: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read into memory; nor is a file that is not there."""
    monkeypatch.setattr("backend.imports.shopify._LONGEST_LINE", 1_000)
    (tmp_path / "x.jsonl").write_text("x" * 5_000)
    with pytest.raises(DataError, match="longer than"):
        import_shopify(settings, [tmp_path / "x.jsonl"], ALL, tell)
    with pytest.raises(DataError, match="is no file"):
        import_shopify(settings, [tmp_path / "y.jsonl"], ALL, tell)


def test_a_file_without_an_order_is_refused_as_a_whole(settings: Settings, tmp_path: Path, tell: Tell) -> None:
    """With what was found in it instead."""
    (tmp_path / "x.jsonl").write_text('{"id": "gid://shopify/Collection/1"}\n')
    with pytest.raises(DataError, match="no rows"):
        import_shopify(settings, [tmp_path / "x.jsonl"], ALL, tell)


def test_killed_at_any_point_the_import_of_a_bulk_file_goes_on(
    tmp_path: Path, session_store: str, redis: "Redis"
) -> None:
    """SIGKILL in each stage: the outcome is that of an undisturbed run."""
    (tmp_path / "all.jsonl").write_text("\n".join(history(400)))
    source = [tmp_path / "all.jsonl"]
    assert drive(tmp_path / "calm", session_store, "shopify", source, 0) == 0
    deaths = [drive(tmp_path / "data", session_store, "shopify", source, at) for at in (3, 12, 20, 24)]
    assert deaths == [-9] * 4
    assert drive(tmp_path / "data", session_store, "shopify", source, 0) == 0
    assert everything(tmp_path / "data") == everything(tmp_path / "calm")


def test_a_run_asks_for_what_it_needs_and_imports_it(connected: Any, tell: Tell) -> None:
    """Orders since a day, products, and customers only where marketing was declared; audit lines."""
    settings, platforms = connected
    platforms.bulk["orders"] = "\n".join(as_bulk(*(shopify_order(n, START) for n in range(1, 4))))
    platforms.bulk["products"] = "\n".join(as_bulk(shopify_product(101), shopify_product(102)))
    platforms.faults = ["ok", "429", "ok", "half"]
    report = run_shopify(settings, START, Declared(("analytics",)), tell, LOCAL)
    assert (report.rows, report.products) == (6, 2)
    orders, products = platforms.bulk_started
    assert "created_at:>=2026-05-01T00:00:00Z status:any" in orders
    assert "email" not in orders.lower() + products.lower()
    fetches = [entry for entry in audit.read(settings.data_dir) if entry.action == "fetch"]
    assert [(entry.details["kind"], entry.details["count"]) for entry in fetches] == [("orders", 3)]
    assert not list((settings.data_dir / "imports" / "demo").glob("*/"))


def test_a_run_with_marketing_asks_who_wants_mail(connected: Any, tell: Tell) -> None:
    """Nobody is subscribed here."""
    settings, platforms = connected
    platforms.bulk["orders"] = "\n".join(as_bulk(shopify_order(1, START)))
    platforms.bulk["customers"] = json.dumps({"id": gid("Customer", 7), "defaultEmailAddress": None})
    run_shopify(settings, None, ALL, tell, LOCAL)
    assert len(platforms.bulk_started) == 3
    assert {row["consent"] for row in logged(settings)} == {"analytics,personalization"}


def test_a_run_that_broke_off_waits_for_the_operation_it_started(connected: Any, tell: Tell) -> None:
    """It starts none again, unless the first has failed; then the next run does."""
    settings, platforms = connected
    platforms.bulk["orders"] = "\n".join(as_bulk(shopify_order(1, START)))
    platforms.bulk_url = "https://evil.example/orders.jsonl"
    declared = Declared(("analytics",))
    with pytest.raises(PlatformError, match="come from"):
        run_shopify(settings, None, declared, tell, LOCAL)
    assert len(platforms.bulk_started) == 1
    platforms.bulk_url, platforms.bulk_status = None, ["FAILED"]
    with pytest.raises(BulkFailedError):
        run_shopify(settings, None, declared, tell, LOCAL)
    assert len(platforms.bulk_started) == 1
    platforms.bulk_status = ["COMPLETED"]
    assert run_shopify(settings, None, declared, tell, LOCAL).rows == 2
    assert len(platforms.bulk_started) == 3  # orders again, and products


async def test_an_operation_that_shopify_has_forgotten_is_started_again(connected: Any, tmp_path: Path) -> None:
    """Its result is gone after a week."""
    settings, platforms = connected
    (tmp_path / "orders.operation").write_text(gid("BulkOperation", "forgotten"))
    platforms.bulk_status = ["COMPLETED"]
    files = await live.bulk_files(settings, tmp_path, None, customers=False, tell=lambda *_: None, rules=LOCAL)
    assert [path.read_bytes() for path in files] == [b"", b""]
    assert len(platforms.bulk_started) == 2


def test_a_shop_that_is_not_connected_is_said_to_be_so(settings: Settings, tell: Tell) -> None:
    """With the settings that are missing."""
    with pytest.raises(NotConnectedError, match="ENDCAP_SHOPIFY_URL"):
        run_shopify(settings, None, ALL, tell)
