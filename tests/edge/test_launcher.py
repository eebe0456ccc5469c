"""`python -m edge` as people start it: what it needs, what it says when it cannot, and how it goes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from edge.app import create_app
from edge.core.access import make_key

Until = Callable[..., None]


def address(process: "subprocess.Popen[bytes]") -> str:
    """Where an edge says that it serves."""
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    assert " on http://" in line, process.communicate()[1].decode()
    return line.rpartition(" on ")[2].strip()


def alive(pid: int) -> bool:
    """Whether a process exists and is not only waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """All processes below one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(path.parent.name), *children(int(path.parent.name))]
        except OSError:
            continue
    return found


class Launched:
    """`python -m edge` on a port that the system gives it: one found beforehand may be taken by then."""

    def __init__(self, data_dir: Path, *arguments: str, **changed: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "ENDCAP_PORT")}
        environment |= {"ENDCAP_DATA_DIR": str(data_dir), "PORT": "0"} | changed
        command = [sys.executable, "-m", "edge", *arguments]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = address(self.process)

    def ready(self) -> bool:
        """Whether it serves."""
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read().decode()
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def family(self) -> list[int]:
        """The launcher and everything it started."""
        return [self.process.pid, *children(self.process.pid)]


@pytest.fixture
def launch(data_dir: Path, until: Until) -> Iterator[Callable[..., Launched]]:
    """Starts launchers and ends what is left of them."""
    started: list[Launched] = []

    def start(*arguments: str, **environment: str) -> Launched:
        started.append(Launched(data_dir, *arguments, **environment))
        until(started[-1].ready, 60)
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def refused(data_dir: Path, *arguments: str, **environment: str) -> str:
    """What the launcher says when it cannot start."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "ENDCAP_PORT")}
    done = subprocess.run(
        [sys.executable, "-m", "edge", *arguments],
        env=inherited | {"ENDCAP_DATA_DIR": str(data_dir)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_brings_its_own_store_and_serves(launch: Callable[..., Launched], data_dir: Path) -> None:
    """No service but itself: answers come, the store lies in the data directory and belongs to no worker."""
    launched = launch("--workers", "2")
    body = httpx.get(f"{launched.url}/v1/recommendations/home").json()
    assert body["degraded"] == []
    assert httpx.get(f"{launched.url}/readyz").json()["store"] == "ok"
    store = int((data_dir / "store" / "store.pid").read_text())
    assert store in children(launched.process.pid)
    assert int(Path(f"/proc/{store}/stat").read_text().rpartition(")")[2].split()[1]) == launched.process.pid
    assert "endcap_requests_total" in httpx.get(f"{launched.url}/metrics").text


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_nothing_behind(launch: Callable[..., Launched], until: Until, how: signal.Signals) -> None:
    """Asked to go, by a supervisor or by Ctrl-C: workers and store go with it, exit status 0."""
    launched = launch("--drain-s", "0.1")
    family = launched.family()
    launched.process.send_signal(how)
    assert launched.process.wait(30) == 0
    until(lambda: not any(alive(pid) for pid in family))


def test_killed_it_still_leaves_nothing_behind(launch: Callable[..., Launched], until: Until) -> None:
    """SIGKILL gives no time to clean up: the kernel tells store and workers."""
    launched = launch("--workers", "2", "--drain-s", "0.1")
    family = launched.family()
    assert len(family) >= 4
    launched.process.kill()
    launched.process.wait()
    until(lambda: not any(alive(pid) for pid in family), 30)


def test_a_dead_worker_is_replaced(launch: Callable[..., Launched], data_dir: Path, until: Until) -> None:
    """Its requests are lost, the next ones are not; the store is the same."""
    launched = launch()
    store = int((data_dir / "store" / "store.pid").read_text())
    before = set(children(launched.process.pid)) - {store}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(launched.ready, 60)
    assert int((data_dir / "store" / "store.pid").read_text()) == store
    assert before.isdisjoint(children(launched.process.pid))


@pytest.mark.fault(12)
def test_sigterm_loses_no_request(launch: Callable[..., Launched]) -> None:
    """Callers keep asking while it goes, and go elsewhere when told to: every request is answered."""
    launched = launch("--drain-s", "2")
    answered: list[str] = []
    lost: list[Exception] = []
    busy = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=launched.url, timeout=30) as client:
            told_to_go = False
            while not told_to_go and not lost:
                try:
                    answer = client.get("/v1/recommendations/home")
                except httpx.TransportError as error:
                    lost.append(error)
                    break
                told_to_go = answer.headers.get("connection") == "close"
                answered.append("leaving" if told_to_go else "serving")
                if len(answered) > 50:
                    busy.set()

    callers = [threading.Thread(target=ask, daemon=True) for _ in range(6)]
    for caller in callers:
        caller.start()
    assert busy.wait(60)
    launched.process.terminate()
    for caller in callers:
        caller.join(60)
    assert lost == []
    assert answered.count("leaving") == len(callers), "each was answered once more and told to go elsewhere"
    assert launched.process.wait(30) == 0


def test_a_request_under_way_is_finished(launch: Callable[..., Launched], until: Until) -> None:
    """Half a request was sent before SIGTERM, the other half after: the answer comes."""
    launched = launch("--drain-s", "0")
    body = b'{"limit": 3}'
    host, port = launched.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        head = f"POST /v1/recommendations/home HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body[:5])
        time.sleep(0.5)  # it must have arrived; nothing tells from outside that it has
        launched.process.terminate()
        until(lambda: not can_connect(host, int(port)))
        caller.sendall(body[5:])
        assert caller.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert launched.process.wait(30) == 0


def can_connect(host: str, port: int) -> bool:
    """Whether anybody listens."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_taken_port_is_said_plainly(data_dir: Path) -> None:
    """With the remedy, and before anything else is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused(data_dir, "--port", str(port))
    assert f"127.0.0.1:{port}" in message
    assert "--port" in message
    assert not (data_dir / "store").exists()


def test_without_workers_the_launcher_serves_itself(
    launch: Callable[..., Launched], session_store: str, data_dir: Path, until: Until
) -> None:
    """As in a container: one process, no child, nothing written, metrics and all; asked to go it goes with status 0."""
    before = sorted(path for path in data_dir.rglob("*"))
    key = {"REDIS_URL": session_store, "ENDCAP_PSEUDONYM_KEY": "5e" * 32}
    launched = launch("--workers", "0", "--drain-s", "0.1", **key)
    assert children(launched.process.pid) == []
    assert httpx.get(f"{launched.url}/v1/recommendations/home").json()["degraded"] == []
    assert "endcap_requests_total" in httpx.get(f"{launched.url}/metrics").text
    launched.process.terminate()
    assert launched.process.wait(30) == 0
    assert sorted(path for path in data_dir.rglob("*")) == before


def test_without_workers_ctrl_c_is_no_failure(launch: Callable[..., Launched], session_store: str) -> None:
    """No traceback, status 0."""
    launched = launch("--workers", "0", REDIS_URL=session_store)
    launched.process.send_signal(signal.SIGINT)
    _, errors = launched.process.communicate(timeout=30)
    assert launched.process.returncode == 0
    assert b"Traceback" not in errors


def test_without_workers_a_store_must_be_named(data_dir: Path) -> None:
    """An embedded one would end with the server."""
    assert "REDIS_URL" in refused(data_dir, "--workers", "0")


@pytest.mark.parametrize("workers", ["0", "1"])
def test_an_app_that_cannot_start_ends_the_launcher(data_dir: Path, workers: str) -> None:
    """With status 2 and the reason, instead of trying for ever."""
    environment = os.environ | {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "edge", "--workers", workers],
        env=environment | {"REDIS_URL": "redis://localhost:no-port"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no-port" in done.stderr
    assert "could not start" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_demo_mode_listens_on_loopback_only(data_dir: Path, host: str) -> None:
    """It needs no keys, so nobody else may reach it; what to do instead is said."""
    message = refused(data_dir, "--host", host)
    assert "loopback" in message
    assert "ENDCAP_DEMO=0" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "shop.example"])
def test_nor_does_the_app_itself(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Made by another server than the launcher, from the same environment."""
    monkeypatch.setenv("ENDCAP_HOST", host)
    with pytest.raises(ValueError, match="loopback only"):
        create_app()
    monkeypatch.setenv("ENDCAP_DEMO", "0")
    create_app()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "0.0.0.0"), ("::", "[::]")])
def test_outside_demo_mode_any_host_will_do(
    launch: Callable[..., Launched], session_store: str, host: str, shown: str
) -> None:
    """As platforms want it; the address for IPv6 takes IPv4, too."""
    surroundings = {"REDIS_URL": session_store, "ENDCAP_PSEUDONYM_KEY": "5e" * 32}
    launched = launch("--host", host, "--workers", "0", ENDCAP_DEMO="0", **surroundings)
    assert launched.url.startswith(f"http://{shown}:")
    url = launched.url.replace(shown, "127.0.0.1")
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert httpx.get(f"{url}/v1/recommendations/home").status_code == 401, "no door is open to who shows nothing"


def test_outside_demo_mode_no_key_is_made(data_dir: Path) -> None:
    """Every instance would make its own, and find no profile of the others."""
    assert "ENDCAP_PSEUDONYM_KEY" in refused(data_dir, ENDCAP_DEMO="0")
    assert not (data_dir / "pseudonym.key").exists()


@pytest.mark.parametrize("spoofed", ["203.0.113.9", "203.0.113.9, 127.0.0.1"])
def test_a_proxy_on_this_machine_makes_nobody_local(
    launch: Callable[..., Launched], session_store: str, spoofed: str
) -> None:
    """Demo mode looks through X-Forwarded-For, whatever the environment says of whom to trust."""
    launched = launch("--workers", "0", REDIS_URL=session_store, FORWARDED_ALLOW_IPS="*")
    answer = httpx.get(f"{launched.url}/v1/recommendations/home", headers={"X-Forwarded-For": spoofed})
    assert answer.status_code == 403
    assert httpx.get(f"{launched.url}/v1/recommendations/home").status_code == 200


def test_without_demo_mode_it_serves_anybody_who_shows_a_key(
    launch: Callable[..., Launched], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any address may be listened on then; who shows nothing gets nothing but the state of the process."""
    monkeypatch.setenv("ENDCAP_DEMO", "0")
    launched = launch("--host", "0.0.0.0", ENDCAP_PSEUDONYM_KEY="5e" * 32)
    assert httpx.get(f"{launched.url}/v1/recommendations/home").status_code == 401
    key = make_key(data_dir, "demo")
    until_known = {"Authorization": f"Bearer {key}"}
    for _ in range(100):
        answer = httpx.get(f"{launched.url}/v1/recommendations/home", headers=until_known)
        if answer.status_code == 200:
            break
        time.sleep(0.1)  # keys are read every second
    assert answer.json()["slots"]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("ENDCAP_PORT", "many", "port"),
        ("ENDCAP_WORKERS", "-1", "workers"),
        ("REDIS_URL", "localhost:6379", "redis_url"),
        ("ENDCAP_SHOP", "no spaces", "shop"),
        ("ENDCAP_DEADLINE_MS", "-1", "deadline_ms"),
        ("ENDCAP_PSEUDONYM_KEY", "short", "pseudonym"),
        ("ENDCAP_SHOPIFY_SECRETS", "hush", "ENDCAP_SHOPIFY_DOMAIN"),
        ("ENDCAP_WORKER_SECRETS", "short", "ENDCAP_WORKER_SECRETS"),
    ],
)
def test_settings_that_cannot_work_are_named(data_dir: Path, name: str, value: str, word: str) -> None:
    """One line, no traceback."""
    assert word in refused(data_dir, **{name: value})


def test_help_lists_every_setting(data_dir: Path) -> None:
    """And says what it is for."""
    done = subprocess.run([sys.executable, "-m", "edge", "--help"], capture_output=True, text=True, check=True)
    for word in ("--port", "--redis-url", "--data-dir", "--deadline-ms", "whole-request deadline"):
        assert word in done.stdout


def test_a_store_that_cannot_start_is_said_plainly(data_dir: Path) -> None:
    """A damaged append-only file: the message of the supervisor, and nothing is left running."""
    (data_dir / "store" / "appendonlydir").mkdir(parents=True)
    (data_dir / "store" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    message = refused(data_dir, ENDCAP_PORT="0")
    assert "endcap:" in message
    assert "append" in message.lower()
