"""Downloads at their edges: unnamed places, weak validators, addresses nobody owns."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from backend.platforms import guard
from backend.platforms.guard import Rules, download, is_public, resolve
from backend.platforms.http import PlatformError
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import Platforms

LOCAL = Rules(hosts=("127.0.0.1",), private=True)
TEXT = "line\n" * 2_000


@pytest.mark.parametrize(
    "number",
    ["fec0::1", "::10.0.0.1", "4000::1", "64:ff9b:1::a00:1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1"],
)
def test_numbers_that_nobody_has_on_the_open_internet_are_not_public(number: str) -> None:
    """Site-local, IPv4-compatible, never given out, wrapped by NAT64 or Teredo, for documents."""
    assert not is_public(number)


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost.", "LocalHost."])
async def test_names_count_whatever_their_case_and_last_dot(host: str) -> None:
    """The list is of names, not of spellings."""
    target = await resolve(f"http://{host}:81/x", replace(LOCAL, hosts=("localhost",)))
    assert (target.host, target.name) == ("localhost", "localhost:81")


@pytest.mark.parametrize("address", ["", "orders.jsonl", "//shopify.com/x", "javascript:alert(1)"])
async def test_what_is_no_whole_address_is_refused(address: str) -> None:
    """Without a connection."""
    with pytest.raises(PlatformError, match="not https"):
        await resolve(address, Rules())


async def test_progress_tells_of_bytes_and_of_the_whole(platforms: Platforms, tmp_path: Path) -> None:
    """Rising, and at the end all of it; the whole is None where nobody said it."""
    platforms.bulk["orders"] = TEXT
    for size in (len(TEXT), None):
        told: list[tuple[int, int | None]] = []
        await download(
            f"{platforms.url}/bulk/orders.jsonl", tmp_path / f"{size}", LOCAL, QUICK, size=size,
            progress=lambda *both, told=told: told.append(both),
        )  # fmt: skip
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert told[-1] == (len(TEXT), size)


async def test_a_rest_without_a_validator_is_fetched_anew(platforms: Platforms, tmp_path: Path) -> None:
    """Nobody could say whether it is of the same file."""
    (tmp_path / "orders.jsonl.part").write_text("of another file")
    platforms.bulk["orders"] = TEXT
    await download(f"{platforms.url}/bulk/orders.jsonl", tmp_path / "orders.jsonl", LOCAL, QUICK)
    assert "range" not in platforms.headers[0]
    assert (tmp_path / "orders.jsonl").read_text() == TEXT


async def test_a_longer_file_of_before_does_not_shine_through(platforms: Platforms, tmp_path: Path) -> None:
    """What lay there is cut off where the new one begins."""
    (tmp_path / "orders.jsonl.part").write_text("x" * 50_000)
    platforms.bulk["orders"] = TEXT
    await download(f"{platforms.url}/bulk/orders.jsonl", tmp_path / "orders.jsonl", LOCAL, QUICK, size=len(TEXT))
    assert (tmp_path / "orders.jsonl").read_text() == TEXT


@pytest.mark.parametrize(("fault", "words"), [("401", "scope"), ("404", "no such object"), ("400", "status 400")])
async def test_a_refused_download_is_not_repeated(platforms: Platforms, tmp_path: Path, fault: str, words: str) -> None:
    """The address is of no use any more; its signature is not in the error."""
    platforms.bulk["orders"], platforms.faults = TEXT, [fault]
    with pytest.raises(PlatformError, match=words) as failure:
        await download(f"{platforms.url}/bulk/orders.jsonl?sig=canary", tmp_path / "o", LOCAL, QUICK)
    assert len(platforms.asked) == 1
    assert "canary" not in str(failure.value)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("text", "kept"), [('"v1"', True), ('W/"v1"', False), (None, False)])
def test_only_a_strong_validator_is_kept(tmp_path: Path, text: str | None, *, kept: bool) -> None:
    """A weak one says nothing of bytes; what an earlier try kept goes."""
    tag = tmp_path / "x.etag"
    tag.write_text('"v0"')
    guard._remember(httpx.Response(200, headers={"ETag": text} if text else {}), tag)
    assert tag.exists() is kept


@pytest.mark.parametrize("place", [None, "bytes x-5/9", "somewhere"])
def test_a_continuation_at_an_unnamed_place_is_refused(place: str | None) -> None:
    """It would be put together wrongly."""
    response = httpx.Response(206, headers={"Content-Range": place} if place else {})
    with pytest.raises(PlatformError, match="unnamed place"):
        guard._start(response)
    assert guard._start(httpx.Response(206, headers={"Content-Range": "bytes 7-8/9"})) == 7
