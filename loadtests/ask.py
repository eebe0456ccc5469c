"""Asking a shop's server a few questions over HTTP, outside the measured load.

In: an address. Out: `Reply`: status, headers, body and the time it took. Standard library only: the load extra brings
no HTTP client but Locust's, which belongs in a process of its own.
"""

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from loadtests.answers import Answer, read_answer

_TIMEOUT_S = 5.0


class HostError(ValueError):
    """An address that cannot or must not be asked; the message says what to do."""


@dataclass(frozen=True)
class Reply:
    """What came back; status 0 and the reason as body if nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_ms: float

    def answer(self) -> Answer:
        """The shelves. Raises msgspec.DecodeError if the body is something else."""
        return read_answer(self.body)


def check_host(url: str, *, owned: bool) -> str:
    """The address without a slash at its end. Raises HostError for one that is malformed or somebody else's."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.path not in ("", "/"):
        raise HostError(f"{url!r} is no address of a server; write it like http://127.0.0.1:8000")
    if not owned and not _is_loopback(parts.hostname):
        raise HostError(
            f"{parts.hostname} is not this machine, and a load test aimed at somebody else's machine is an attack: "
            "only if the machine, and the network to it, are yours to load, add --i-own-this-host"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Asker:
    """One kept connection to a server; connects again when it was closed."""

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._headers = dict(headers or {})
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> Reply:
        """Ask for a path."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: str) -> Reply:
        """Send JSON to a path."""
        return self._ask("POST", path, body.encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Reply:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        reply = Reply(0, {}, b"", 0.0)
        for _ in range(2):  # a kept connection may have been closed in the meantime
            began = time.perf_counter()
            kept = self._connection.sock is not None
            try:
                self._connection.request(method, path, body, headers)
                response = self._connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                reply = Reply(0, {}, f"no answer: {error!r}".encode(), (time.perf_counter() - began) * 1000)
                if not kept:
                    break
            else:
                named = {name.lower(): value for name, value in response.getheaders()}
                return Reply(response.status, named, content, (time.perf_counter() - began) * 1000)
        return reply


def free_port() -> int:
    """A port of the loopback address that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed one may linger
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
