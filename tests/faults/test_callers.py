"""Rows 13 to 15: callers that are slow, that send too much, and that send nonsense."""

import gzip
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.crowd import CONSENT, Crowd, fine
from tests.faults.raw import dial, shout, status
from tests.faults.shop import Shop, Shops
from tests.faults.speed import either, p, within

Say = Callable[[str], None]
Until = Callable[..., None]

HEAD = b"GET /v1/recommendations/home HTTP/1.1\r\nHost: shop\r\nX-Slow: "
BODY = b"POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000\r\n\r\n{"


class Slow:
    """Many callers who say nothing, begin a head and never end it, or say a byte of head or body now and then."""

    def __init__(self, url: str, count: int) -> None:
        self.closed_after_s: list[float] = []
        self._selector = selectors.DefaultSelector()
        self._open: dict[socket.socket, tuple[float, bytes]] = {}
        for number in range(count):
            connection = dial(url)
            connection.sendall((b"", HEAD[:20], HEAD, BODY)[number % 4])
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
            self._open[connection] = time.monotonic(), (b"", b"", b"x", b" ")[number % 4]

    def __len__(self) -> int:
        return len(self._open)

    def go_on(self) -> None:
        """One more byte of each, and a look at who was hung up on."""
        for connection, (_, byte) in list(self._open.items()):
            with suppress(OSError):
                connection.send(byte)
        for key, _ in self._selector.select(0.1):
            assert isinstance(key.fileobj, socket.socket)
            try:
                ended = key.fileobj.recv(65_536) == b""
            except OSError:
                ended = True
            if ended:
                self._forget(key.fileobj)

    def _forget(self, connection: socket.socket) -> None:
        self.closed_after_s.append(time.monotonic() - self._open.pop(connection)[0])
        self._selector.unregister(connection)
        connection.close()

    def end(self) -> None:
        """Hang up on whoever is left."""
        for connection in list(self._open):
            self._forget(connection)
        self._selector.close()


@pytest.mark.fault(13)
def test_slow_callers_are_hung_up_on_and_hold_nobody_up(open_shop: Shops, until: Until, figure: Say) -> None:
    """Silent, idle in a head, a byte of header or body now and then: others notice nothing, the slow ones go."""
    shop = open_shop(patient=True, ENDCAP_READ_TIMEOUT_S=str(either(2, 8)))
    until(shop.knows)
    slow = Slow(shop.url, int(either(60, 500)))
    try:
        with Crowd(shop.url) as crowd:
            ends = time.monotonic() + 60
            while len(slow) and time.monotonic() < ends:
                slow.go_on()
                time.sleep(0.2)
    finally:
        left = len(slow)
        slow.end()
    assert left == 0, f"{left} slow connections are open after a minute"
    pages = fine(crowd.pages())
    figure(within(0.1, p(0.99, [one.took_s for one in pages]), "p99 s of the others"))
    figure(within(10, max(slow.closed_after_s), "s until the last slow one was closed"))


def endless(url: str) -> bytes:
    """A chunked body without an end; stops when nobody listens any more."""
    head = b"POST /v1/events HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(2_000):  # 128 MB, if anybody took it
            yield b"10000\r\n" + b" " * 65_536 + b"\r\n"

    return shout(url, pieces())


@pytest.mark.fault(14)
def test_too_much_is_refused_and_not_kept_in_memory(open_shop: Shops, until: Until, figure: Say) -> None:
    """Ten megabytes, a body without end, a huge header, a gzip bomb: 413, 431 or 415, and memory stays as it was."""
    shop = open_shop(patient=True)
    until(shop.knows)
    for _ in range(20):
        shop.home(1)
    before = shop.rss_mb()
    ten = b"POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Length: 10000000\r\n\r\n"
    bomb = gzip.compress(b" " * 100_000_000)
    packed = b"POST /v1/events HTTP/1.1\r\nHost: shop\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
        bomb
    )
    header = b"GET /v1/recommendations/home HTTP/1.1\r\nHost: shop\r\nX-Big: " + b"a" * 300_000 + b"\r\n\r\n"
    line = b"GET /v1/recommendations/home?session=" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n"
    for _ in range(int(either(3, 20))):
        assert status(shout(shop.url, [ten, *[b" " * 100_000] * 100])) == 413
        assert status(endless(shop.url)) == 413
        assert status(shout(shop.url, [header])) == 431
        assert status(shout(shop.url, [line])) in (414, 431)
        assert status(shout(shop.url, [packed, bomb])) in (413, 415)
    grown = shop.rss_mb() - before
    assert grown < 20, f"resident memory grew by {grown:.1f} MB"
    assert shop.knows()
    figure(f"memory {grown:+.1f} MB")


DEEP = 20_000
CORPUS: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"\x00",
    b'{"limit": 3',
    b'{"limit": 3}}',
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"filter": ' * DEEP,
    b'{"limit": 3, "limit": "three"}',
    b'{"limit": 1e2, "limit": 3}',
    b'{"limit": 99999999999999999999999999}',
    b'{"limit": -0}',
    b'{"visitor_id": "\\u0000"}',
    b'{"visitor_id": "a\x00b"}',
    b'{"visitor_id": "\\ud800"}',
    b'{"visitor_id": "\\udfff\\ud800"}',
    '{"visitor_id": "\u202egnp.exe\u2066", "consent": ["personalization"]}'.encode(),
    '{"product_id": "\U0001f6d2\u200d\u0301"}'.encode(),
    b'{"product_ids": [' + b",".join(b'"%d"' % number for number in range(10_000)) + b"]}",
    b'{"exclude": [' + b",".join([b'"x"'] * 10_000) + b"]}",
    b'{"slots": ["__proto__", "constructor"]}',
    b'{"filter": {"category": {"$ne": null}}}',
    b'{"unknown": ' + b'"x"' * 3 + b"}",
    b'{"consent": ["everything"]}',
    b'{"requests": [{}, null, 1, "x", {"surface": "cart", "limit": 0}]}',
    b'{"requests": []}',
    b'{"events": []}',
    b'{"events": [{}, null, {"id": "1"}]}',
    b'{"events": [' + b",".join([b"{}"] * 101) + b"]}",
    b'{"id": "x", "type": "yodel", "time": "yesterday"}',
    b'{"id": "x", "type": "search", "time": "9999-12-31T23:59:59.999999-23:59", "visitor_id": "v"}',
    b'{"id": "x", "type": "search", "time": "0001-01-01T00:00:00+23:59", "visitor_id": "v"}',
]
PATHS = ("/v1/recommendations/home", "/v1/recommendations/cart", "/v1/recommendations", "/v1/events", "/v1/consent")
QUERIES = [
    "limit=%00", "limit=+1", "limit=1&limit=2", "session=%ff%fe", "visitor_id=%ed%a0%80", "visitor_id=%00", "%zz=1",
    "filter=%7B%22a%22%3A1%7D", "filter=" + "%5B" * 3_000, "consent=personalization,,", "product_ids=" + "a," * 10_000,
    "visitor_id=" + "%E2%80%AE" * 50, "slots=for_you,for_you,nothing", "min_score=nan", "rev=" + "9" * 400, "&&&==&=",
]  # fmt: skip


def judged(shop: Shop, method: str, target: str, body: bytes = b"") -> int:
    """The status; asserts that it is no fault of ours, and that a refusal says so as a problem."""
    answer = shop.client.request(method, target, content=body)
    assert answer.status_code < 500, (target[:100], body[:100], answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", (target[:100], body[:100])
        problem: dict[str, Any] = json.loads(answer.content)
        assert problem["status"] == answer.status_code
        assert problem["detail"]
    return answer.status_code


@pytest.mark.fault(15)
def test_nonsense_is_a_problem_of_its_sender(open_shop: Shops, figure: Say) -> None:
    """Deep, doubled, cut off, with NUL and lone surrogates, right to left, by the ten thousand: never 5xx."""
    shop = open_shop(patient=True)
    asked = [judged(shop, "POST", path, body) for path in PATHS for body in CORPUS]
    asked += [
        judged(shop, "GET", f"/v1/recommendations/{page}?{query}") for page in ("home", "pdp") for query in QUERIES
    ]
    asked += [judged(shop, "GET", f"/v1/recommendations/{page}") for page in ("%00", "hom%c3%a9", "..%2f", "a" * 5_000)]
    assert asked.count(400) > len(asked) / 2
    assert fine_after(shop)
    assert "Traceback" not in shop.said()
    figure(f"{len(asked)} nonsensical requests, 0 of them 5xx")


def fine_after(shop: Shop) -> bool:
    """Whether it still serves."""
    return shop.client.get("/v1/recommendations/home", params={"visitor_id": "v001", "consent": CONSENT}).is_success
