"""A Redis Cluster of three real nodes for the tests, from the server that the embedded store brings."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from redis.client import NEVER_DECODE
from redis.exceptions import RedisError

from edge.embedded import find_binary
from tests.serving import until

SLOTS = 16_384
BUS = 6_000


@dataclass
class Cluster:
    """Its address, and a client and a process of each node."""

    url: str
    nodes: list["Redis"]
    processes: list[subprocess.Popen[bytes]]

    def names(self) -> dict[bytes, int]:
        """Every key and the number of its node."""
        return {name: number for number, node in enumerate(self.nodes) for name in node.scan_iter()}


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and nobody for the nodes' own talk on those `BUS` above.

    All lie below what systems give to those who ask for any port, so that nobody gets one before its node has it.
    Other workers look elsewhere: each process begins at a place of its own.
    """
    found: list[int] = []
    with ExitStack() as held:
        for port in range(20_000 + 13 * os.getpid() % 5_000, 26_000):
            with suppress(OSError):
                for number in (port, port + BUS):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", number))
                found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no free ports")


def start(port: int, directory: Path, timeout_ms: int) -> subprocess.Popen[bytes]:
    """One empty node."""
    directory.mkdir(parents=True)
    options = (
        f"--port {port} --bind 127.0.0.1 --cluster-enabled yes --cluster-port {port + BUS}"
        f" --cluster-node-timeout {timeout_ms} --appendonly no"
    )
    command = [str(find_binary()), *options.split(), "--save", "", "--dir", str(directory)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


@contextmanager
def three_nodes(directory: Path, timeout_ms: int = 5_000) -> Iterator[Cluster]:
    """Three primaries that share the slots and miss each other after `timeout_ms`."""
    ports = free_ports(3)
    processes = [start(port, directory / str(port), timeout_ms) for port in ports]
    nodes: list[Redis] = [Redis(port=port, protocol=2) for port in ports]
    try:
        for place, node in enumerate(nodes):
            until(partial(answers, node))
            share = range(SLOTS * place // 3, SLOTS * (place + 1) // 3)
            command(node, "ADDSLOTSRANGE", share[0], share[-1])
            command(node, "MEET", "127.0.0.1", ports[0], ports[0] + BUS)
        until(lambda: all(b"cluster_state:ok" in command(node, "INFO") for node in nodes))
        yield Cluster(f"redis+cluster://127.0.0.1:{ports[0]}", nodes, processes)
    finally:
        for node in nodes:
            node.close()
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes for all tests of a file."""
    with three_nodes(tmp_path_factory.mktemp("cluster")) as one:
        yield one


def answers(node: "Redis") -> bool:
    """Whether a node listens."""
    with suppress(RedisError):
        return bool(node.ping())
    return False


def command(node: "Redis", *words: str | int) -> bytes:
    """A `CLUSTER` command to one node; its answer as it came."""
    send: Callable[..., object] = node.execute_command
    answer = send("CLUSTER", *words, **{NEVER_DECODE: True})
    return answer if isinstance(answer, bytes) else str(answer).encode()
