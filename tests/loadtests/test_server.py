"""Processes of a run: started, waited for, and ended whatever happens."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from loadtests import server
from loadtests.server import RunError, end, running, serving, tail

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
]


def wait_for(log: Path, text: str) -> None:
    """Until the process has said something."""
    ends = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < ends, "it said nothing"
        time.sleep(0.02)


def test_a_process_lives_as_long_as_its_block(tmp_path: Path) -> None:
    """Its output goes to the log, and the environment given to it is added to ours, but for Locust's own settings."""
    show = [sys.executable, "-c", "import os; print(os.environ['A'], os.environ.get('LOCUST_USERS'), flush=True)"]
    os.environ["LOCUST_USERS"] = "7"
    try:
        with running(show, {"A": "b"}, tmp_path / "log") as process:
            process.wait()
    finally:
        del os.environ["LOCUST_USERS"]
    assert (tmp_path / "log").read_text() == "b None\n"


def test_it_is_ended_when_the_block_fails(tmp_path: Path) -> None:
    """Also by Ctrl-C."""
    with pytest.raises(KeyboardInterrupt), running(SLEEP, {}, tmp_path / "log") as process:
        raise KeyboardInterrupt
    assert process.returncode is not None


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a grace, shortened here."""
    monkeypatch.setattr(server, "_STOP_GRACE_S", 0.2)
    with running(STUBBORN, {}, tmp_path / "log") as process:
        wait_for(tmp_path / "log", "here")
    assert process.returncode == -9


def test_ctrl_c_while_it_is_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal waits until the process is known, so that it is ended, too."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def interrupted(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(popen(*arguments, **options))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt), running(SLEEP, {}, tmp_path / "log"):
        pytest.fail("the signal was lost")
    assert started[0].returncode is not None


def test_ctrl_c_twice() -> None:
    """The second one, while the process takes its time to end, kills it."""
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    process = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            end(process)
    assert process.returncode == -9


def test_processes_start_from_any_thread(tmp_path: Path) -> None:
    """Where no signal arrives, none needs to wait."""

    def start() -> None:
        with running(SLEEP, {}, tmp_path / "log") as process:
            pids.append(process.pid)

    pids: list[int] = []
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert pids


def test_ctrl_c_reaches_only_us(tmp_path: Path) -> None:
    """The process has a session of its own: we end it in order, after our own last look at it."""
    with running(SLEEP, {}, tmp_path / "log") as process:
        assert os.getsid(process.pid) != os.getsid(0)


def test_a_server_without_a_model_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real server on an empty data directory: it answers, says that it is not ready, and the remedy is named."""
    monkeypatch.setattr(server, "_UNREADY_GRACE_S", 0.5)
    with (
        pytest.raises(RunError, match=r"(?s)not ready.*scripts/demo --prepare.*its log"),
        serving(tmp_path / "data", port=None, workers=1, log=tmp_path / "log"),
    ):
        pass
    assert not (tmp_path / "data" / "store" / "store.pid").exists()


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """Whoever has it might answer, and would be loaded in our place."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(RunError, match=f"port {port} is taken"),
            serving(tmp_path / "data", port=port, workers=1, log=tmp_path / "log"),
        ):
            pass
    assert not (tmp_path / "log").exists()


def test_a_server_that_ends_at_once_is_shown_with_its_log(tmp_path: Path) -> None:
    """Here because its data directory is a file."""
    (tmp_path / "data").write_text("")
    with (
        pytest.raises(RunError, match=r"(?s)ended with status 2.*cannot use"),
        serving(tmp_path / "data", port=None, workers=1, log=tmp_path / "log"),
    ):
        pass


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    """The last lines, not all; an empty log is called empty."""
    log = tmp_path / "log"
    log.write_text("")
    assert "empty" in tail(log)
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert "line 99" in tail(log)
    assert "line 80" not in tail(log)
