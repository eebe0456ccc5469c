"""Downloads from addresses that come from outside: only to known hosts, never into our own network.

In: an address out of a platform's answer, a file to write. Out: the file, whole. https only, hosts from a list,
resolved once and pinned to what was checked, no redirects, no private addresses, a size cap. Broken ones are continued.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import stamina

from backend.platforms.http import Answer, BusyError, Limits, PlatformError, judge

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Rules:
    """Where downloads may come from: hosts of this name or below it."""

    hosts: tuple[str, ...] = ("storage.googleapis.com", "shopify.com", "shopifycloud.com")
    private: bool = False  # loopback and plain http, for tests
    max_bytes: int = 64 << 30
    deadline_s: float = 6 * 3_600.0  # one try, whole: a server that drips must not hold us for ever


@dataclass(frozen=True)
class Target:
    """A checked address: to connect to by number, to speak to by name."""

    url: httpx.URL
    host: str
    name: str


async def resolve(address: str, rules: Rules) -> Target:
    """Check an address and pin it to one number. Raises PlatformError that names the host, not the whole address."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise PlatformError(f"the download address is none: {error}") from error
    host = url.raw_host.decode().rstrip(".").lower()
    if url.scheme != "https" and not (rules.private and url.scheme == "http"):
        raise PlatformError(f"the download from {host!r} is not https; refused")
    if url.userinfo or (url.port not in (None, 443) and not rules.private):
        raise PlatformError(f"the download address at {host!r} has a user or a port in it; refused")
    if not any(host == name or host.endswith(f".{name}") for name in rules.hosts):
        raise PlatformError(f"downloads come from {', '.join(rules.hosts)} only, not from {host!r}")
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BusyError(f"{host!r} does not resolve ({error.strerror})") from error
    numbers = [str(entry[4][0]) for entry in found]
    if not rules.private and not all(map(is_public, numbers)):
        raise PlatformError(f"{host!r} leads into a private network; refused")
    name = host if url.port is None else f"{host}:{url.port}"
    return Target(url.copy_with(host=numbers[0]), host, name)


def is_public(number: str) -> bool:
    """Whether an IP address is one of the open internet, also where IPv6 wraps an IPv4 address."""
    ip = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
        if ip.is_site_local or ip.is_reserved:  # never given out, or given up: no host of the open internet has one
            return False
    return ip.is_global and not ip.is_multicast


async def download(
    address: str,
    path: Path,
    rules: Rules,
    limits: Limits,
    *,
    size: int | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> None:
    """Write what stands at `address` to `path`, whole or not at all. `size` is what the platform says it has, in bytes.

    What an earlier try, also of an earlier process, has brought is kept where the server says it is unchanged.
    """
    part = path.with_name(f"{path.name}.part")
    async for attempt in stamina.retry_context(
        on=lambda error: isinstance(error, BusyError),
        attempts=limits.attempts,
        timeout=None,
        wait_initial=limits.first_wait_s,
        wait_max=limits.longest_wait_s,
        wait_jitter=limits.first_wait_s,
    ):
        with attempt:
            await _continue(address, part, rules, limits, size, progress)
    _tag_path(part).unlink(missing_ok=True)
    part.replace(path)


async def _continue(
    address: str,
    part: Path,
    rules: Rules,
    limits: Limits,
    size: int | None,
    progress: Callable[[int, int | None], None],
) -> None:
    if size is not None and _length(part) == size:
        return
    target = await resolve(address, rules)
    headers = {"Host": target.name, "Accept-Encoding": "identity", "User-Agent": "endcap", **_rest(part)}
    timeout = httpx.Timeout(limits.silence_s)
    try:
        async with (
            asyncio.timeout(rules.deadline_s),
            httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False) as client,
            client.stream("GET", target.url, headers=headers, extensions={"sni_hostname": target.host}) as response,
        ):
            if response.status_code == 416:  # what we have is no beginning of what is there
                _tag_path(part).unlink(missing_ok=True)
                raise BusyError(f"the download from {target.host} is another file by now")
            judge(f"the download from {target.host}", Answer(response.status_code, response.headers, b""), 1e9)
            with part.open("ab") as file:
                file.truncate(_start(response))
                _remember(response, _tag_path(part))
                await _copy(response, file, rules.max_bytes, size, progress)
    except (httpx.TransportError, TimeoutError) as error:
        raise BusyError(f"the download from {target.host} broke off ({type(error).__name__})") from error
    if size is not None and _length(part) != size:
        raise BusyError(f"the download from {target.host} has {_length(part):,} bytes of {size:,}")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _rest(part: Path) -> dict[str, str]:
    """Headers that ask for what is not there yet, where the server can tell whether it is still the same file."""
    tag = _tag_path(part)
    if not (_length(part) and tag.exists()):
        return {}
    return {"Range": f"bytes={_length(part)}-", "If-Range": tag.read_text()}


def _start(response: httpx.Response) -> int:
    """Where in the file this answer begins: 0 unless the server continues at the place we asked for."""
    if response.status_code != 206:
        return 0
    try:
        return int(response.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
    except (KeyError, ValueError) as error:
        raise PlatformError("the download goes on at an unnamed place; refused") from error


def _remember(response: httpx.Response, tag: Path) -> None:
    """Keep the strong validator that says later whether the rest still fits."""
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        tag.write_text(etag)
    else:
        tag.unlink(missing_ok=True)


async def _copy(
    response: httpx.Response,
    file: BinaryIO,
    max_bytes: int,
    size: int | None,
    progress: Callable[[int, int | None], None],
) -> None:
    async for chunk in response.aiter_bytes():  # as they come: what was there before a break is kept
        file.write(chunk)
        if file.tell() > max_bytes:
            raise PlatformError(f"the download is above {max_bytes:,} bytes; refused")
        progress(file.tell(), size)
    file.flush()
    os.fsync(file.fileno())


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")
