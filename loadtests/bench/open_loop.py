"""Open-loop load: requests at given moments, whether or not the server keeps up, timed from when each was meant.

In: an address, paths, a rate. Out: `Timed`, as one line of JSON. Arrivals are a Poisson process, as shoppers do not
know of each other. It runs in a process of its own; plain sockets and an epoll, waited for with select(), whose
timeouts go by the microsecond, keep the generator's own lateness small, and it is told: `lag`.
"""

import gc
import random
import re
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from loadtests.measure import percentile

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_VERSION = re.compile(rb'"model_version":"([^"]*)"')
_WHOLE = b'"degraded":[]'
_MOST_CONNECTIONS = 512
_AT_ONCE = 65_536  # bytes
_PATIENCE_S = 5.0  # for an answer; what takes longer is lost


class Timed(msgspec.Struct, frozen=True):
    """What came of the requests after the warm-up. Times in ms, from the intended moment to the whole answer.

    `lag`: from the intended moment to the sending; `versions`: answers by the model version that they name.
    """

    requests: int
    rate: float
    lost: int
    refused: int
    degraded: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    connections: int
    versions: dict[str, int]


@dataclass(slots=True)
class Ask:
    """One request under way."""

    number: int
    meant_s: float
    kept: bool = False  # sent over a connection that had been used before
    sent: bool = False
    data: bytes = b""


@dataclass(slots=True, eq=False)
class Connection:
    """One of those kept open. `ask`: what is under way on it."""

    socket: socket.socket
    number: int  # its file's
    ask: Ask | None = None


def moments(rate: float, seconds: float, seed: int) -> list[float]:
    """When to ask, in seconds from the start."""
    rng, at, found = random.Random(seed), 0.0, []
    while (at := at + rng.expovariate(rate)) < seconds:
        found.append(at)
    return found


class OpenLoop:
    """Sends and times."""

    def __init__(self, port: int, paths: Sequence[str], warm_up_s: float) -> None:
        self._port = port
        head = "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: */*\r\n\r\n"
        self._requests = [head.format(path, port).encode() for path in paths]
        self._warm_up_s = warm_up_s
        self._open: dict[int, Connection] = {}
        self._idle: list[Connection] = []  # the one used last is used next
        self._waiting: deque[Ask] = deque()
        self.took_ms: list[float] = []
        self.lag_ms: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()

    def run(self, schedule: Sequence[float]) -> None:
        """Ask at each of these moments, then wait for the answers that are due."""
        gc.disable()  # nothing here makes cycles, and a collection would be taken for lateness
        try:
            with select.epoll() as self._poll:
                self._ask_all(schedule)
        finally:
            gc.enable()
        for connection in self._open.values():
            connection.socket.close()

    def _ask_all(self, schedule: Sequence[float]) -> None:
        began_s, at = time.perf_counter(), 0
        while at < len(schedule) or self._waiting or len(self._open) > len(self._idle):
            now_s = time.perf_counter() - began_s
            while at < len(schedule) and schedule[at] <= now_s:
                self._waiting.append(Ask(at, schedule[at]))
                at += 1
            while self._waiting and (self._idle or len(self._open) < _MOST_CONNECTIONS):
                self._send(self._waiting.popleft(), began_s)
            ahead_s = schedule[at] - (time.perf_counter() - began_s) if at < len(schedule) else _PATIENCE_S / 10
            if ahead_s > 0:
                select.select([self._poll], [], [], ahead_s)
            for number, _ in self._poll.poll(0):
                self._receive(self._open[number], began_s)
            if at >= len(schedule):
                self._give_up(time.perf_counter() - began_s)

    def _send(self, ask: Ask, began_s: float) -> None:
        connection = self._idle.pop() if self._idle and not ask.sent else None
        ask.kept, ask.sent = connection is not None, True
        try:
            connection = connection or self._connect()
            connection.ask = ask
            self._note(ask, self.lag_ms, time.perf_counter() - began_s)
            connection.socket.sendall(self._requests[ask.number % len(self._requests)])
        except OSError:
            if connection:
                self._drop(connection)
            self._again(ask)

    def _drop(self, connection: Connection) -> None:
        """Close it; it is in `_idle` no more."""
        del self._open[connection.number]
        connection.socket.close()

    def _connect(self) -> Connection:
        opened = socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._open[opened.fileno()] = Connection(opened, opened.fileno())
        self._poll.register(opened, select.EPOLLIN)
        return connection

    def _receive(self, connection: Connection, began_s: float) -> None:
        ask = connection.ask
        try:
            data = connection.socket.recv(_AT_ONCE)
        except OSError:
            data = b""
        if ask is None:  # a server closes those that were idle for long, as it may
            self._idle.remove(connection)
            self._drop(connection)
            return
        ask.data = ask.data + data if ask.data else data
        if data and (status := _status(ask.data)) is None:
            return
        connection.ask = None
        if not data:
            self._drop(connection)
            self._again(ask)
            return
        self._idle.append(connection)
        self._answered(ask, status or 0, time.perf_counter() - began_s)

    def _answered(self, ask: Ask, status: int, now_s: float) -> None:
        self._note(ask, self.took_ms, now_s)
        self._count(ask, "refused" if status != 200 else "whole" if _WHOLE in ask.data else "degraded")
        if ask.meant_s >= self._warm_up_s and (named := _VERSION.search(ask.data)):
            self.versions[named[1].decode()] += 1

    def _note(self, ask: Ask, times_ms: list[float], now_s: float) -> None:
        if ask.meant_s >= self._warm_up_s:
            times_ms.append((now_s - ask.meant_s) * 1_000)

    def _count(self, ask: Ask, outcome: str) -> None:
        if ask.meant_s >= self._warm_up_s:
            self.outcomes[outcome] += 1

    def _give_up(self, now_s: float) -> None:
        for connection in list(self._open.values()):
            if (ask := connection.ask) and now_s - ask.meant_s > _PATIENCE_S:
                self._drop(connection)
                self._count(ask, "lost")

    def _again(self, ask: Ask) -> None:
        """Ask once more, as browsers do, where a kept connection was closed just as it was used; else it is lost."""
        if ask.kept and not ask.data:
            self._waiting.appendleft(ask)
        else:
            self._count(ask, "lost")

    def timed(self, seconds: float) -> Timed:
        """The figures."""
        took, lag = self.took_ms, self.lag_ms
        times = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
        return Timed(
            requests=self.outcomes.total(),
            rate=round(self.outcomes.total() / seconds, 1),
            lost=self.outcomes["lost"],
            refused=self.outcomes["refused"],
            degraded=self.outcomes["degraded"],
            **{f"{name}_ms": round(percentile(took, share), 3) for name, share in times.items()},
            max_ms=round(max(took, default=0.0), 3),
            lag_p50_ms=round(percentile(lag, 0.5), 3),
            lag_p99_ms=round(percentile(lag, 0.99), 3),
            lag_max_ms=round(max(lag, default=0.0), 3),
            connections=len(self._open),
            versions=dict(self.versions),
        )


def _status(data: bytes) -> int | None:
    """The status once the whole answer is there."""
    end = data.find(b"\r\n\r\n")
    length = _LENGTH.search(data, 0, end + 2) if end > 0 else None
    if length is None or len(data) < end + 4 + int(length[1]):
        return None
    return int(data[9:12])


def main() -> None:
    """`python -m loadtests.bench.open_loop PORT PATHS RATE SECONDS WARM_UP OFFSET SEED`."""
    port, file, rate, seconds, warm_up, offset, seed = sys.argv[1:]
    paths = Path(file).read_text().split()
    start = int(offset) % len(paths)
    loop = OpenLoop(int(port), paths[start:] + paths[:start], float(warm_up))
    loop.run(moments(float(rate), float(seconds) + float(warm_up), int(seed)))
    print(msgspec.json.encode(loop.timed(float(seconds))).decode())


if __name__ == "__main__":
    main()
