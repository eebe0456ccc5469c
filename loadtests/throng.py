"""The many who come beside Locust's shoppers: pages asked for at given rates, whether or not the server keeps up.

In: a `ThrongPlan` as a file. Out: `Thronged`: what came of each second, as a file. Locust, in Python, makes far fewer
requests than the server answers, so in a spike Locust's shoppers are the sample whose
answers are judged in full, and this makes up the rest: plain sockets, a tenth of the processor time, the same pages.
"""

import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from loadtests.bench.open_loop import Ask, Connection, OpenLoop
from loadtests.measure import percentile
from loadtests.seconds import Kind, Second, Seconds, kind_of

_DEGRADED, _NAME, _SHELF = b'"degraded":', re.compile(rb"\w+"), b'"served_by"'
_POLL_S = 0.01
_WAIT_S = 60.0  # for whoever says when it begins
_UNUSED_S = 2.0  # after which a connection is closed by us, before the server does: a request could cross its goodbye


class Stage(msgspec.Struct, frozen=True):
    """A rate, in requests per second, and how many seconds it is kept for."""

    rate: float
    seconds: float


class ThrongPlan(msgspec.Struct, frozen=True):
    """What the process is to do. Second 0 is `zero_s` after the moment in `begun_file`: the warm-up is before it."""

    port: int
    paths_file: str
    stages: tuple[Stage, ...]
    zero_s: float
    seed: int
    begun_file: str
    result_file: str


class Thronged(msgspec.Struct, frozen=True):
    """What came of it. `lag_p99_ms`: sent later than meant, by what the sender itself or full connections cost."""

    seconds: Seconds
    lag_p99_ms: float
    statuses: dict[int, int]  # of failed requests; 0: no answer, 200: one that is none of ours


def moments(stages: Sequence[Stage], seed: int) -> Iterator[float]:
    """When to ask, in seconds from the begin: a Poisson process whose rate changes from stage to stage."""
    random, begins = Random(seed), 0.0
    for stage in stages:
        at = begins
        begins += stage.seconds
        while stage.rate and (at := at + random.expovariate(stage.rate)) < begins:
            yield at


class Throng(OpenLoop):
    """Sends, and keeps count by the second."""

    def __init__(self, port: int, paths: Sequence[str], zero_s: float) -> None:
        super().__init__(port, paths, zero_s)
        self.seconds: Seconds = {}
        self.statuses: dict[int, int] = {}
        self._used_s: dict[int, float] = {}  # by connection
        self._swept_s = 0.0

    def _send(self, ask: Ask, began_s: float) -> None:
        now_s = time.perf_counter()
        if now_s - self._swept_s > _UNUSED_S / 4:
            self._swept_s = now_s
            self._sweep(now_s)
        super()._send(ask, began_s)

    def _sweep(self, now_s: float) -> None:
        """Close what was not used for a while; the rest goes on."""
        rests = {one.number for one in self._idle if now_s - self._used_s.get(one.number, now_s) >= _UNUSED_S}
        for one in [one for one in self._idle if one.number in rests]:
            self._drop(one)
        self._idle = [one for one in self._idle if one.number not in rests]

    def _receive(self, connection: Connection, began_s: float) -> None:
        self._used_s[connection.number] = time.perf_counter()
        super()._receive(connection, began_s)

    def _answered(self, ask: Ask, status: int, now_s: float) -> None:
        kind = kind_of_body(ask.data) if status == 200 else "failed"
        if kind == "failed":
            self.statuses[status] = self.statuses.get(status, 0) + 1
        self._second(ask).add(kind, (now_s - ask.meant_s) * 1_000)

    def _count(self, ask: Ask, outcome: str) -> None:  # noqa: ARG002 -- only what got no answer comes here
        self.statuses[0] = self.statuses.get(0, 0) + 1
        self._second(ask).add("failed", 0.0)

    def _second(self, ask: Ask) -> Second:
        return self.seconds.setdefault(math.floor(ask.meant_s - self._warm_up_s), Second())


def kind_of_body(body: bytes | bytearray) -> Kind:
    """What an answer amounts to, without decoding all of it; one without a shelf is none."""
    begins = body.find(_DEGRADED)
    if begins < 0 or _SHELF not in body:
        return "failed"
    begins += len(_DEGRADED)
    return kind_of([name.decode() for name in _NAME.findall(body, begins, body.find(b"]", begins))])


def carry_out(plan: ThrongPlan) -> Thronged:
    """Wait for the begin and send. Raises TimeoutError when nothing begins."""
    begun, deadline_s = Path(plan.begun_file), time.monotonic() + _WAIT_S
    while not begun.exists() or not (told := begun.read_text()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{begun} was not written: whoever should begin did not")
        time.sleep(_POLL_S)
    time.sleep(max(0.0, float(told) - time.time()))
    # Who comes late leaves out what would all have to be sent at once.
    late_s = max(0.0, time.time() - float(told))
    schedule = [at - late_s for at in moments(plan.stages, plan.seed) if at >= late_s]
    paths = Path(plan.paths_file).read_text().split()
    first = Random(plan.seed).randrange(len(paths))  # so that no two throngs ask for the same pages at once
    throng = Throng(plan.port, paths[first:] + paths[:first], plan.zero_s - late_s)
    throng.run(schedule)
    measured = {number: second for number, second in throng.seconds.items() if number >= 0}
    return Thronged(measured, round(percentile(throng.lag_ms, 0.99), 3), throng.statuses)


def main() -> None:
    """`python -m loadtests.throng PLAN`."""
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ThrongPlan)
    result = Path(plan.result_file)
    staged = result.with_suffix(".part")
    staged.write_bytes(msgspec.json.encode(carry_out(plan)))
    staged.replace(result)


if __name__ == "__main__":
    main()
