"""The Python client before edges that fail: killed, silent, slow for ever, half done, refusing, foreign."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edge.client import Answer, ClientError, Endcap, EventsNotTakenError, RefusedError, UnavailableError
from edge.client.http import checked, retry_after
from edge.client.loop import BackgroundLoop
from edge.core.errors import EndcapError
from tests.edge.both_clients import BOTH
from tests.edge.hostile import Act, answer, drips, hangs_up, hostile, sends
from tests.serving import until

ROOT = Path(__file__).parent.parent.parent
KEY = "sk_very-secret-indeed"
LONG = 60.0  # far above what a test may take: who returns before, did not wait for it
SOON = 10.0
EMPTY = {"surface": "home", "model_version": "m", "degraded": [], "slots": []}
EVENT: dict[str, Any] = {"type": "home-page-view", "visitor_id": "v", "consent": ["analytics"]}
BUSY = {"title": "Nothing was accepted", "status": 503, "detail": "the store is away; send it again"}
DEAD = """
import signal, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
connection.recv(65536)
connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 500\\r\\n\\r\\n{")
print("asked", flush=True)
signal.pause()
"""


def accepted(*ids: str) -> Act:
    """The edge's own answer to events."""
    return answer(200, {"results": [{"id": id_, "status": "accepted"} for id_ in ids]})


@pytest.fixture(params=BOTH, ids=["blocking", "asyncio"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each client in turn."""
    return request.param


@pytest.fixture
def stopwatch() -> Iterator[None]:
    """Fails a test that waited for something it should not have waited for."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SOON


def test_a_killed_edge_is_noticed_at_once(kind: Any, stopwatch: None) -> None:
    """SIGKILL in the middle of an answer: the fallback comes, long before the deadline."""
    with subprocess.Popen([sys.executable, "-c", DEAD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -KILL {process.pid}"])
        with kind(f"http://127.0.0.1:{port}", timeout_s=LONG) as endcap:
            answered = endcap.shelves("home")
        assert process.stdout.readline() == "asked\n"
        assert killer.wait() == 0
        assert process.wait() == -signal.SIGKILL
    assert answered == Answer("home", None, ("client",), ())


def test_nobody_there_is_noticed_at_once(kind: Any, stopwatch: None) -> None:
    """A refused connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with kind(f"http://127.0.0.1:{port}", timeout_s=LONG) as endcap:
        assert endcap.shelves("home").degraded == ("client",)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"sur'])
def test_a_silent_edge_costs_the_deadline(kind: Any, stopwatch: None, said: bytes) -> None:
    """Before, within and after the headers."""
    with hostile(sends(said)) as server, kind(server.url, timeout_s=0.2) as endcap:
        begun = time.monotonic()
        assert endcap.shelves("home").degraded == ("client",)
        assert time.monotonic() - begun >= 0.19


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"])
def test_a_deadline_is_for_the_whole_call(kind: Any, stopwatch: None, head: bytes) -> None:
    """A byte each 50 ms keeps every single read short of any limit; together they would take minutes."""
    with hostile(drips(lambda: server, head + b"x" * 2_000, 0.05)) as server, kind(server.url, timeout_s=0.4) as endcap:
        assert endcap.shelves("home").degraded == ("client",)


@pytest.mark.parametrize(
    "act",
    [
        hangs_up(),
        hangs_up(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"surface": "ho'),
        hangs_up(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"sur\r\n'),
        hangs_up(b'HTTP/1.1 200 OK\r\n\r\n{"surface": "ho'),
        hangs_up(b"I am no web server\r\n\r\n"),
        answer(200, b"<html>Welcome</html>"),
        answer(200, b"\xff\xfe"),
        answer(200, [1, 2]),
        answer(200, {**EMPTY, "slots": [{"id": "x"}]}),
        answer(200, b'{"surface":' + b"[" * 100_000),
        answer(200, b" " * (9 << 20)),
        answer(200, b"not gzip", {"Content-Encoding": "gzip"}),
        answer(204, b""),
        answer(404, b""),
        answer(429, b"slow down"),
        answer(500, b"Internal Server Error"),
        answer(503, BUSY, {"Retry-After": "3600"}),
    ],
)
def test_whatever_comes_a_page_gets_its_fallback(kind: Any, stopwatch: None, act: Act) -> None:
    """Half a body, no HTTP, no JSON, other JSON, too much, refusals: one page and several alike."""
    mine = Answer("home", degraded=("mine",))
    with hostile(act) as server, kind(server.url, KEY, timeout_s=LONG, fallback=mine) as endcap:
        assert endcap.shelves("home") is mine
        assert endcap.pages([{"surface": "home"}, {"surface": "cart"}]) == [mine, mine]


def test_fewer_answers_than_questions_are_none(kind: Any) -> None:
    """Who gave which cannot be known."""
    with hostile(answer(200, {"results": [{"status": 200, "body": EMPTY}]})) as server, kind(server.url) as endcap:
        assert [one.degraded for one in endcap.pages([{"surface": "home"}, {"surface": "cart"}])] == [("client",)] * 2


def test_the_fallback_hears_why(kind: Any) -> None:
    """A function of surface and error; for Endcap it runs in the caller's thread."""
    heard: list[tuple[str, ClientError]] = []

    def fallback(surface: str, error: ClientError) -> Answer:
        heard.append((surface, error))
        return Answer(surface, degraded=("elsewhere",))

    act = answer(401, {"title": "Unauthorized", "detail": "no key in force", "parameter": "Authorization"})
    with hostile(act) as server, kind(server.url, KEY, timeout_s=LONG, fallback=fallback) as endcap:
        assert endcap.shelves("cart").degraded == ("elsewhere",)
    ((surface, error),) = heard
    assert surface == "cart"
    assert isinstance(error, RefusedError)
    assert (error.status, error.parameter, error.detail) == (401, "Authorization", "no key in force")


def test_connections_are_kept(kind: Any) -> None:
    """Ten calls, one connection."""
    with hostile(answer(200, EMPTY)) as server, kind(server.url, timeout_s=LONG) as endcap:
        assert all(endcap.shelves("home").model_version == "m" for _ in range(10))
        assert server.connections == 1


def test_a_connection_closed_while_idle_is_made_again(kind: Any) -> None:
    """The request that meets its end is sent once more: no shopper sees it."""
    with (
        hostile(answer(200, EMPTY), hangs_up(), answer(200, EMPTY)) as server,
        kind(server.url, timeout_s=LONG) as endcap,
    ):
        assert endcap.shelves("home").model_version == "m"
        assert endcap.shelves("home").model_version == "m"
    assert len(server.requests) == 3


def test_calls_cut_off_leave_no_connection_behind(kind: Any) -> None:
    """More of them than the pool has places; then the edge answers again."""
    silent: list[Act] = [sends(b"")] * 120
    with hostile(*silent, answer(200, EMPTY)) as server, kind(server.url, timeout_s=0.05) as endcap:
        assert all(endcap.shelves("home").degraded for _ in range(120))
        assert any(endcap.shelves("home").model_version == "m" for _ in range(400))


def test_a_redirect_is_not_followed(kind: Any) -> None:
    """The key goes to the endpoint and nowhere else."""
    with hostile(answer(200, EMPTY)) as other:
        act = answer(307, b"", {"Location": f"{other.url}/v1/recommendations/home"})
        with hostile(act) as server, kind(server.url, KEY, timeout_s=LONG) as endcap:
            assert endcap.shelves("home").degraded == ("client",)
            with pytest.raises(RefusedError, match="redirect") as refused:
                endcap.facts("ada")
    assert refused.value.status == 307
    assert other.requests == []


def test_events_wait_as_long_as_they_are_asked_to(kind: Any, stopwatch: None) -> None:
    """503 with Retry-After: 1, then taken: the same ids, at least a second later."""
    times: list[float] = []

    def noted(act: Act) -> Act:
        def act_noted(connection: socket.socket) -> None:
            times.append(time.monotonic())
            act(connection)

        return act_noted

    acts = [noted(answer(503, BUSY, {"Retry-After": "1"})), noted(accepted("mine"))]
    with hostile(*acts) as server, kind(server.url, patience_s=8.0) as endcap:
        (result,) = endcap.track([{**EVENT, "id": "mine"}])
        first, second = server.bodies()
    assert result.status == "accepted"
    assert first == second
    assert first["events"][0]["id"] == "mine"
    assert times[1] - times[0] >= 1.0


@pytest.mark.parametrize(
    "act",
    [hangs_up(), answer(500, b""), answer(200, b"{"), answer(200, {"results": []}), answer(429, b""), answer(408, b"")],
)
def test_events_survive_a_moment_of_trouble(kind: Any, stopwatch: None, act: Act) -> None:
    """Broken connections, faults, foreign answers: asked again, under the same ids, which count once."""
    with hostile(act, act, act, accepted("x")) as server, kind(server.url, patience_s=9.0) as endcap:
        (result,) = endcap.track([EVENT])
        ids = {body["events"][0]["id"] for body in server.bodies()}
    assert ids == {result.id}
    assert result.status == "accepted"


def test_a_stalled_edge_leaves_time_for_another_try(kind: Any, stopwatch: None) -> None:
    """A third of the patience for each."""
    with hostile(sends(b""), accepted("x")) as server, kind(server.url, patience_s=6.0) as endcap:
        assert endcap.track([EVENT])[0].status == "accepted"


def test_events_that_are_not_taken_are_given_back(kind: Any, stopwatch: None) -> None:
    """Asked to wait beyond its patience, the client says so at once, with all it holds: to send again is safe."""
    act = answer(503, BUSY, {"Retry-After": "3600", "X-Request-Id": "r1"})
    first = [{**EVENT, "id": f"a{at}"} for at in range(100)]
    with (
        hostile(accepted(*(one["id"] for one in first)), act) as server,
        kind(server.url, KEY, patience_s=5.0) as endcap,
        pytest.raises(EventsNotTakenError, match=r"2 events were not taken.*send it again.*request r1") as lost,
    ):
        endcap.track([*first, EVENT, {**EVENT, "id": "mine"}])
    assert lost.value.retry_after_s == 3600
    assert [one.id for one in lost.value.results] == [one["id"] for one in first]
    assert [one["type"] for one in lost.value.events] == ["home-page-view"] * 2
    assert lost.value.events[0]["id"]
    assert lost.value.events[1]["id"] == "mine"
    assert all(one["time"] for one in lost.value.events)


def test_patience_ends(kind: Any, stopwatch: None) -> None:
    """An edge that never comes back: events and decisions are errors, not silence."""
    with hostile(answer(503, BUSY)) as server, kind(server.url, patience_s=2.0) as endcap:
        with pytest.raises(EventsNotTakenError):
            endcap.track([EVENT])
        tries = len(server.requests)
        with pytest.raises(UnavailableError, match="503"):
            endcap.consent([], visitor_id="v")
    assert tries >= 2


def test_events_refused_as_a_whole_are_given_back(kind: Any, stopwatch: None) -> None:
    """A wrong key: nothing to wait for."""
    with (
        hostile(answer(401, {"title": "Unauthorized", "detail": "no key in force"})) as server,
        kind(server.url, KEY) as endcap,
        pytest.raises(EventsNotTakenError, match="no key in force") as lost,
    ):
        endcap.track([EVENT, EVENT])
    assert len(server.requests) == 1
    assert len(lost.value.events) == 2
    assert lost.value.retry_after_s is None


def test_the_key_shows_nowhere(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Only in the header: in no URL, repr, text of an error, or log at its most talkative. Persons neither."""
    caplog.set_level(logging.DEBUG)
    with hostile(answer(403, b"")) as server, kind(server.url, KEY, timeout_s=LONG) as endcap:
        endcap.shelves("home", customer_id="ada@example.com")
        with pytest.raises(EventsNotTakenError) as lost:
            endcap.track([EVENT, EVENT])
        with pytest.raises(RefusedError) as refused:
            endcap.facts("ada")
        assert repr(endcap) in (f"Endcap('{server.url}', key=sk_...)", f"AsyncEndcap('{server.url}', key=sk_...)")
        heads = [request.partition(b"\r\n\r\n")[0].decode() for request in server.requests]
    assert all(f"Authorization: Bearer {KEY}" in head for head in heads)
    assert all(KEY not in head.splitlines()[0] for head in heads)
    assert KEY not in f"{caplog.text}{lost.value}{refused.value!r}"
    assert "ada@example.com" not in caplog.text
    assert "ada" not in str(refused.value)


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        ("edge.example.com", None),
        ("/apps/endcap", None),
        ("ftp://edge.example.com", None),
        ("https://user:sk_x@edge.example.com", None),
        ("https://edge.example.com?key=sk_x", None),
        ("https://edge.example.com/#x", None),
        ("https://edge.example.com:port", None),
        ("https://", None),
        ("http://edge.example.com", "sk_x"),
        ("https://edge.example.com", ""),
        ("https://edge.example.com", "sk_x\n"),
        ("https://edge.example.com", "sk_ü"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(kind: Any, endpoint: str, key: str | None) -> None:
    """Addresses that are none, and keys in the clear or in the address; no text repeats a key."""
    with pytest.raises(EndcapError) as refused:
        kind(endpoint, key)
    assert "sk_x" not in str(refused.value)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_deadlines_are_above_zero(kind: Any, seconds: float) -> None:
    """Anything else would be no deadline, or no call."""
    with pytest.raises(EndcapError, match="above 0"):
        kind("https://edge.example.com", timeout_s=seconds)
    with pytest.raises(EndcapError, match="above 0"):
        kind("https://edge.example.com", patience_s=seconds)


def test_endpoints_may_have_a_path() -> None:
    """And a slash at the end; private networks may do without TLS when told so."""
    assert checked("https://shop.example/apps/endcap/", with_key=True, allow_http=False).endswith("/apps/endcap")
    assert checked("http://edge:8000", with_key=True, allow_http=True) == "http://edge:8000"
    assert checked("http://[::1]:8000", with_key=True, allow_http=False) == "http://[::1]:8000"


def test_retry_after_is_seconds_or_a_date() -> None:
    """What is neither counts as not said; a date that has passed as now."""
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (retry_after("Wed, 21 Oct 2215 07:28:00 GMT") or 0) > 5_000_000_000
    assert [retry_after(text) for text in (None, "", "soon", "-5", "1e3", "9" * 400)] == [None] * 6


def test_a_closed_client_says_so() -> None:
    """Instead of starting another thread; closing again is nothing."""
    with hostile(answer(200, EMPTY)) as server, Endcap(server.url, timeout_s=LONG) as endcap:
        assert endcap.shelves("home").model_version == "m"
        endcap.close()
        with pytest.raises(EndcapError, match="closed"):
            endcap.shelves("home")
        endcap.close()


def test_closing_ends_calls_of_other_threads(stopwatch: None) -> None:
    """Nobody waits for a loop that has gone: shelves fall back, decisions are errors."""
    with hostile(sends(b"")) as server, ThreadPoolExecutor(4) as threads:
        endcap = Endcap(server.url, timeout_s=LONG, patience_s=LONG)
        pages = [threads.submit(endcap.shelves, "home") for _ in range(2)]
        decision = threads.submit(endcap.consent, [], visitor_id="v")
        until(lambda: len(server.requests) == 3)
        endcap.close()
        assert [page.result().degraded for page in pages] == [("client",)] * 2
        with pytest.raises(UnavailableError, match="closed during the call"):
            decision.result()


def test_a_loop_that_is_closed_takes_nothing_more() -> None:
    """Whoever comes between the look and the hand-over is not left waiting, nor is the work."""

    async def nothing() -> None:
        """Done at once."""

    loop = BackgroundLoop()
    assert loop.run(asyncio.sleep(0, "done")) == "done"
    loop.close(nothing())
    with pytest.raises(CancelledError):
        loop.run(nothing())


def test_a_program_that_forgets_to_close_can_end(stopwatch: None) -> None:
    """At once, and without a word."""
    code = (
        "import sys; from edge.client import Endcap; print(Endcap(sys.argv[1], timeout_s=60).shelves('home').surface)"
    )
    with hostile(answer(200, EMPTY)) as server:
        done = subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "home\n", "")


FORKS = """
import os, sys
from edge.client import Endcap
endcap = Endcap(sys.argv[1], timeout_s=60)
assert endcap.shelves("home").model_version == "m"
child = os.fork()
assert endcap.shelves("home").model_version == "m", "child" if child == 0 else "parent"
if child == 0:
    endcap.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert endcap.shelves("home").model_version == "m", "parent, after the child has gone"
endcap.close()
print("both")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_anew(stopwatch: None) -> None:
    """Application servers load the application, then fork: child and parent both go on asking."""
    with hostile(answer(200, EMPTY)) as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FORKS, server.url], capture_output=True, text=True, cwd=ROOT
        )
        assert done.stdout == "both\n", done.stderr
        assert server.connections == 2


def test_without_httpx_the_client_says_what_to_install() -> None:
    """The edge does not need it."""
    code = "import sys; sys.modules['httpx'] = None; import edge.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "pip install 'endcap[client]'" in done.stderr.splitlines()[-1]


def test_the_client_loads_nothing_of_the_server() -> None:
    """A caller pays for httpx and msgspec only."""
    heavy = ["numpy", "onnxruntime", "redis", "starlette", "uvicorn", "prometheus_client", "pydantic"]
    code = f"import sys, edge.client; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
