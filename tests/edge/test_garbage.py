"""Garbage collection: full only on demand, in a quiet moment, and sooner or later all the same."""

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from edge import garbage


class Node:
    """Something that can be part of a cycle."""

    def __init__(self) -> None:
        self.me = self


def lost() -> "weakref.ref[Node]":
    """A cycle that nothing refers to any more, too old to be found among the young."""
    node = Node()
    gc.collect(0)
    gc.collect(1)
    return weakref.ref(node)


async def collected(at_work: Callable[[], int], until: Callable[[], bool], patience_s: float = 60.0) -> None:
    """Run until something is so."""
    task = asyncio.create_task(garbage.run(at_work, every_s=0.01, patience_s=patience_s))
    try:
        while not until():
            await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_full_collections_are_put_off_and_put_back() -> None:
    """Inside nothing that is made brings one about; afterwards all is as before, also after a failure."""
    before = gc.get_threshold()

    def fail() -> None:
        with garbage.on_demand():
            assert gc.get_threshold()[2] >= 1_000_000
            full = gc.get_stats()[2]["collections"]
            assert [[n] for n in range(300_000)]
            assert gc.get_stats()[2]["collections"] == full
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert gc.get_threshold() == before


async def test_cycles_go_when_nothing_is_at_work() -> None:
    """Not before: while a request is at work, nothing is collected."""
    looked: list[int] = []

    def busy_at_first() -> int:
        looked.append(1)
        assert len(looked) > 5 or node() is not None
        return int(len(looked) <= 5)

    with garbage.on_demand():
        node = lost()
        await collected(busy_at_first, lambda: node() is None)
    assert len(looked) > 5


async def test_a_server_without_a_quiet_moment_collects_all_the_same() -> None:
    """After its patience."""
    with garbage.on_demand():
        node = lost()
        await collected(lambda: 1, lambda: node() is None, patience_s=0.02)
