"""Calls that a platform may refuse for a while: limits kept, what may be repeated is repeated, everything has an end.

In: method, path, parameters. Out: an `Answer`. Raises PlatformError, whose text names no token and no query. Repeated
with back-off are 429, 5xx, broken and silent connections; nothing else, and writes only where nothing was done yet.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import stamina
from aiolimiter import AsyncLimiter

from edge.core.errors import UNREADABLE, EndcapError

_Type = TypeVar("_Type")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class PlatformError(EndcapError):
    """The platform cannot be asked, or refuses."""


class NotFoundError(PlatformError):
    """The platform does not have the object."""


class BusyError(PlatformError):
    """The platform refuses for now or did not answer; `wait_s` is what it asked for."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Limits:
    """How hard a platform is pressed, and for how long it is waited for. Times in seconds."""

    per_second: float = 4.0  # our own calls; the platform's answers slow them further
    attempts: int = 8
    silence_s: float = 15.0  # without a byte, or until connected
    deadline_s: float = 60.0  # one attempt, whole
    patience_s: float = 900.0  # all attempts and waits of one call
    first_wait_s: float = 0.5
    longest_wait_s: float = 120.0
    max_bytes: int = 32 << 20  # of one answer, unpacked


@dataclass(frozen=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self, kind: type[_Type]) -> _Type:
        """The body as `kind`. Raises PlatformError for anything else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except UNREADABLE as error:
            raise PlatformError(f"the platform's answer is not what its documentation says: {error}") from error


class Api:
    """One platform's address, with its token; use as `async with Api(...) as api`."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        limits: Limits | None = None,
        pause_after: Callable[[httpx.Headers], float] = lambda _: 0.0,
    ) -> None:
        """`pause_after` reads from an answer how many seconds to wait before the next call."""
        check_base(base_url)
        self.limits = limits or Limits()
        silence = httpx.Timeout(self.limits.silence_s)
        shown = {"User-Agent": "endcap", "Accept": "application/json", **headers}
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/", headers=shown, timeout=silence, trust_env=False, follow_redirects=False
        )
        self._limiter = AsyncLimiter(max(1.0, self.limits.per_second), max(1.0, 1 / self.limits.per_second))
        self._pause_after = pause_after
        self._free_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def hold(self, seconds: float) -> None:
        """Start no further call before so many seconds have passed."""
        self._free_at = max(self._free_at, time.monotonic() + seconds)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,  # noqa: ANN401 -- whatever JSON can say
        repeatable: bool = True,
        check: Callable[[Answer], None] = lambda _: None,
    ) -> Answer:
        """Call until there is an answer. `check` may raise BusyError for an answer that only says "later"."""
        limits = self.limits
        async for attempt in stamina.retry_context(
            on=_backoff,
            attempts=limits.attempts,
            timeout=limits.patience_s,
            wait_initial=limits.first_wait_s,
            wait_max=limits.longest_wait_s,
            wait_jitter=limits.first_wait_s,
        ):
            with attempt:
                answer = await self._once(method, path, params, body, repeatable)
                check(answer)
                return answer
        raise AssertionError("a retry ends by returning or raising")

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Any,  # noqa: ANN401 -- whatever JSON can say
        repeatable: bool,
    ) -> Answer:
        await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
        name = f"{method} {path}"
        async with self._limiter:
            try:
                async with asyncio.timeout(self.limits.deadline_s):
                    answer = await self._read(method, path, params, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise BusyError(f"{name}: no connection ({type(error).__name__})") from error
            except (httpx.TransportError, TimeoutError) as error:
                kind = BusyError if repeatable else PlatformError
                raise kind(f"{name}: broken off ({type(error).__name__})") from error
        self.hold(min(self._pause_after(answer.headers), self.limits.longest_wait_s))
        judge(name, answer, self.limits.longest_wait_s, repeatable=repeatable)
        return answer

    async def _read(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Any,  # noqa: ANN401 -- whatever JSON can say
    ) -> Answer:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        async with self._client.stream(method, path, params=params, content=content, headers=headers) as response:
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self.limits.max_bytes:
                    raise PlatformError(f"{method} {path}: the answer is above {self.limits.max_bytes:,} bytes")
                chunks.append(chunk)
            return Answer(response.status_code, response.headers, b"".join(chunks))


def check_base(base_url: str) -> None:
    """PlatformError unless the address is https; this machine itself may be http."""
    parts = urlsplit(base_url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise PlatformError(f"{base_url!r} is no https address; a token must not travel in the clear")


def judge(name: str, answer: Answer, longest_wait_s: float, *, repeatable: bool = True) -> None:
    """Raise what an answer's status calls for; return for 2xx."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 429 or (status >= 500 and status != 501 and repeatable):
        wait = retry_after(answer.headers)
        if wait is not None and wait > longest_wait_s:
            raise PlatformError(f"{name}: the platform asks to wait {wait:,.0f} s; try again then")
        raise BusyError(f"{name}: status {status}", wait)
    if status in (401, 403):
        raise PlatformError(f"{name}: status {status}; the token is wrong or lacks a scope (docs/importing.md)")
    if status == 404:
        raise NotFoundError(f"{name}: the platform has no such object")
    if 300 <= status < 400:
        raise PlatformError(f"{name}: status {status}, a redirect, which is not followed; correct the address")
    raise PlatformError(f"{name}: status {status}")


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds of a Retry-After header. A date, which these platforms do not send, counts as none."""
    try:
        seconds = float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return seconds if seconds >= 0 else None


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, BusyError):
        return False
    return True if error.wait_s is None else error.wait_s
