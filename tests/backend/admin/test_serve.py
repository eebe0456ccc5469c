"""The app as a process: `python -m backend`, its children, and how all of it ends. Nothing here is simulated."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from edge.core.access import make_key
from tests.serving import KEY, Serve, until

pytestmark = pytest.mark.store


@dataclass
class App:
    """A running `python -m backend`."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def status(self) -> dict[str, Any]:
        """All that it says."""
        answer = self.client.get("/status")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def service(self, name: str) -> dict[str, Any]:
        """How a service is."""
        return next(one for one in self.status()["services"] if one["name"] == name)

    def running(self) -> bool:
        """Whether all services run."""
        return all(one["state"] == "running" for one in self.status()["services"])


@contextmanager
def backend(data_dir: Path, *arguments: str, **environment: str) -> Iterator[App]:
    """Start the app on a free port; it is ended by SIGTERM, if it still runs."""
    given = {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_ADMIN_PORT": "0", "ENDCAP_PSEUDONYM_KEY": KEY, **environment}
    given |= {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "backend", *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    log = (data_dir / "backend.log").open("a")
    with (
        log,
        subprocess.Popen(command, env=inherited | given, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " on http://" in line, (data_dir / "backend.log").read_text()
        key = make_key(data_dir, "demo")
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=line.rpartition(" on ")[2].strip(), headers=headers, timeout=30) as client:
            try:
                until(lambda: healthy(client), within_s=60)
                yield App(process, client)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                process.stdout.read()
                process.wait(60)


def healthy(client: httpx.Client) -> bool:
    """Whether the app answers."""
    with suppress(httpx.HTTPError):
        return client.get("/healthz").status_code == 200
    return False


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_events_become_counts_while_the_app_runs(
    serve: Serve, data_dir: Path, session_store: str, event: Callable[..., Any]
) -> None:
    """Without a command it is the app: events are applied and logged, the status follows, the killed come back."""
    edge = serve()
    with backend(data_dir, REDIS_URL=session_store, ENDCAP_LOG_WAIT_S="0.2") as app:
        until(app.running, within_s=60)
        edge.send(event("search", query="tea"), event("detail-page-view", "p004"))
        until(lambda: sum(app.status()["today"].values()) == 2)
        until(lambda: list((data_dir / "events" / "demo").glob("day=*/*.parquet")))
        pid = app.service("consumer")["pid"]
        os.kill(pid, signal.SIGKILL)
        until(
            lambda: app.service("consumer")["state"] == "running" and app.service("consumer")["pid"] != pid, within_s=60
        )
        assert app.service("consumer")["error"] == "ended by signal 9"
        edge.send(event("search", query="coffee"))
        until(lambda: app.status()["today"].get("events:search") == 2)
        until(lambda: app.status()["stream"]["profiles"]["waiting"] == 0)
        assert 'endcap_consumed_total{outcome="applied",shop="demo"}' in app.client.get("/metrics").text
        children = [one["pid"] for one in app.status()["services"]]
        app.process.send_signal(signal.SIGTERM)
        assert app.process.wait(60) == 0
        assert not any(alive(child) for child in children)


def test_sigterm_in_the_middle_loses_nothing(
    serve: Serve, data_dir: Path, session_store: str, redis: "Redis", event: Callable[..., Any]
) -> None:
    """Ended while thousands of events wait and started again: each is counted once."""
    edge = serve()
    for _ in range(20):
        edge.send(*(event("search", query="tea", visitor_id=f"v{n}") for n in range(100)))
    with backend(data_dir, "serve", REDIS_URL=session_store, ENDCAP_CONSUME_BATCH="50") as app:
        until(lambda: sum(app.status()["today"].values()) > 0, within_s=60)
        app.process.send_signal(signal.SIGTERM)
        assert app.process.wait(60) == 0
    before = int(redis.hget(f"n:{{demo}}:{int(time.time() // 86_400)}", "events:search") or 0)
    assert 0 < before <= 2_000
    with backend(data_dir, "serve", REDIS_URL=session_store) as app:
        until(lambda: app.status()["today"].get("events:search", 0) >= 2_000, within_s=60)
        until(lambda: app.status()["stream"]["profiles"]["pending"] == 0)
        assert app.status()["today"]["events:search"] == 2_000


def test_it_brings_a_store_of_its_own_and_takes_it_along(data_dir: Path) -> None:
    """Without REDIS_URL; services and jobs use it, and after the end its process is gone."""
    with backend(data_dir) as app:
        until(app.running, within_s=60)
        pid = int((data_dir / "store" / "store.pid").read_text())
        until(lambda: next(one for one in app.status()["jobs"] if one["name"] == "canary")["last"])
    assert not alive(pid)
    log = (data_dir / "backend.log").read_text()
    assert log.index("endcap.backend: ending") < log.index("endcap.backend: ended")
    assert "Traceback" not in log


def test_nothing_is_logged_where_the_shop_keeps_nothing(data_dir: Path, session_store: str, redis: object) -> None:
    """EVENT_LOG=none: the service says that it is off, and nobody starts it again."""
    with backend(data_dir, REDIS_URL=session_store, EVENT_LOG="none") as app:
        until(lambda: app.service("log")["state"] == "off", within_s=60)
        assert app.service("log")["restarts"] == 0
        assert "none" in app.service("log")["detail"]["why"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_it_ends_with_its_launcher_and_its_services_with_it(data_dir: Path, session_store: str, redis: object) -> None:
    """Killed outright, neither leaves anything behind."""
    code = (
        "import os, subprocess, sys\n"
        "given = os.environ | {'ENDCAP_LAUNCHER': str(os.getpid())}\n"
        "child = subprocess.Popen([sys.executable, '-m', 'backend'], env=given)\n"
        "print(child.pid, flush=True); child.wait()"
    )
    given = {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_ADMIN_PORT": "0", "REDIS_URL": session_store}
    given |= {"ENDCAP_PSEUDONYM_KEY": KEY}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=os.environ | given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as launcher:
        assert launcher.stdout is not None
        app = int(launcher.stdout.readline())
        line = launcher.stdout.readline()
        headers = {"Authorization": f"Bearer {make_key(data_dir, 'demo')}"}
        with httpx.Client(base_url=line.rpartition(" on ")[2].strip(), headers=headers, timeout=30) as client:
            until(lambda: healthy(client), within_s=60)
            until(lambda: all(one["pid"] for one in client.get("/status").json()["services"]), within_s=60)
            services = [one["pid"] for one in client.get("/status").json()["services"]]
        launcher.kill()
        until(lambda: not any(alive(pid) for pid in (app, *services)), within_s=60)


def test_a_port_in_use_is_one_plain_line(data_dir: Path, session_store: str, redis: object) -> None:
    """With the setting that names another."""
    with backend(data_dir, REDIS_URL=session_store) as app:
        given = {"ENDCAP_DATA_DIR": str(data_dir), "REDIS_URL": session_store}
        given |= {"ENDCAP_ADMIN_PORT": str(app.client.base_url.port)}
        done = subprocess.run([sys.executable, "-m", "backend"], env=os.environ | given, capture_output=True, text=True)
    assert done.returncode == 2
    assert "ENDCAP_ADMIN_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_commands() -> None:
    """The bare program runs the app; --help does not."""
    done = subprocess.run([sys.executable, "-m", "backend", "--help"], capture_output=True, text=True, check=True)
    for name in ("serve", "jobs", "run", "canary", "shadow", "approve", "rollback"):
        assert name in done.stdout
    unknown = subprocess.run([sys.executable, "-m", "backend", "service", "x"], capture_output=True, text=True)
    assert unknown.returncode == 2
