"""Servers that misbehave on purpose, for tests of clients: real sockets, every byte and every pause chosen."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Act = Callable[[socket.socket], None]


class Hostile:
    """Answers the n-th request by the n-th act, and all later ones by the last. `requests` holds what was sent."""

    def __init__(self, *acts: Act) -> None:
        self._acts = acts
        self.requests: list[bytes] = []
        self.connections = 0
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def bodies(self) -> list[Any]:
        """The JSON bodies of all requests."""
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]

    def close(self) -> None:
        """End it, whatever it was at."""
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := _request(connection):
                act = self._acts[min(len(self.requests), len(self._acts) - 1)]
                self.requests.append(request)
                act(connection)


def _request(connection: socket.socket) -> bytes:
    """One whole request; empty when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65_536)):
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Act:
    """A whole answer; bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return sends("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def sends(data: bytes) -> Act:
    """These bytes and no more; the connection stays open."""
    return lambda connection: connection.sendall(data)


def hangs_up(data: bytes = b"") -> Act:
    """These bytes, then the end."""

    def act(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return act


def drips(server: Callable[[], Hostile], data: bytes, every_s: float) -> Act:
    """A byte now and then: never silent for long, never done."""

    def act(connection: socket.socket) -> None:
        for at in range(len(data)):
            connection.sendall(data[at : at + 1])
            if server().closing.wait(every_s):
                return

    return act


@contextlib.contextmanager
def hostile(*acts: Act) -> Iterator[Hostile]:
    """A server for one block."""
    server = Hostile(*acts)
    try:
        yield server
    finally:
        server.close()
