"""The open-loop generator: it asks on time whether or not the server keeps up, and counts what is lost."""

import socket
import statistics
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.bench.open_loop import OpenLoop, Timed, moments
from loadtests.server import ROOT

PATHS = ["/v1/recommendations/pdp?product_id=p1", "/v1/recommendations/home"]


def port_of(shop: Any) -> int:
    """Of the small shop."""
    return int(shop.url.rpartition(":")[2])


def test_arrivals_are_a_poisson_process() -> None:
    """At the rate asked for, at irregular moments, the same for the same seed."""
    times = moments(300.0, 40.0, 1)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == pytest.approx(12_000, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(1 / 300, rel=0.1)
    assert times == moments(300.0, 40.0, 1) != moments(300.0, 40.0, 2)


def test_every_request_is_timed(shop: Any) -> None:
    """From the intended moment; the answers' model version and wholeness are counted."""
    loop = OpenLoop(port_of(shop), PATHS, 0.0)
    loop.run([0.0, 0.01, 0.02, 0.03])
    timed = loop.timed(1.0)
    assert (timed.requests, timed.lost, timed.refused) == (4, 0, 0)
    assert timed.degraded == 4  # the small shop writes its JSON with spaces, which no Endcap does
    assert 0 < timed.p50_ms <= timed.p99_ms <= timed.max_ms
    assert shop.asked == [PATHS[0], PATHS[1], PATHS[0], PATHS[1]] or len(shop.asked) == 4


def test_a_stall_counts_for_all_who_wait(shop: Any) -> None:
    """Requests go out on connections of their own while the server stalls: none is sent late, all are answered late."""
    shop.delay_s = 0.4
    loop = OpenLoop(port_of(shop), PATHS, 0.0)
    loop.run([number / 100 for number in range(20)])
    timed = loop.timed(1.0)
    assert timed.requests == 20
    assert timed.connections > 5
    assert timed.p50_ms >= 400
    assert timed.lag_p50_ms < timed.p50_ms


def test_the_warm_up_is_in_no_figure(shop: Any) -> None:
    """Nor are its failures."""
    loop = OpenLoop(port_of(shop), PATHS, 0.05)
    loop.run([0.0, 0.01, 0.06, 0.07])
    assert loop.timed(1.0).requests == 2
    assert len(shop.asked) == 4


def test_refusals_are_counted(shop: Any) -> None:
    """A status other than 200 is no answer."""
    shop.status = 503
    loop = OpenLoop(port_of(shop), PATHS, 0.0)
    loop.run([0.0, 0.01])
    assert loop.timed(1.0).refused == 2


def test_nobody_there_is_lost() -> None:
    """A server that is gone loses every request, and the generator ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        loop = OpenLoop(probe.getsockname()[1], PATHS, 0.0)
        loop.run([0.0, 0.01, 0.02])
    assert loop.timed(1.0).lost == 3


class Closing:
    """A server that answers the first request of a connection, and closes it at once, later, or on the second one."""

    def __init__(self, *, on_second: bool) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._on_second = on_second
        self.connections = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                if not connection.recv(65_536):
                    return
                self.connections += 1
                connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n"degraded":[]')
                if self._on_second:
                    connection.recv(65_536)

    def close(self) -> None:
        """End it: a connection that says nothing."""
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._server.close()


@pytest.mark.parametrize("on_second", [False, True])
def test_a_kept_connection_that_was_closed_loses_nothing(on_second: bool) -> None:
    """It is noticed before it is used, or the request is sent once more over a new one."""
    server = Closing(on_second=on_second)
    loop = OpenLoop(server.port, PATHS, 0.0)
    loop.run([0.0, 0.3, 0.6])
    timed = loop.timed(1.0)
    assert (timed.requests, timed.lost, timed.degraded) == (3, 0, 0)
    assert server.connections == 3
    server.close()


def test_a_connection_cut_in_the_middle_is_lost() -> None:
    """Half an answer is none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            connection, _ = server.accept()
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        loop = OpenLoop(server.getsockname()[1], PATHS, 0.0)
        loop.run([0.0])
        thread.join()
    assert loop.timed(1.0).lost == 1


def test_an_answer_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, shortened here."""
    monkeypatch.setattr("loadtests.bench.open_loop._PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        loop = OpenLoop(server.getsockname()[1], PATHS, 0.0)
        loop.run([0.0])
    assert loop.timed(1.0).lost == 1


def test_it_runs_as_a_process_of_its_own(shop: Any, tmp_path: Path) -> None:
    """And says all in one line of JSON; the paths begin where it is told."""
    paths = [f"/v1/recommendations/pdp?product_id=p{number}" for number in range(100)]
    (tmp_path / "paths").write_text("\n".join(paths) + "\n")
    command = [sys.executable, "-m", "loadtests.bench.open_loop", str(port_of(shop)), str(tmp_path / "paths")]
    done = subprocess.run(
        [*command, "50", "0.5", "0.1", "1", "7"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    timed = msgspec.json.decode(done.stdout, type=Timed)
    assert timed.requests == sum(one >= 0.1 for one in moments(50.0, 0.6, 7))
    assert set(shop.asked) == set(paths[1 : 1 + len(moments(50.0, 0.6, 7))])
    assert timed.versions == {} or set(timed.versions) == {"v1"}
