"""What is read of the machine and of processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.bench import machine
from loadtests.bench.machine import Cores, alone, check_tools, choose_cores, cpu_s, facts, family, memory, pinned
from loadtests.server import RunError

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"])
child.wait()
"""


def test_children_belong_to_a_family() -> None:
    """However deep, and as long as they live."""
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        found = family(process.pid)
        spent_s = cpu_s(found)
        for pid in found:
            os.kill(pid, 9)
    assert found[0] == process.pid
    assert len(found) == 2
    assert spent_s > 0
    assert cpu_s([process.pid]) == 0


def test_memory_of_a_process() -> None:
    """Resident bytes, and fewer where pages are shared; one that is gone is said to be."""
    held = memory(os.getpid())
    assert 1_000_000 < held.pss <= held.rss
    with pytest.raises(RunError, match="is gone"):
        memory(2**22 + 1)


def test_server_and_clients_get_a_core_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one core there is nothing to measure."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 9})
    assert choose_cores() == Cores(server=9, client=3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    with pytest.raises(RunError, match="only core 3 may be used"):
        choose_cores()


def test_missing_tools_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As packages of Debian and Ubuntu."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RunError, match=r"wrk and taskset missing; .* apt-get install wrk util-linux"):
        check_tools()


def test_one_benchmark_at_a_time(tmp_path: Path) -> None:
    """In a directory: two would take each other's store down."""
    bench = tmp_path / "bench"
    with (
        alone(bench),
        alone(tmp_path / "other"),
        pytest.raises(RunError, match="another benchmark runs in"),
        alone(bench),
    ):
        pytest.fail("two run at a time")
    with alone(bench):
        pass


def test_a_pinned_command_stays_on_its_core() -> None:
    """With all that it starts."""
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        pinned(core, sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"{{{core}}}"


def test_facts_say_what_was_measured_on() -> None:
    """Processor, cores, versions."""
    told = facts(Cores(1, 0))
    assert told["server_core"] == 1
    assert told["cores"] == os.cpu_count()
    assert told["packages"]["starlette"]
    assert "not-there" not in told["packages"]
    assert machine._version("not-there-at-all") is None
