"""Row 17: the machine's clock jumps an hour while it serves, and the hour comes twice. And a day without a backend."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.core.codec import decode_session
from edge.core.keys import events_key, session_key
from tests.edge.webhooks.signing import SECRET, raw, standard_headers
from tests.faults.crowd import CONSENT, Crowd, fine
from tests.faults.shop import Shop, Shops, names
from tests.faults.speed import either

Say = Callable[[str], None]
Until = Callable[..., None]
HOUR_S = 3_600
_PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")


@pytest.fixture
def clock(tmp_path: Path) -> "Clock":
    """A clock that can be turned, of processes started with its surroundings."""
    found = [path for place in _PLACES for path in Path("/").glob(place.lstrip("/"))]
    if not found:
        pytest.skip("libfaketime is not here; on Debian and Ubuntu: apt-get install faketime")
    return Clock(tmp_path / "clock", found[0])


class Clock:
    """What processes with these surroundings take for the time; timers, on the monotonic clock, go on as they are."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.turn("+0")
        self.surroundings = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def turn(self, to: str) -> None:
        """`+3600`, `-3600`, or a point in time as `@2026-11-01 05:59:00`."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(to)
        temporary.replace(self._file)

    def shows(self) -> float:
        """What a process sees."""
        told = subprocess.run(["date", "+%s"], env=os.environ | self.surroundings, capture_output=True, check=True)
        return float(told.stdout)


def look(who: int, product: str, at: datetime | str) -> bytes:
    """An event of a page, with the page's own time."""
    told = at if isinstance(at, str) else at.isoformat()
    event: dict[str, Any] = {"id": uuid.uuid4().hex, "type": "detail-page-view", "time": told}
    event |= {"visitor_id": f"v{who:03}", "customer_id": f"c{who:03}", "products": [{"product_id": product}]}
    return json.dumps(event | {"consent": CONSENT.split(",")}).encode()


def viewed(shop: Shop, who: int) -> list[str]:
    """What the shopper's visit holds."""
    return decode_session(shop.store.client.get(session_key("demo", names(who)[1]))).viewed


def delivered(shop: Shop, at: float) -> int:
    """A signed webhook of this time; the status."""
    body = raw({"messages": [{"type": "price", "product_id": "p001", "time": "2026-11-22T00:00:00Z", "price": 2.5}]})
    return shop.client.post("/webhooks/endcap", content=body, headers=standard_headers(body, at=at)).status_code


@pytest.mark.fault(17)
def test_an_hour_forth_and_back_ages_nothing_and_rolls_nothing_back(
    open_shop: Shops, until: Until, clock: Clock, figure: Say
) -> None:
    """Kept answers go by the timer alone, webhooks of another hour are refused, visits only grow."""
    if abs(clock.shows() - time.time()) > 60:
        pytest.skip("libfaketime does not work here: a process does not see its time")
    shop = open_shop(
        patient=True,
        surroundings=clock.surroundings,
        ENDCAP_WEBHOOK_SECRETS=SECRET,
        ENDCAP_CACHE_TTL_S=str(either(6, 20)),
    )
    until(shop.knows)
    page = "/v1/recommendations/home?slots=trending&limit=7"
    with Crowd(shop.url, events=0) as crowd:
        for turned, product in ((0, "p001"), (HOUR_S, "p002"), (-HOUR_S, "p003"), (0, "p004")):
            clock.turn(f"{turned:+}")
            now = time.time() + turned
            assert abs(clock.shows() - now) < 60
            until(lambda: "hit" in shop.client.get(page).headers["cache-status"])
            kept = shop.client.get(page)
            assert 0 <= int(kept.headers.get("age", 0)) <= 20, "the age of an answer is no matter of clocks"
            assert delivered(shop, now) == 200
            assert delivered(shop, now - 2 * HOUR_S) == 401
            assert delivered(shop, now + 2 * HOUR_S) == 401
            at = datetime.fromtimestamp(now - 1, UTC)
            assert shop.client.post("/v1/events", content=look(7, product, at)).status_code == 200
            assert viewed(shop, 7)[-1] == product
    assert viewed(shop, 7)[-4:] == ["p001", "p002", "p003", "p004"], "what an earlier hour wrote stays"
    assert any(one.own for one in fine(crowd.pages()))
    until(lambda: "hit" not in shop.client.get(page).headers["cache-status"])  # the timer's seconds, whatever the clock
    figure(f"{len(crowd.pages())} pages over jumps of +1, -2 and +1 hours")


@pytest.mark.fault(17)
def test_the_hour_that_comes_twice_is_two_hours(open_shop: Shops, until: Until, clock: Clock) -> None:
    """New York, the first of November, half past one for the second time: events say which one they mean."""
    shift = datetime(2026, 11, 1, 6, 30, tzinfo=UTC).timestamp() - time.time()
    clock.turn(f"{int(shift):+}")
    shop = open_shop(patient=True, surroundings=clock.surroundings, TZ="America/New_York")
    first, second = "2026-11-01T01:45:00-04:00", "2026-11-01T01:15:00-05:00"  # half an hour apart, the other way round
    for product, at in (("p010", first), ("p011", second)):
        answer = shop.client.post("/v1/events", content=look(9, product, at))
        assert answer.status_code == 200, answer.text
    assert shop.client.post("/v1/events", content=look(9, "p012", "2026-11-01T01:30:00")).status_code == 400
    times = [json.loads(entry[b"e"])["time"] for _, entry in shop.store.client.xrange(events_key("demo"))]
    apart = datetime.fromisoformat(times[1]) - datetime.fromisoformat(times[0])
    assert apart == timedelta(minutes=30)
    assert viewed(shop, 9)[-2:] == ["p010", "p011"]


@pytest.mark.fault(20)
def test_a_day_without_a_backend_changes_nothing_for_shoppers(
    open_shop: Shops, until: Until, tmp_path: Path, figure: Say
) -> None:
    """Nobody consumes, trains or publishes for 24 hours, by the simulated clock: pages personal, events kept."""
    hand = tmp_path / "hand"
    began = time.time()
    hand.write_text(str(began))
    shop = open_shop(patient=True, ENDCAP_CLOCK_FILE=str(hand), ENDCAP_CACHE_TTL_S="0")
    until(shop.knows)
    model, sent = shop.state()["model_version"], 0
    for hour in range(25):
        now = began + hour * HOUR_S
        hand.with_suffix(".new").write_text(str(now))
        hand.with_suffix(".new").replace(hand)
        for who in range(int(either(2, 20))):
            assert shop.knows(who)
            told = shop.client.post("/v1/events", content=look(who, "p001", datetime.fromtimestamp(now - 1, UTC)))
            assert (told.status_code, "accepted" in told.text) == (200, True), told.text
            sent += 1
    assert shop.state()["model_version"] == model
    assert len(shop.kept()) == sent
    figure(f"{sent} events over 24 simulated hours, all in the stream")
