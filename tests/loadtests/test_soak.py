"""The soak's verdict, and memory as it is sampled."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtests import soak
from loadtests.budget import read_budget
from loadtests.memory import Sampler, Samples, growth_mb, resident_mb, workers
from loadtests.seconds import Second, Seconds

BUDGET = read_budget()
FLAT = [(float(at), 150.0 + at % 3 * 0.1) for at in range(100)]


def seconds(slow: tuple[int, ...] = ()) -> Seconds:
    """A hundred seconds of ten pages; the slow ones take 150 ms."""
    return {number: Second(useful=10, took_ms=[150.0 if number in slow else 20.0] * 10) for number in range(100)}


def judged(made: Seconds, samples: Samples) -> list[str]:
    """The verdict on a hundred seconds."""
    return soak.judge_soak(made, samples, 100.0, BUDGET)


def test_a_good_soak_passes() -> None:
    """Caches fill in the beginning, and what goes up and down does not grow."""
    filling = [(float(at), min(150.0, 120.0 + at * 2)) for at in range(100)]
    assert judged(seconds(), {1: FLAT, 2: filling}) == []


@pytest.mark.parametrize(
    ("made", "samples", "said"),
    [
        (seconds(slow=(42,)), {1: FLAT}, "from second 40 on p99 from the scheduled start is 150.0 ms for 10 s"),
        (seconds(), {}, "no memory was sampled"),
        (seconds(), {1: FLAT, 2: FLAT[50:]}, "process 2 was started in the middle"),
        (seconds(), {1: FLAT[:50]}, "process 1 ended in the middle"),
        (seconds(), {1: [(at, 100 + at * 0.05) for at, _ in FLAT]}, "process 1 grew by 3.95 MB"),
    ],
)
def test_each_rule_can_be_broken(made: Seconds, samples: Samples, said: str) -> None:
    """And is named with what was measured."""
    (broken,) = judged(made, samples)
    assert said in broken


def test_growth_is_a_straight_line_through_all_samples() -> None:
    """From the warm-up's end to the last; one high sample at the end is not what a process takes."""
    rising = [(float(at), 100 + at * 0.02) for at in range(100)]
    assert growth_mb(rising, 20.0) == pytest.approx(0.02 * 79)
    assert growth_mb([*FLAT, (100.0, 152.0)], 20.0) < 0.3
    assert growth_mb(rising[:1], 0.0) == 0.0


def test_the_report_names_the_worst_slice_and_all_processes() -> None:
    """In MB, from the first sample to the last."""
    told = soak.tell(seconds(slow=(77,)), {7: FLAT}, 100.0, BUDGET)
    assert (told["worst_slice_s"], told["worst_p99_ms"]) == (70, 150.0)
    assert told["memory"]["7"]["first_mb"] == 150.0
    assert abs(told["memory"]["7"]["growth_mb"]) < 0.2
    assert told["memory"]["7"]["samples"][0] == FLAT[0]


def test_a_run_shorter_than_a_slice_is_one() -> None:
    """Nothing is left unjudged."""
    assert soak.slices(seconds(), 4.0, 10.0) == [(0.0, 20.0)]


def test_the_workers_of_a_launcher_are_sampled(tmp_path: Path) -> None:
    """Not the launcher itself; what they take grows when they do; after the end there are no more samples."""
    go = tmp_path / "go"
    worker = f"import os,time\nkept = bytearray(1)\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n"
    worker += "kept = bytearray(os.urandom(1) * 40_000_000)\ntime.sleep(60)"
    launcher = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {worker!r}])"
    process = subprocess.Popen([sys.executable, "-c", launcher])
    sampler = Sampler(process.pid, every_s=0.02)
    try:
        sampler.start(time.time())

        def until(condition: str, least_mb: float) -> None:
            ends = time.monotonic() + 30
            while not any(mb > least_mb for (sampled,) in [sampler.samples.values()] for _, mb in sampled[-1:]):
                assert time.monotonic() < ends, condition
                time.sleep(0.02)

        while not sampler.samples:
            time.sleep(0.02)
        until("the worker is there", 1.0)
        go.touch()
        until("it has grown", 40.0)
        (pid,) = sampler.samples
        assert pid != process.pid
        assert workers(process.pid) == [pid]
    finally:
        sampler.stop()
        for pid in workers(process.pid):
            os.kill(pid, 9)
        process.kill()
        process.wait()
    count = len(sampler.samples[pid])
    time.sleep(0.1)
    assert len(sampler.samples[pid]) == count
    assert resident_mb(pid) == 0.0


def test_what_came_before_the_begin_is_left_out() -> None:
    """The warm-up is in no statistic; a sampler that never began can be stopped."""
    sampler = Sampler(os.getppid(), every_s=0.01)
    sampler.start(time.time() + 3_600)
    time.sleep(0.1)
    sampler.stop()
    assert sampler.samples == {}
    Sampler(1).stop()
