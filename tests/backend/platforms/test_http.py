"""Calls to a platform that refuses, breaks off, stalls, drips, redirects and lies."""

import logging
import time
from dataclasses import replace

import httpx
import pytest

from backend.platforms.http import Answer, Api, BusyError, Limits, NotFoundError, PlatformError, retry_after
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import TOKEN, Platforms

PATH = "v3/catalog/brands"


async def get(platforms: Platforms, limits: Limits = QUICK, path: str = PATH) -> Answer:
    """One call to the BigCommerce side."""
    platforms.bc_brands = [{"id": 1, "name": "Leaf"}]
    async with Api(f"{platforms.url}/stores/abc", {"X-Auth-Token": TOKEN}, limits) as api:
        return await api.call("GET", path, params={"page": 1})


@pytest.mark.parametrize("fault", ["429", "500", "502", "503", "half"])
async def test_what_passes_is_waited_for(platforms: Platforms, fault: str) -> None:
    """Refused for now, broken, or half an answer: asked again."""
    platforms.faults = [fault, fault]
    assert (await get(platforms)).status == 200
    assert len(platforms.asked) == 3


async def test_a_stalled_connection_is_given_up_and_tried_again(platforms: Platforms) -> None:
    """Silence has an end."""
    platforms.faults = ["stall"]
    assert (await get(platforms, replace(QUICK, silence_s=0.2))).status == 200


async def test_an_answer_that_drips_for_ever_is_given_up(platforms: Platforms) -> None:
    """A byte now and then keeps no call alive beyond its deadline."""
    platforms.faults = ["drip", "drip"]
    with pytest.raises(BusyError, match="broken off"):
        await get(platforms, replace(QUICK, deadline_s=0.3, attempts=2))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "scope"),
        ("403", "scope"),
        ("400", "status 400"),
        ("501", "status 501"),
        ("redirect", "not followed"),
        ("much-later", "wait 86,400 s"),
    ],
)
async def test_what_does_not_pass_is_not_repeated(platforms: Platforms, fault: str, words: str) -> None:
    """One call, and an error that says what it is; the token is not in it."""
    platforms.faults = [fault]
    with pytest.raises(PlatformError, match=words) as failure:
        await get(platforms)
    assert len(platforms.asked) == 1
    assert TOKEN not in str(failure.value)


async def test_a_missing_object_has_an_error_of_its_own(platforms: Platforms) -> None:
    """404 is no fault of the platform's."""
    with pytest.raises(NotFoundError):
        await get(platforms, path="v3/nothing")


async def test_after_enough_tries_it_gives_up(platforms: Platforms) -> None:
    """As many as the limits say."""
    platforms.faults = ["500"] * 10
    with pytest.raises(BusyError, match="status 500"):
        await get(platforms)
    assert len(platforms.asked) == QUICK.attempts


async def test_the_platforms_own_wait_is_kept(platforms: Platforms) -> None:
    """Retry-After: 0.2 is waited for, though our own first wait is shorter."""
    platforms.faults = ["429"]
    before = time.monotonic()
    await get(platforms)
    assert time.monotonic() - before >= 0.2


async def test_a_write_is_not_repeated_where_it_may_have_been_done(platforms: Platforms) -> None:
    """An answer that broke off says nothing about what was done; a refusal does."""
    async with Api(f"{platforms.url}/stores/abc", {"X-Auth-Token": TOKEN}, QUICK) as api:
        for fault in ("half", "500"):
            platforms.faults, platforms.asked = [fault], []
            with pytest.raises(PlatformError):
                await api.call("GET", PATH, params={"page": 1}, repeatable=False)
            assert len(platforms.asked) == 1
        platforms.faults, platforms.asked = ["429"], []
        await api.call("GET", PATH, params={"page": 1}, repeatable=False)
        assert len(platforms.asked) == 2


async def test_nobody_there_is_an_error_of_ours() -> None:
    """A refused connection, after all tries."""
    async with Api("http://127.0.0.1:9", {}, replace(QUICK, attempts=2)) as api:
        with pytest.raises(BusyError, match="no connection"):
            await api.call("GET", "x")


async def test_an_answer_has_a_largest_size(platforms: Platforms) -> None:
    """More than that is not read."""
    platforms.faults = ["huge"]
    with pytest.raises(PlatformError, match="above 1,000 bytes"):
        await get(platforms, replace(QUICK, max_bytes=1_000))


async def test_an_answer_that_is_no_json_is_said_to_be_none(platforms: Platforms) -> None:
    """A login page instead of data, say."""
    platforms.faults = ["page"]
    with pytest.raises(PlatformError, match="not what its documentation says"):
        (await get(platforms)).json(dict)


async def test_our_own_calls_keep_a_rate(platforms: Platforms) -> None:
    """Twenty calls at fifty a second, of which a second's worth may come at once: no wait; sixty take longer."""
    platforms.bc_brands = [{"id": 1, "name": "Leaf"}]
    async with Api(f"{platforms.url}/stores/abc", {"X-Auth-Token": TOKEN}, replace(QUICK, per_second=20)) as api:
        before = time.monotonic()
        for _ in range(26):
            await api.call("GET", PATH, params={"page": 1})
    assert time.monotonic() - before >= 0.25


@pytest.mark.parametrize("url", ["http://shop.example", "ftp://shop.example", "shop.example", "https://"])
def test_a_token_never_travels_in_the_clear(url: str) -> None:
    """Only https, or this machine."""
    with pytest.raises(PlatformError, match="https"):
        Api(url, {})


async def test_no_log_line_holds_the_token(platforms: Platforms, caplog: pytest.LogCaptureFixture) -> None:
    """Not at the most talkative level, not in retries."""
    caplog.set_level(logging.DEBUG)
    platforms.faults = ["429", "half", "500"]
    await get(platforms)
    assert TOKEN not in caplog.text


def test_only_seconds_count_as_retry_after() -> None:
    """A date, a word or a negative number is none."""
    for text, seconds in (("3", 3.0), ("-1", None), ("soon", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)):
        assert retry_after(httpx.Headers({"Retry-After": text})) == seconds
    assert retry_after(httpx.Headers()) is None
