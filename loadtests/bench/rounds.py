"""Rates side by side: in each round every server is loaded once, in another order; what it answers is checked before.

In: servers that run and the paths each is asked for. Out: a `Sample` for each server and round.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from loadtests.ask import Asker
from loadtests.bench.counters import Counted, counting
from loadtests.bench.servers import Server
from loadtests.bench.wrk import Burst, burst
from loadtests.server import RunError

_WARM_UP_S = 2.0
_OVERSHOOT = 1_000  # paths left out between bursts: wrk has sent some whose answers it did not wait for
_TTL_S = 5.0  # after which a cached answer is made anew
_SHELVES = 3  # of a product page
_TRIES = 20


@dataclass(frozen=True)
class Load:
    """What is sent to one server. `personal`: to Endcap's ranker, each request another shopper's."""

    name: str
    server: Server
    paths: Path
    method: str = "GET"
    personal: bool = False
    cached: bool = False
    reference: bool = False  # the page that floors are about: at least 100 candidates in every run of the ranker


@dataclass(frozen=True)
class Sample:
    """One burst. `rate`: whole answers per second; `degraded`: the share left out of it."""

    rate: float
    cpu_us: float  # of the server and all its processes, per request
    p50_ms: float
    p99_ms: float
    requests: int
    degraded: float = 0.0
    candidates: float = 0.0
    by: str = ""  # what degraded them

    def told(self) -> dict[str, float]:
        """For the report."""
        return {name: round(value, 3) for name, value in asdict(self).items() if name != "by"}


@dataclass
class Rounds:
    """Alternating rounds over the same loads."""

    loads: Sequence[Load]
    seconds: float
    connections: int
    core: int

    def __post_init__(self) -> None:
        self._sent = dict.fromkeys((load.name for load in self.loads), 0)
        self.samples: dict[str, list[Sample]] = {load.name: [] for load in self.loads}

    def run(self, rounds: int, tell: Callable[[str, int, Sample], None]) -> dict[str, list[Sample]]:
        """Warm all up, then measure; `tell` hears of each sample."""
        for load in self.loads:
            self._burst(load, min(_WARM_UP_S, self.seconds))
        for number in range(rounds):
            start = number % len(self.loads)
            for load in (*self.loads[start:], *self.loads[:start]):
                sample = self.sample(load)
                self.samples[load.name].append(sample)
                tell(load.name, number, sample)
        return self.samples

    def sample(self, load: Load) -> Sample:
        """Load one server once."""
        found: list[Burst] = []
        before_s = load.server.cpu_s()
        if not (load.personal or load.cached):
            told = self._burst(load, self.seconds)
            return Sample(told.rate, (load.server.cpu_s() - before_s) / told.requests * 1e6,
                          told.p50_ms, told.p99_ms, told.requests)  # fmt: skip
        with Asker(load.server.url) as asker:
            counted = counting(asker, lambda: found.append(self._burst(load, self.seconds)))
        told, cpu_s = found[0], load.server.cpu_s() - before_s
        degraded = sum(counted.degraded.values()) / told.requests
        check_counts(load, told, counted)
        rate, by = told.rate * max(0.0, 1 - degraded), ", ".join(counted.degraded)
        return Sample(rate, cpu_s / told.requests * 1e6, told.p50_ms, told.p99_ms, told.requests, degraded,
                      counted.candidates, by)  # fmt: skip

    def _burst(self, load: Load, seconds: float) -> Burst:
        told = burst(
            load.server.url,
            load.paths,
            seconds=seconds,
            connections=self.connections,
            core=self.core,
            offset=self._sent[load.name],
            method=load.method,
        )
        self._sent[load.name] += told.requests + _OVERSHOOT
        return told


def check_counts(load: Load, told: Burst, counted: Counted) -> None:
    """Raises RunError where the server did not do what is measured."""
    expired = len(load.paths.read_text().split()) * (1 + math.ceil(told.seconds / _TTL_S))
    if load.cached and counted.ranked > expired:
        raise RunError(f"{load.name}: {counted.ranked:,} of {told.requests:,} answers were not from the cache")
    if not load.reference:
        return
    whole = told.requests - sum(counted.degraded.values())
    if counted.ranked < 0.98 * whole:
        raise RunError(f"{load.name}: the ranker ran {counted.ranked:,} times for {whole:,} answers; some were cached")
    few = counted.ranked_few - sum(counted.degraded.values())  # without the shopper's profile there are fewer
    if few > 0:
        raise RunError(f"{load.name}: {few:,} of {counted.ranked:,} runs ranked fewer than 100 candidates")


def check_answer(load: Load, *, body: bytes | None = None, scores: Sequence[float] | None = None) -> bytes:
    """Ask once, and compare: with these bytes, these scores, or what is promised of the page. Raises RunError."""
    if load.personal:
        return check_personal(load)
    path = load.paths.read_text().split("\n", 1)[0]
    with Asker(load.server.url) as asker:
        reply = asker.post(path, "{}") if load.method == "POST" else asker.get(path)
        if load.cached:
            reply = asker.get(path)  # the first one filled the cache
    if reply.status != 200:
        raise RunError(f"{load.name}: {path} answered {reply.status}: {reply.body[:300].decode(errors='replace')}")
    if body is not None and reply.body != body:
        raise RunError(f"{load.name}: the answer is not the bytes that were given to it")
    if scores is not None and not close(json.loads(reply.body)["scores"], scores):
        raise RunError(f"{load.name}: its scores are not the model's: {reply.body[:200].decode(errors='replace')}")
    if load.cached and "hit" not in reply.headers.get("cache-status", ""):
        raise RunError(f"{load.name}: asked twice, not from the cache: {reply.headers.get('cache-status')}")
    return reply.body


def close(told: Sequence[Any], wanted: Sequence[float], tolerance: float = 1e-5) -> bool:
    """Whether two rows of scores are the same."""
    return len(told) == len(wanted) and all(
        abs(one - other) <= tolerance for one, other in zip(told, wanted, strict=True)
    )


def check_personal(load: Load) -> bytes:
    """The first page that is whole, personal, and has the shelves it should have. Raises RunError when none is soon."""
    said = ""
    with Asker(load.server.url) as asker:
        for path in load.paths.read_text().split()[:_TRIES]:  # a busy machine may miss the deadline of the first
            reply = asker.get(path)
            said = f"{path} answered {reply.status}"
            if reply.status != 200:
                continue
            try:
                answer = reply.answer()
            except msgspec.DecodeError as error:
                raise RunError(f"{load.name}: the answer is no page: {error}") from None
            if answer.personal and not answer.degraded and len(answer.slots) >= (_SHELVES if load.reference else 1):
                return reply.body
            shown = ", ".join(f"{slot.id} by {slot.served_by}" for slot in answer.slots)
            said = f"{path} is degraded {list(answer.degraded)}, or not personal, or lacks a shelf: {shown}"
    raise RunError(f"{load.name}: {said}")
