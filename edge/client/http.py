"""One HTTP call of the Python client: sent, read whole, judged, and over in time.

In: method, path, body, and how many seconds the call may take, all phases together. Out: the bytes of a 2xx answer, or
RefusedError and UnavailableError. The key travels in the Authorization header and is in no URL, text or repr.
"""

import asyncio
import math
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from edge.client.types import RefusedError, UnavailableError
from edge.core.errors import EndcapError

_T = TypeVar("_T")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_BYTES = 8 << 20  # of one answer, unpacked; a batch of twenty full pages stays below a quarter of it
_KEEP_ALIVE_S = 4.0  # below the 5 s after which uvicorn closes, so that we seldom write to a connection just closed
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
_LATER = (408, 425, 429)  # refusals that time mends


class _Problem(msgspec.Struct):
    """What we use of an RFC 9457 problem; any other body reads as an empty one."""

    title: str = ""
    detail: str = ""
    parameter: str | None = None


class Connection:
    """Kept-alive connections to one edge. Belongs to the event loop that first uses it."""

    def __init__(self, endpoint: str, key: str | None, *, verify: ssl.SSLContext | bool, allow_http: bool) -> None:
        self.endpoint = checked(endpoint, with_key=key is not None, allow_http=allow_http)
        if key is not None and not (key.isascii() and key.isprintable() and key and " " not in key):
            raise EndcapError("key: a secret key is `sk_` and letters; this one has blanks or other signs, or is empty")
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "User-Agent": "endcap-python"}
            | ({"Authorization": f"Bearer {key}"} if key is not None else {}),
            timeout=None,  # noqa: S113 -- httpx limits each phase by itself; here one clock limits the whole call
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_KEEP_ALIVE_S),
            follow_redirects=False,
            verify=verify,
        )

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        within_s: float,
        params: Mapping[str, str] | None = None,
        body: object = None,
        shown: str | None = None,
    ) -> bytes:
        """The body of a 2xx answer. Raises RefusedError and UnavailableError, the latter at the latest in `within_s`.

        A connection that breaks is tried once more at once: it may be one that the edge closed while it lay idle.
        `shown` stands for the path in texts of errors, where the path itself names a person.
        """
        name = f"{method} {shown or path}"
        try:
            async with asyncio.timeout(within_s):
                try:
                    response, content = await self._read(method, path, params, body)
                except (httpx.NetworkError, httpx.RemoteProtocolError):
                    response, content = await self._read(method, path, params, body)
        except TimeoutError as error:
            raise UnavailableError(f"{name}: no whole answer within {within_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"{name}: {type(error).__name__}: {error}") from error
        _judge(name, response, content)
        return content

    async def _read(
        self, method: str, path: str, params: Mapping[str, str] | None, body: object
    ) -> tuple[httpx.Response, bytes]:
        content = None if body is None else msgspec.json.encode(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        url = self.endpoint + path
        async with self._client.stream(method, url, params=params, content=content, headers=headers) as response:
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > _MAX_BYTES:
                    raise UnavailableError(f"{method} {path}: the answer is above {_MAX_BYTES:,} bytes; not Endcap's")
                chunks.append(chunk)
            return response, b"".join(chunks)


async def patiently(call: Callable[[float], Awaitable[_T]], patience_s: float) -> _T:
    """The result of `call(seconds it may take)`, asked again while the edge is away. Raises what the last try raised.

    Waits as long as Retry-After says; where that is beyond our patience it is left to the caller at once.
    """
    ends = time.monotonic() + patience_s
    wait = _FIRST_WAIT_S
    while True:
        left = ends - time.monotonic()
        try:
            # A third for a try: an edge that stalls leaves time for another, which may come to a process that lives.
            return await call(min(left, patience_s / 3))
        except UnavailableError as error:
            pause = max(error.retry_after_s or 0.0, wait * random.uniform(0.5, 1.0))
            if time.monotonic() + pause >= ends:
                raise
        await asyncio.sleep(pause)
        wait = min(2 * wait, _LONGEST_WAIT_S)


def decoded(content: bytes, kind: type[_T]) -> _T:
    """The body as `kind`. Raises UnavailableError: what is no answer of ours counts as none."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnavailableError(f"the answer is not Endcap's: {error}") from error


def checked(endpoint: str, *, with_key: bool, allow_http: bool) -> str:
    """The endpoint without its last slash. Raises EndcapError for what is no base of URLs, or would show the key."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EndcapError(f"endpoint {endpoint!r}: {error}; give it as https://edge.example.com") from error
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EndcapError("endpoint: only scheme, host, port and path; a key is given as `key`")  # names no secret
    if parts.scheme not in ("http", "https") or not host:
        raise EndcapError(f"endpoint {endpoint!r} is no address; give it as https://edge.example.com")
    if with_key and parts.scheme == "http" and host not in _LOOPBACK and not allow_http:
        raise EndcapError(
            f"endpoint {endpoint!r}: a secret key must not travel in the clear; use https, "
            "or allow_http=True inside a private network"
        )
    return endpoint.rstrip("/")


def _judge(name: str, response: httpx.Response, content: bytes) -> None:
    """Raise what a status other than 2xx calls for."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise RefusedError(f"{name}: status {status}, a redirect, which is not followed; correct the endpoint", status)
    try:
        problem = msgspec.json.decode(content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        problem = _Problem()
    about = f"{problem.parameter}: {problem.detail}" if problem.parameter else problem.detail or problem.title
    message = f"{name}: status {status}{', ' if about else ''}{about}"
    if request_id := response.headers.get("X-Request-Id"):
        message += f" (request {request_id})"
    if status >= 500 or status in _LATER:
        raise UnavailableError(message, retry_after(response.headers.get("Retry-After")))
    raise RefusedError(message, status, problem.parameter, problem.detail)


def retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After header names, as seconds or as a date; None where it names none."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else _until(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str) -> float:
    at = parsedate_to_datetime(date)
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
