"""Downloads from addresses that somebody else wrote."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.platforms.guard import Rules, download, is_public, resolve
from backend.platforms.http import BusyError, PlatformError
from tests.backend.platforms.conftest import QUICK
from tests.backend.platforms.shop_server import Platforms

LOCAL = Rules(hosts=("127.0.0.1", "localhost"), private=True)
TEXT = "".join(f'{{"line": {number}}}\n' for number in range(50_000))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://storage.googleapis.com/x", "not https"),
        ("file:///etc/passwd", "not https"),
        ("https://evil.example/x", "come from"),
        ("https://storage.googleapis.com.evil.example/x", "come from"),
        ("https://notshopify.com/x", "come from"),
        ("https://user:pass@storage.googleapis.com/x", "user or a port"),
        ("https://storage.googleapis.com:8443/x", "user or a port"),
        ("https://[::1", "is none"),
    ],
)
async def test_an_address_that_is_not_listed_is_refused(address: str, words: str) -> None:
    """Before any connection, by name of the host."""
    with pytest.raises(PlatformError, match=words):
        await resolve(address, Rules())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "[::1]"])
async def test_a_listed_name_may_not_lead_inside(host: str) -> None:
    """A name on the list that resolves into a private network is refused all the same."""
    with pytest.raises(PlatformError, match="private network"):
        await resolve(f"https://{host}/x", Rules(hosts=(host.strip("[]"),)))


async def test_what_is_checked_is_what_is_connected_to() -> None:
    """The address is pinned to its number, the name stays for the certificate and the host header."""
    target = await resolve("https://8.8.8.8/x?sig=1", Rules(hosts=("8.8.8.8",)))
    assert (target.url.host, target.host, target.url.query) == ("8.8.8.8", "8.8.8.8", b"sig=1")
    local = await resolve("http://localhost:81/x", LOCAL)
    assert local.url.host in ("127.0.0.1", "::1")
    assert (local.host, local.name) == ("localhost", "localhost:81")


async def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    """It is worth another try."""
    with pytest.raises(BusyError, match="does not resolve"):
        await resolve("https://nowhere.invalid/x", Rules(hosts=("invalid",)))


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
    ],
)
def test_private_numbers_are_known_in_all_their_forms(number: str, *, public: bool) -> None:
    """Also wrapped into IPv6."""
    assert is_public(number) is public


async def fetch(platforms: Platforms, path: Path, rules: Rules = LOCAL, size: int | None = None) -> None:
    """Download the one file the server has."""
    platforms.bulk["orders"] = TEXT
    await download(f"{platforms.url}/bulk/orders.jsonl", path, rules, QUICK, size=size)


async def test_a_file_comes_whole(platforms: Platforms, tmp_path: Path) -> None:
    """With nothing beside it."""
    await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT))
    assert (tmp_path / "orders.jsonl").read_text() == TEXT
    assert [path.name for path in tmp_path.iterdir()] == ["orders.jsonl"]


async def test_a_broken_download_goes_on_where_it_broke(platforms: Platforms, tmp_path: Path) -> None:
    """The second request asks for the rest only, and the file is the same."""
    platforms.faults = ["half"]
    await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT))
    assert (tmp_path / "orders.jsonl").read_text() == TEXT
    assert "range" not in platforms.headers[0]
    assert platforms.headers[1]["range"].startswith("bytes=")


async def test_a_download_of_an_earlier_process_goes_on(platforms: Platforms, tmp_path: Path) -> None:
    """What lies there counts where the server says the file is unchanged."""
    (tmp_path / "orders.jsonl.part").write_text(TEXT[:1_000])
    (tmp_path / "orders.jsonl.part.etag").write_text('"v1"')
    await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT))
    assert platforms.headers[0]["range"] == "bytes=1000-"
    assert (tmp_path / "orders.jsonl").read_text() == TEXT


async def test_the_beginning_of_another_file_does_not_count(platforms: Platforms, tmp_path: Path) -> None:
    """Another validator, or more than there is: from the start."""
    for rest, tag in (("x" * 1_000, '"v0"'), ("x" * (len(TEXT) + 5), '"v1"')):
        (tmp_path / "orders.jsonl.part").write_text(rest)
        (tmp_path / "orders.jsonl.part.etag").write_text(tag)
        await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT))
        assert (tmp_path / "orders.jsonl").read_text() == TEXT


async def test_a_finished_download_needs_no_request(platforms: Platforms, tmp_path: Path) -> None:
    """A process that died between the last byte and the new name."""
    (tmp_path / "orders.jsonl.part").write_text(TEXT)
    await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT))
    assert platforms.asked == []


async def test_redirects_are_not_followed(platforms: Platforms, tmp_path: Path) -> None:
    """Least of all to where machines keep their secrets."""
    platforms.faults = ["redirect"]
    with pytest.raises(PlatformError, match="redirect"):
        await fetch(platforms, tmp_path / "orders.jsonl")
    assert len(platforms.asked) == 1


async def test_a_file_has_a_largest_size(platforms: Platforms, tmp_path: Path) -> None:
    """More is refused, and no file is there under its name."""
    with pytest.raises(PlatformError, match="above 1,000 bytes"):
        await fetch(platforms, tmp_path / "orders.jsonl", replace(LOCAL, max_bytes=1_000))
    assert not (tmp_path / "orders.jsonl").exists()


async def test_a_file_shorter_than_told_is_not_taken(platforms: Platforms, tmp_path: Path) -> None:
    """Whatever the connection says."""
    with pytest.raises(BusyError, match=r"another file|bytes of"):
        await fetch(platforms, tmp_path / "orders.jsonl", size=len(TEXT) + 1)
    assert not (tmp_path / "orders.jsonl").exists()


async def test_a_download_that_drips_is_given_up(platforms: Platforms, tmp_path: Path) -> None:
    """Each try has an end."""
    platforms.faults = ["drip"] * 4
    with pytest.raises(BusyError, match="broke off"):
        await fetch(platforms, tmp_path / "orders.jsonl", replace(LOCAL, deadline_s=0.2))
