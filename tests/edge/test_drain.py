"""Leaving, in processes of their own: what SIGTERM does, and what becomes of a process whose launcher is gone."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from edge.drain import Drain, end_tasks

SERVER = """
import asyncio, logging, signal, sys
from edge.drain import Drain

async def main():
    drain, stopped, calls = Drain(float(sys.argv[1])), asyncio.Event(), []
    def stop(number, frame):
        calls.append(number)
        stopped.set()
    signal.signal(signal.SIGTERM, stop)
    drain.install(asyncio.get_running_loop())
    print("up", drain.leaving, flush=True)
    await stopped.wait()
    print("stopped", drain.leaving, flush=True)
    await asyncio.sleep(2 * float(sys.argv[1]))  # time for a second call, if there were one
    print("calls", calls == [signal.SIGTERM], flush=True)

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
asyncio.run(main())
"""
ORPHAN = "from edge.drain import end_with_parent; end_with_parent(); print('still here')"


def test_a_server_leaves_once_and_only_after_the_drain_time() -> None:
    """The first SIGTERM starts the drain, the second changes nothing; then the server's own handler is called once."""
    with subprocess.Popen([sys.executable, "-c", SERVER, "0.3"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up False\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "leaving: answers close their connections for 0.3 s\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopped True\n"
        assert time.monotonic() - sent >= 0.3
        assert process.stdout.read() == "calls True\n"
    assert process.returncode == 0


def test_a_process_that_ignored_sigterm_goes_on_ignoring_it() -> None:
    """There is no handler to delay, so nothing is announced either."""
    code = """
import asyncio, signal
from edge.drain import Drain
async def main():
    drain = Drain(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    drain.install(asyncio.get_running_loop())
    signal.raise_signal(signal.SIGTERM)
    await asyncio.sleep(0)
    print("leaving", drain.leaving)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "leaving False\n"


def test_in_a_thread_nothing_is_installed() -> None:
    """Threads get no signals, and the embedding program keeps its handler."""
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=Drain(1).install, args=(loop,))
    thread.start()
    thread.join()
    loop.close()
    assert signal.getsignal(signal.SIGTERM) is before


def orphan(launcher: str | None) -> subprocess.CompletedProcess[str]:
    """A process that ends with its launcher, of that id."""
    environment = {name: value for name, value in os.environ.items() if name != "ENDCAP_LAUNCHER"}
    if launcher is not None:
        environment["ENDCAP_LAUNCHER"] = launcher
    return subprocess.run([sys.executable, "-c", ORPHAN], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")
def test_a_process_whose_launcher_went_first_gets_sigterm_at_once() -> None:
    """It went between starting the process and the process asking the kernel."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    done = orphan(str(gone.pid))
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")


def test_a_process_with_its_launcher_or_without_any_lives() -> None:
    """Its parent is the one named, or nobody started it."""
    for launcher in (str(os.getpid()), None):
        done = orphan(launcher)
        assert (done.returncode, done.stdout) == (0, "still here\n")


async def test_tasks_are_told_again_to_end() -> None:
    """A library may lose a cancellation that comes with a reply: the task is asked until it has ended."""
    lost = 0

    async def hard_of_hearing() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost += 1

    tasks = [asyncio.create_task(hard_of_hearing()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert lost == 1
    assert all(task.cancelled() for task in tasks)
    await end_tasks([])
