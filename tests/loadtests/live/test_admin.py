"""The backend as a simulation asks it, on a small server that answers what each test says; clock and picture."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loadtests.live import servers
from loadtests.live.admin import Admin, Status
from loadtests.live.clock import SimulatedClock
from loadtests.live.plot import draw
from loadtests.live.weekly import Week
from loadtests.server import RunError

QUIET: dict[str, Any] = {"models": None, "stream": None, "today": None, "jobs": []}


class Fake(ThreadingHTTPServer):
    """Answers in turn, the last one again and again; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, object]] = [(200, QUIET)]
        self.asked: list[tuple[str, str, bytes, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Fake

    def do_GET(self) -> None:
        """Note the question and give the next answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body, self.headers["Authorization"]))
        answers = self.server.answers
        code, said = answers.pop(0) if len(answers) > 1 else answers[0]
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 -- the name that the library calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    """The server, ended with the test."""
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def admin(fake: Fake) -> Iterator[Admin]:
    """A client with a key."""
    one = Admin(f"http://127.0.0.1:{fake.server_port}", "sk_x")
    yield one
    one.close()


def waiting(entries: int, pending: int = 0) -> dict[str, Any]:
    """A status in which so many entries wait for the profiles, and many for the log."""
    log = {"waiting": 50, "pending": 0}
    return QUIET | {"stream": {"profiles": {"waiting": entries, "pending": pending, "oldest_s": 1}, "log": log}}


def test_the_status_is_read_with_the_key(admin: Admin, fake: Fake) -> None:
    """What a simulation does not need is passed over."""
    candidate = {"version": "v2", "stage": "waiting", "reasons": ["first"], "trained": "today"}
    models: dict[str, Any] = {"live": None, "candidate": candidate, "kept": []}
    fake.answers = [(200, waiting(3, 1) | {"models": models, "today": {"orders": 2}, "drift": {}})]
    found = admin.status()
    assert fake.asked == [("GET", "/status", b"", "Bearer sk_x")]
    assert found.models is not None
    assert found.models.candidate is not None
    assert (found.models.live, found.models.candidate.reasons) == (None, ("first",))
    assert found.stream is not None
    assert (found.stream.profiles.waiting, found.stream.profiles.pending, found.stream.profiles.dead) == (3, 1, 0)
    assert (found.today, found.faults) == ({"orders": 2}, ())


def test_a_refusal_is_quoted_and_cut(admin: Admin, fake: Fake) -> None:
    """With its status, also where the body is no text."""
    fake.answers = [(503, b"\xff no store " + b"x" * 5_000)]
    with pytest.raises(RunError, match=r"the backend answered 503: .* no store") as refused:
        admin.status()
    assert len(str(refused.value)) < 300
    with pytest.raises(RunError, match="/approve was answered 503"):
        admin.post("/approve", {})


def test_catching_up_waits_for_the_profiles_only(admin: Admin, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is never delivered and what is at work, and a store that is away; the log may lag."""
    monkeypatch.setattr("loadtests.live.admin._POLL_S", 0)
    fake.answers = [(200, QUIET), (200, waiting(2)), (200, waiting(0, 1)), (200, waiting(0))]
    found = admin.caught_up(30)
    assert len(fake.asked) == 4
    assert found.stream is not None
    assert found.stream.log.waiting == 50


def test_what_does_not_happen_is_named_with_the_last_status(admin: Admin, fake: Fake) -> None:
    """At once where there is no time."""
    fake.answers = [(200, waiting(7))]
    with pytest.raises(RunError, match=r"catching up did not happen within -1 s.*waiting=7"):
        admin.caught_up(-1)

    def never(status: Status) -> bool:
        return False

    with pytest.raises(RunError, match="a miracle did not happen"):
        admin.await_status("a miracle", never, -1)


def test_a_deed_is_posted_as_json(admin: Admin, fake: Fake) -> None:
    """And its answer is told."""
    fake.answers = [(200, {"done": "v2 is live"})]
    assert admin.post("/approve", {"version": "v2"}) == {"done": "v2 is live"}
    assert fake.asked == [("POST", "/approve", b'{"version": "v2"}', "Bearer sk_x")]


def test_a_backend_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path: Path) -> None:
    """Its status and its last words; nobody waits for it."""
    (tmp_path / "log").write_text("the port is taken\n")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    with pytest.raises(RunError, match=r"(?s)the backend ended with status 3.*the port is taken"):
        servers._await_alive("http://127.0.0.1:9", process, tmp_path / "log")


def test_a_backend_that_never_answers_is_not_waited_for_for_ever(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alive, but without health: an error after a while, shortened here."""
    monkeypatch.setattr(servers, "_ALIVE_TIMEOUT_S", 0.0)
    (tmp_path / "log").write_text("")
    fake.answers = [(500, {})]
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with pytest.raises(RunError, match=r"(?s)the backend did not answer within 0 s.*log is empty"):
            servers._await_alive(f"http://127.0.0.1:{fake.server_port}", process, tmp_path / "log")
    finally:
        process.communicate(b"\n")


def test_a_key_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """With what the command said: here the data directory is a file."""
    (tmp_path / "data").write_text("")
    with pytest.raises(RunError, match="no key could be made for"):
        servers._secret_key(tmp_path / "data")


def test_the_clock_moves_forward_only(tmp_path: Path) -> None:
    """Unix seconds with thousandths, replaced whole; an earlier time leaves the file alone."""
    start = datetime(2026, 11, 1, 12, tzinfo=UTC)
    clock = SimulatedClock(tmp_path / "clock", start)
    assert clock.path.read_text() == f"{start.timestamp():.3f}\n"
    clock.move_to(start + timedelta(milliseconds=1_500))
    later = clock.path.read_text()
    assert float(later) == start.timestamp() + 1.5
    for earlier in (start, start + timedelta(milliseconds=1_500)):
        clock.move_to(earlier)
        assert clock.path.read_text() == later
    assert [path.name for path in tmp_path.iterdir()] == ["clock"], "no temporary file is left"


def week(number: int, arm: str, recall: float = 0.5) -> Week:
    """A week whose interval is a tenth wide."""
    return Week(number, arm, "for_you", 9, recall, recall - 0.05, recall + 0.05)


def test_a_week_that_an_arm_lacks_leaves_the_others_in_place() -> None:
    """Points lie where their week is, whatever order the rows come in."""
    svg = draw([week(2, "live"), week(0, "live"), week(1, "frozen")], published=())
    assert svg.count("<circle fill") == 3
    live, frozen = svg.split("<polyline")[1:3]
    assert len(live.split('points="')[1].split('"')[0].split()) == 2
    assert len(frozen.split('points="')[1].split('"')[0].split()) == 1
    first, second = (float(pair.split(",")[0]) for pair in live.split('points="')[1].split('"')[0].split())
    assert first < second


def test_more_arms_than_colours_can_be_drawn_and_nothing_too() -> None:
    """Colours begin anew; a replay without a week is an empty picture."""
    svg = draw([week(0, f"arm {number}") for number in range(6)], published={0})
    assert svg.count("<polyline") == 6
    assert 'class="m"' not in svg, "no week came after the new model"
    assert draw([], published=()).startswith("<svg")


def test_the_scale_never_goes_below_nothing() -> None:
    """A recall is a share, however wide its interval."""
    svg = draw([Week(0, "live", "<shelf>", 1, 0.02, -0.4, 0.44)], published=())
    assert ">-0." not in svg
    assert "&lt;shelf&gt;" in svg
