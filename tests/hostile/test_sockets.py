"""Bytes that no HTTP library would send, on raw sockets: what comes back is whole answers, in order, and a server that
goes on.

Each request carries an id, which its answer says back: so an answer to something that was hidden in another request, or
one in another's place, is noticed.
"""

import json
import socket
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.faults.raw import dial
from tests.hostile.effort import EFFORT, tries
from tests.serving import Running, until

pytestmark = pytest.mark.store
HOME, CART = "/v1/recommendations/home", "/v1/recommendations/cart"
BYE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: bye\r\nConnection: close\r\n\r\n"
SHORT = {"limit": 1}


class Said(NamedTuple):
    """One answer."""

    status: int
    id: str
    headers: dict[str, str]
    body: bytes


def talk(url: str, *parts: bytes, half: bool = True) -> list[Said]:
    """Send these, then end our half of the connection; all answers until theirs ends. They must be whole ones."""
    with dial(url) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if half:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # it had enough before that
            pass
        data = b""
        while True:
            try:
                part = connection.recv(65_536)
            except ConnectionResetError:
                return answers_in(data, cut=True)
            if not part:
                return answers_in(data)
            data += part


def answers_in(data: bytes, *, cut: bool = False) -> list[Said]:
    """The answers in a stream of them, all whole; where it was `cut` off, the last one need not be."""
    found = []
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        if cut and not end:
            break
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), data[:200]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        length = 0 if status in (204, 304) else int(headers["content-length"])
        assert cut or len(rest) >= length
        body, data = rest[:length], rest[length:]
        found.append(Said(status, headers.get("x-request-id", ""), headers, body))
    return found


def fine(answers: list[Said]) -> list[Said]:
    """Those, none of which is a fault of ours, and each refusal of which is a problem."""
    for said in answers:
        assert said.status < 500, said
        if said.status >= 400:
            assert said.headers["content-type"] == "application/problem+json"
            assert json.loads(said.body)["status"] == said.status
    return answers


def alive(edge: Running) -> None:
    """Others are served as before."""
    assert edge.client.get(HOME, params=SHORT).status_code == 200


def get(target: str, id_: str, *headers: str) -> bytes:
    """A plain request."""
    return "\r\n".join((f"GET {target} HTTP/1.1", "Host: x", f"X-Request-Id: {id_}", *headers, "", "")).encode(
        "latin-1"
    )


WRONG_HEADS = [
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # somebody speaks TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / \r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G\x00T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /healthz\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%00%c0%af HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/recommendations/home?limit=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/recommendations/home?limit=1#\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://evil.example/v1/recommendations/home HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //:99999/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"DELETE /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: \xff\x80\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n: empty\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nX: a\rY: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET /v1/recommendations/home HTTP/1.0\r\n\r\n",
    b"GET /v1/recommendations/home HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \xff, \x01, 1.2.3.4:x\r\n\r\n",
    b"GET /v1/recommendations/home HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_\xff\r\n\r\n",
    b"GET /v1/recommendations/home HTTP/1.1\r\nHost: x\r\nOrigin: \xff\r\nIf-None-Match: \xff\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
]


def test_what_is_no_request_is_refused_or_answered(edge: Running) -> None:
    """Alone and behind a page that is answered at once: whole answers below 500, then others are served."""
    edge.client.get(HOME)
    for head in WRONG_HEADS:
        fine(talk(edge.url, head))
        said = fine(talk(edge.url, get(HOME, "first") + head))
        assert (said[0].status, said[0].id) == (200, "first"), head
        assert all(one.id != "first" for one in said[1:]), head
    alive(edge)


SMUGGLED = get(f"{CART}?visitor_id=somebody", "smuggled")
INNER = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)


def post(*headers: str, body: bytes = b"", target: str = CART) -> bytes:
    """The head of a POST, and bytes after it."""
    return "\r\n".join((f"POST {target} HTTP/1.1", "Host: x", "X-Request-Id: outer", *headers, "", "")).encode() + body


WRAPPED = [
    post("Content-Length: 0", "Transfer-Encoding: chunked", body=INNER),
    post("Transfer-Encoding: chunked", f"Content-Length: {len(INNER)}", body=INNER),
    post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=INNER),
    post("Transfer-Encoding: xchunked", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    post("Transfer-Encoding: chunked, identity", body=INNER),
    post("Transfer-Encoding:\tchunked", "Content-Length: 3", body=INNER),
    post("Transfer-Encoding : chunked", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    post("Transfer-Encoding: chunked\x0b", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    post("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    post(f"Content-Length: 0, {len(SMUGGLED)}", body=SMUGGLED),
    post(f"Content-Length: +{len(SMUGGLED)}", body=SMUGGLED),
    post(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    post("Transfer-Encoding: chunked", body=INNER),
    post("Transfer-Encoding: chunked", body=INNER.replace(b"\r\n", b"\n", 1)),
    post("Transfer-Encoding: chunked", body=b"0;" + SMUGGLED.replace(b"\r\n", b" ") + b"\r\n\r\n"),
    post("Transfer-Encoding: chunked", body=b"0\r\nTrailer: a\r\n" + SMUGGLED.replace(b"\r\n\r\n", b"\r\n") + b"\r\n"),
]


def test_no_request_can_be_hidden_in_another(edge: Running) -> None:
    """A body that is a request is a body, by whichever of two lengths a proxy in front may have taken it."""
    for wrapped in WRAPPED:
        said = fine(talk(edge.url, wrapped))
        assert [one.id for one in said if one.id] in (["outer"], []), wrapped
        assert len(said) == 1, wrapped
    alive(edge)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_body_nobody_asked_for_is_no_request(edge: Running, method: str) -> None:
    """Also on the paths that are answered before the body has come."""
    edge.client.get(HOME)
    head = f"{method} {HOME} HTTP/1.1\r\nHost: x\r\nX-Request-Id: outer\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n"
    with dial(edge.url) as connection:
        connection.sendall(head.encode() + SMUGGLED + BYE)
        data = b""
        while part := connection.recv(65_536):
            data += part
    assert b"x-request-id: outer" in data.lower()
    assert b"smuggled" not in data


# --- answers in order -------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(["kept", "made", "personal", "refused", "post", "missing", "health", "unchanged"])


def request(kind: str, at: int) -> tuple[bytes, int, str]:
    """A request of some kind with its number as its id; the status it gets, and what stands in its answer."""
    id_ = f"id-{at}"
    body = json.dumps({"limit": 1, "visitor_id": f"v{at}", "consent": ["personalization"]}).encode()
    return {
        "kept": (get(HOME, id_), 200, '"surface":"home"'),
        "made": (get(f"{CART}?rev={at}&limit=1", id_), 200, '"surface":"cart"'),
        "personal": (get(f"{CART}?visitor_id=v{at}&consent=personalization&limit=1", id_), 200, '"surface":"cart"'),
        "refused": (get(f"{HOME}?limit=0&rev={at}", id_), 400, '"parameter":"limit"'),
        "post": (
            post(f"Content-Length: {len(body)}", body=body, target=CART).replace(b"outer", id_.encode()),
            200,
            '"surface":"cart"',
        ),
        "missing": (get(f"/nothing/{at}", id_), 404, f"/nothing/{at}"),
        "health": (get("/healthz", id_), 200, '"ok"'),
        "unchanged": (get(HOME, id_, "If-None-Match: *"), 304, ""),
    }[kind]


@tries(50)
@given(st.lists(PIECES, min_size=1, max_size=12), st.lists(st.integers(1, 400), max_size=5), st.booleans())
@example(["kept"] * 12, [], True)
@example(["made", "kept"] * 6, [], True)
@example(["post", "kept", "refused"] * 4, [1, 2, 3], False)
def test_pipelined_requests_get_their_own_answers_in_order(
    edge: Running, kinds: list[str], cuts: list[int], garbage: bool
) -> None:
    """However they are cut into pieces, and whatever follows them: as many answers as questions, each in its place."""
    edge.client.get(HOME)
    wanted = [request(kind, at) for at, kind in enumerate(kinds)]
    data = b"".join(sent for sent, _, _ in wanted)
    data += b"\x00rubbish\r\n\r\n" if garbage else BYE
    parts, at = [], 0
    for cut in cuts:
        parts.append(data[at : at + cut])
        at += cut
    answers = fine(talk(edge.url, *parts, data[at:], half=False))
    told = [said for said in answers if said.id.startswith("id-")]
    assert [said.id for said in told] == [f"id-{at}" for at in range(len(told))]
    for said, (_, status, text) in zip(told, wanted, strict=False):
        assert said.status == status
        assert text in said.body.decode()
    if not garbage:
        assert len(told) == len(kinds)
        assert answers[-1].id == "bye"


@tries(40)
@given(
    st.binary(max_size=300), st.sampled_from([b"", get(HOME, "first"), b"GET /healthz HTTP/1.1\r\n", post(body=b"")])
)
def test_any_bytes_at_all(edge: Running, data: bytes, before: bytes) -> None:
    """Before, after and in the middle of a request: whole answers, none of them a fault of ours."""
    fine(talk(edge.url, before + data + b"\r\n\r\n"))
    alive(edge)


@tries(40)
@given(st.data())
def test_a_request_with_a_byte_changed(edge: Running, data: Any) -> None:
    """Whichever, to whatever; the one behind it is answered or the connection has ended."""
    whole = bytearray(
        get(f"{HOME}?visitor_id=v&consent=personalization", "one", "Origin: https://a.example", "Accept: */*")
    )
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    fine(talk(edge.url, bytes(whole) + BYE))


def test_who_leaves_early_leaves_nothing_behind(edge: Running) -> None:
    """Closed, reset or half closed at every point of a request and of its answer: no request stays in flight."""
    edge.client.get(HOME)
    whole = get(f"{CART}?visitor_id=gone&consent=personalization", "gone") + get(HOME, "gone-2")
    for at in range(1, len(whole), max(1, 12 // EFFORT)):
        with dial(edge.url) as connection:
            connection.sendall(whole[:at])
            if at % 2:  # the next packet tells that nobody listens any more
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    said = talk(edge.url, get(HOME, "after") + BYE, half=False)
    assert [one.id for one in said] == ["after", "bye"]
    until(lambda: edge.edge.in_flight == 0)
    assert edge.metric("endcap_requests_total", status="500") == 0
