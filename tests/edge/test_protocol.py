"""Slow, oversized and broken requests on raw sockets against a running edge: cut off in time, with a clear answer."""

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from edge.limits import MAX_HEADERS, MAX_URL

pytestmark = pytest.mark.store

Serve = Callable[..., Any]
HOME = "/v1/recommendations/home"
GET = f"GET {HOME} HTTP/1.1\r\nHost: x\r\n".encode()
POST = f"POST {HOME} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()


@pytest.fixture
def quick(serve: Serve) -> Any:
    """An edge with little patience, so that tests need little."""
    return serve(read_timeout_s=0.4, max_header_bytes=4_096, max_body_bytes=2_048)


@pytest.fixture
def dial(quick: Any) -> Iterator[Callable[..., socket.socket]]:
    """Connects to the edge."""
    with contextlib.ExitStack() as stack:

        def connect(*sent: bytes) -> socket.socket:
            host, port = quick.url.removeprefix("http://").split(":")
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            for part in sent:
                connection.sendall(part)
            return connection

        yield connect


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes; a reset counts as its end."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65_536):
            said += more
    return said


def answers(said: bytes) -> list[tuple[int, dict[str, Any] | None]]:
    """Status and JSON of each answer in a stream of them."""
    found = []
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        found.append((int(head.split()[1]), json.loads(rest[:length]) if length else None))
        said = rest[length:]
    return found


def trickle(connection: socket.socket, parts: Iterator[bytes]) -> bytes:
    """Send bytes one by one until the other side has had enough; what it said."""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
            time.sleep(0.02)
    return read_all(connection)


def cut(quick: Any, reason: str) -> float:
    """How many connections were cut for a reason."""
    count: float = quick.metric("endcap_cut_total", reason=reason)
    return count


# --- slow ------------------------------------------------------------------------------------------------------------


def endless(part: bytes) -> Iterator[bytes]:
    """The same bytes for half a minute."""
    return iter([part] * 1_500)


@pytest.mark.parametrize(
    ("begun", "part"),
    [
        (b"", b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\n", b"X"),
        (GET + b"X-Slow: ", b"y"),
        (GET, b"A: b\r\n"),
    ],
)
def test_a_head_that_trickles_is_not_waited_for(
    quick: Any, dial: Callable[..., socket.socket], begun: bytes, part: bytes
) -> None:
    """408 and the end, however often another byte comes."""
    before = cut(quick, "slow_head")
    ((status, said),) = answers(trickle(dial(begun), endless(part)))
    assert (status, said and said["status"]) == (408, 408)
    assert cut(quick, "slow_head") == before + 1


def test_who_connects_and_says_nothing_is_sent_away(dial: Callable[..., socket.socket]) -> None:
    """Within the same time."""
    assert [status for status, _ in answers(read_all(dial()))] == [408]


@pytest.mark.parametrize("head", [b"Content-Length: 2000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_body_that_trickles_is_not_waited_for(quick: Any, dial: Callable[..., socket.socket], head: bytes) -> None:
    """408; the request at work on it ends without a fault of ours in the log or the metrics."""
    before, faults = cut(quick, "slow_body"), quick.metric("endcap_requests_total", route="home", status="500")
    part = b"1\r\n \r\n" if b"chunked" in head else b" "
    ((status, said),) = answers(trickle(dial(POST + head), endless(part)))
    assert (status, said and "body" in said["detail"]) == (408, True)
    assert cut(quick, "slow_body") == before + 1
    assert quick.metric("endcap_requests_total", route="home", status="500") == faults


def test_between_two_requests_blank_lines_keep_nothing_open(dial: Callable[..., socket.socket]) -> None:
    """The first is answered, the second never begins."""
    connection = dial(GET + b"\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    said = trickle(connection, endless(b"\r\n"))
    assert said == b"" or said.rpartition(b"HTTP/1.1 ")[2].startswith(b"408")


def test_a_patient_caller_is_not_cut_off(dial: Callable[..., socket.socket]) -> None:
    """Each request has the whole time: three on one connection, each begun and finished a while later, are answered."""
    connection = dial()
    for _ in range(3):
        connection.sendall(GET)
        time.sleep(0.15)
        connection.sendall(b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


def test_others_are_served_while_many_are_slow(quick: Any, dial: Callable[..., socket.socket]) -> None:
    """And all of the slow ones are gone afterwards."""
    slow = [dial(GET + b"X-Slow: y") for _ in range(60)] + [
        dial(POST + b"Content-Length: 9\r\n\r\n{") for _ in range(60)
    ]
    for _ in range(10):
        assert quick.client.get(HOME).status_code == 200
    assert {status for one in slow for status, _ in answers(read_all(one))} == {408}


@pytest.mark.fault(13)
def test_who_does_not_read_is_cut_off(
    quick: Any, dial: Callable[..., socket.socket], until: Callable[..., None]
) -> None:
    """Answers that nobody takes hold no connection for ever."""
    connection = dial()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    before = cut(quick, "stalled")

    def ask() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.02)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    until(lambda: cut(quick, "stalled") > before)
    asking.join(30)
    assert not asking.is_alive()


def test_requests_do_not_pile_up_behind_one_another(quick: Any, dial: Callable[..., socket.socket]) -> None:
    """Some may wait on a connection for the answer before; who sends hundreds at once is cut off."""
    before = cut(quick, "pipeline")
    connection = dial((GET + b"\r\n") * 20)
    said = b""
    while said.count(b"HTTP/1.1 200") < 20:
        said += connection.recv(65_536)
    for _ in range(3):
        flood = dial()
        with contextlib.suppress(ConnectionError):
            flood.sendall((GET + b"\r\n") * 2_000)
        assert read_all(flood).count(b"HTTP/1.1 200") < 200
    assert cut(quick, "pipeline") == before + 3


# --- large -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (GET + b"X-Large: " + b"y" * 5_000 + b"\r\n\r\n", 431),
        (GET + b"X-Large: " + b"y" * 300_000, 431),
        (GET + b"X-Many: y\r\n" * (MAX_HEADERS + 1) + b"\r\n", 431),
        (b"GET /healthz?q=" + b"y" * MAX_URL + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /healthz?q=" + b"y" * 300_000, 414),
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
@pytest.mark.fault(14)
def test_what_is_too_large_or_no_http_is_answered_and_closed(
    quick: Any, dial: Callable[..., socket.socket], head: bytes, status: int
) -> None:
    """As a problem, whose words hold nothing of what was sent."""
    connection = dial()
    with contextlib.suppress(ConnectionError):
        connection.sendall(head)
    said = read_all(connection)
    if said or len(head) < 100_000:  # with so much still on its way the answer may be lost to a reset
        ((given, problem),) = answers(said)
        assert (given, problem and problem["status"]) == (status, status)
        assert b"yyyy" not in said
        assert b"server:" not in said.lower()
    assert quick.client.get("/healthz").status_code == 200


def test_a_large_head_behind_another_request_counts_too(dial: Callable[..., socket.socket]) -> None:
    """Pipelined in the same bytes: the limit is each request's own."""
    said = read_all(dial(GET + b"\r\n" + GET + b"X-Large: " + b"y" * 5_000 + b"\r\n\r\n"))
    assert said == b"" or b"y" * 100 not in said
    body = b" " * 1_900 + b"{}"
    head = POST + b"X-Half: " + b"y" * 3_000 + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection = dial(head + body)
    assert connection.recv(65_536).startswith(b"HTTP/1.1 200"), "a body is no part of the head"


def test_a_large_body_is_refused_before_it_is_there(quick: Any, dial: Callable[..., socket.socket]) -> None:
    """By its length at once, in chunks when there are too many; what still comes is thrown away, not kept."""
    for head in (b"Content-Length: 10000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
        connection = dial(POST + head)
        part = b" " * 10_000 if b"Length" in head else b"2710\r\n" + b" " * 10_000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            connection.sendall(part)
        said = connection.recv(65_536)
        assert said.split()[1] == b"413"
        assert b"application/problem+json" in said
        with contextlib.suppress(ConnectionError):
            while True:  # ends: the connection is closed, by its clock or by its count
                connection.sendall(part)
    assert quick.client.get(HOME).status_code == 200


def test_compressed_bodies_are_not_unpacked(quick: Any) -> None:
    """415 with the remedy, whatever is inside; said to be as it is, it is read."""
    bomb = gzip.compress(b" " * 1_000_000)[:1_900]
    for path in (HOME, "/v1/recommendations", "/v1/events", "/v1/consent"):
        for encoding in ("gzip", "br", "GZIP, identity"):
            answer = quick.client.post(path, content=bomb, headers={"Content-Encoding": encoding})
            assert (answer.status_code, answer.json()["parameter"]) == (415, "Content-Encoding")
    assert quick.client.post(HOME, content=b"{}", headers={"Content-Encoding": "identity"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (HOME, b'{"filter": ' + b"[" * 900 + b"]" * 900 + b"}"),
        (HOME, b"[" * 2_000),
        (HOME, b'{"a":' * 300 + b"1" + b"}" * 300),
        (HOME, b'{"locale": "\xff"}'),
        (HOME, b'{"locale": "\\ud800"}'),
        (HOME, b'{"limit": 1e999}'),
        (HOME, b'{"min_score": NaN}'),
        ("/v1/recommendations", b'{"requests": [' + b"[" * 900 + b"]" * 900 + b"]}"),
        ("/v1/events", b'{"events": [' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"]}"),
        ("/v1/consent", b'{"consent": ' + b"[" * 900 + b"]" * 900 + b"}"),
    ],
)
@pytest.mark.fault(15)
def test_bodies_that_are_nested_or_written_badly_are_the_callers_mistake(quick: Any, path: str, body: bytes) -> None:
    """400, a problem, never a fault."""
    answer = quick.client.post(path, content=body)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert answer.json()["results"][0]["status"] in (400, "rejected")
    else:
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_upgrade_is_a_request_like_others(quick: Any) -> None:
    """Nothing here speaks WebSocket; asking for it costs the caller nothing but the asking."""
    answer = quick.client.get("/healthz", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert answer.status_code == 200


def test_too_many_ids_and_members_are_named(quick: Any) -> None:
    """Each list has its limit."""
    ids = ",".join(["p"] * 201)
    answer = quick.client.get(HOME, params={"exclude": ids})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "exclude")
    body = {"requests": [{"surface": "home"}] * 21}
    answer = quick.client.post("/v1/recommendations", json=body)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "requests")
    assert isinstance(answer, httpx.Response)
