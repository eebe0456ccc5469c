"""Comparing at its edges: long streams, fresh orders, rows nobody should trust, what the command prints."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis

from backend.platforms.connect import NotConnectedError
from backend.platforms.http import PlatformError
from backend.reconcile import commands, compare
from backend.reconcile.commands import Asked, report_path, run
from backend.reconcile.compare import Day, Reconciled
from backend.reconcile.sources import Order, file_orders, platform_orders
from backend.settings import Settings
from edge.core.events import Event, Line
from edge.core.keys import events_key
from tests.backend.platforms.shop_server import TOKEN, Platforms, adobe_order, bc_order, gid, running, shopify_order
from tests.backend.reconcile.test_reconcile import NOW, YESTERDAY, bought, log_of, named, put, totals
from tests.serving import KEY
from training.rules import DataError

pytestmark = pytest.mark.store


@pytest.fixture
def platforms() -> Iterator[Platforms]:
    """The server."""
    with running() as state:
        yield state


@pytest.fixture
def settings(tmp_path: Path, session_store: str, redis: "Redis", platforms: Platforms) -> Settings:
    """Connected to Shopify."""
    given: dict[str, Any] = {"shopify_url": platforms.url, "shopify_token": TOKEN, "redis_url": session_store}
    return Settings(data_dir=tmp_path / "data", pseudonym_key=KEY, webhook_consent="analytics", **given)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_a_stream_of_any_length_is_read_to_its_end(
    settings: Settings, platforms: Platforms, redis: "Redis", monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Two entries a time: nothing twice, nothing left, also where the last page is full."""
    monkeypatch.setattr(compare, "_BATCH", 2)
    put(platforms, *(shopify_order(number, YESTERDAY) for number in range(1, 6)))
    for number in range(1, count + 1):
        redis.xadd(events_key("demo"), {"e": msgspec.json.encode(bought(str(number)))})
    outcome = run(settings, Asked(days=3))
    assert outcome.missing == [str(number) for number in range(count + 1, 6)]


def test_only_purchases_with_a_number_count_as_received(
    settings: Settings, platforms: Platforms, redis: "Redis"
) -> None:
    """A return of the order, a purchase without one, an entry without an event: none of them is the order."""
    put(platforms, shopify_order(1, YESTERDAY))
    back = msgspec.structs.replace(bought("1"), type="return")
    nameless = Event("x", "purchase-complete", YESTERDAY, customer_id=named("7"), products=(Line("101"),))
    for data in (msgspec.json.encode(back), msgspec.json.encode(nameless), b"\xff"):
        redis.xadd(events_key("demo"), {"e": data})
    redis.xadd(events_key("demo"), {"other": b"field"})
    log_of(settings, back)
    assert run(settings, Asked(days=3)).missing == ["1"]


def test_an_order_of_this_minute_is_still_on_its_way(settings: Settings, platforms: Platforms) -> None:
    """It is listed and not missing; ten minutes later it would be."""
    now = datetime.now(UTC)  # of this moment, not of when the tests were collected
    put(platforms, shopify_order(1, now), shopify_order(2, now - timedelta(minutes=30)))
    outcome = run(settings, Asked(days=1))
    assert outcome.missing == ["2"]
    assert totals(outcome) == {"platform": 2, "received": 1, "withheld": 0, "missing": 1, "extra": 0}


def test_every_day_asked_for_has_a_row(settings: Settings, platforms: Platforms) -> None:
    """Also those without an order; an order of before is not looked at."""
    put(platforms, shopify_order(1, NOW - timedelta(days=30)))
    outcome = run(settings, Asked(days=4))
    first = date.fromisoformat(outcome.since)
    assert len(outcome.days) >= 5
    assert [day.day for day in outcome.days] == [
        (first + timedelta(days=n)).isoformat() for n in range(len(outcome.days))
    ]
    assert totals(outcome) == {"platform": 0, "received": 0, "withheld": 0, "missing": 0, "extra": 0}
    assert not outcome.differs


@pytest.mark.parametrize(
    ("day", "repaired", "differs"),
    [
        (Day("d"), 0, False),
        (Day("d", platform=2, received=2), 0, False),
        (Day("d", missing=2), 0, True),
        (Day("d", missing=2), 1, True),
        (Day("d", missing=2), 2, False),
        (Day("d", missing=2, extra=1), 2, True),
        (Day("d", platform=3, withheld=3), 0, False),
    ],
)
def test_days_differ_by_what_is_missing_and_what_is_too_much(day: Day, repaired: int, *, differs: bool) -> None:
    """What was repaired is missing no more; what is rightly absent never was."""
    assert Reconciled("demo", "shopify", "d", "ids", [day], [], [], repaired).differs is differs


async def test_each_platform_lists_ids_times_and_pseudonyms(settings: Settings, platforms: Platforms) -> None:
    """Nothing else; guests are nobody; times are the platform's own, whatever zone they name."""
    at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    platforms.orders = {gid("Order", n): shopify_order(n, at, customer=who) for n, who in ((1, 7), (2, None))}
    platforms.bc_orders = [
        bc_order(1, "Fri, 01 May 2026 12:00:00 +0200"), bc_order(2, "2026-05-01T10:00:00Z", customer=0),
        bc_order(3, "never read", status_id=6), bc_order(4, "never read", is_deleted=True),
    ]  # fmt: skip
    platforms.adobe_orders = {
        "1": adobe_order(1, "2026-05-01T12:00:00+02:00"), "2": adobe_order(2, "2026-05-01 10:00:00", customer=None),
    }  # fmt: skip
    token = settings.shopify_token
    whole = settings.model_copy(update={
        "bigcommerce_url": f"{platforms.url}/stores/abc", "bigcommerce_token": token, "adobe_url": platforms.url,
        "adobe_token": token,
    })  # fmt: skip
    for platform in ("shopify", "bigcommerce", "adobe"):
        found = await platform_orders(whole, platform, date(2026, 5, 1))
        assert found == [Order("1", at, named("7")), Order("2", at, None)], platform


async def test_a_platform_that_lists_nothing_says_what_to_do(settings: Settings, platforms: Platforms) -> None:
    """A shop of our own has no API: its file does; an unreadable time is an error with its value."""
    with pytest.raises(PlatformError, match="endcap lists no orders; give a file of them with --orders"):
        await platform_orders(settings, "endcap", date(2026, 5, 1))
    platforms.adobe_orders = {"1": adobe_order(1, "yesterday")}
    adobe = settings.model_copy(update={"adobe_url": platforms.url, "adobe_token": settings.shopify_token})
    with pytest.raises(PlatformError, match="'yesterday' is no time of Adobe Commerce"):
        await platform_orders(adobe, "adobe", date(2026, 5, 1))


def test_orders_of_a_file_are_each_one_of_its_first_line(settings: Settings, tmp_path: Path) -> None:
    """Rows that are no purchase, have no number or no time are none; without the file there is nothing to compare."""
    text = """event_id,type,time,product_id,customer_id,order_id
a,purchase-complete,2026-05-01T10:00:00Z,p1,7,1
a,purchase-complete,2026-05-01T09:00:00Z,p2,7,1
b,detail-page-view,2026-05-01T10:00:00Z,p1,7,2
c,purchase-complete,2026-05-01T10:00:00Z,p1,7,
d,purchase-complete,soon,p1,7,4
e,purchase-complete,2026-05-02T00:30:00+02:00,p1,,5
"""
    (tmp_path / "events.csv").write_text(text)
    found = sorted(file_orders(settings, tmp_path, date(2026, 5, 1)), key=lambda order: order.id)
    assert found == [
        Order("1", datetime(2026, 5, 1, 9, tzinfo=UTC), named("7")),
        Order("5", datetime(2026, 5, 1, 22, 30, tzinfo=UTC), None),
    ]
    assert file_orders(settings, tmp_path, date(2026, 5, 2)) == []
    with pytest.raises(DataError):
        file_orders(settings, tmp_path / "nowhere", date(2026, 5, 1))


def test_nothing_is_compared_without_exactly_one_platform(settings: Settings) -> None:
    """Both are named, or none; no report is left."""
    none = settings.model_copy(update={"shopify_url": None})
    with pytest.raises(NotConnectedError, match=r"no platform connected; connect one .*--orders"):
        run(none, Asked())
    assert not report_path(settings).exists()


def test_long_lists_are_cut_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty ids and how many more; days of nothing are not shown."""
    missing = [f"m{number}" for number in range(25)]
    days = [Day("2026-05-01"), Day("2026-05-02", platform=1_025, received=1_000, missing=25)]
    commands._show(Reconciled("demo", "shopify", "2026-05-01", "ids", days, missing, ["x1"], 3))
    shown = capsys.readouterr().out
    assert "m19 and 5 more" in shown
    assert "m20" not in shown
    assert "extra: x1\n" in shown
    assert "1,025" in shown
    assert "2026-05-01" not in shown
    assert "3 repaired" in shown
