"""Requests turned away before HTTP is parsed: the same answers as ever, and never to another question."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge import pages, turned_away
from edge.core.access import make_key, remove_key

HOME = "/v1/recommendations/home?visitor_id={}&consent=personalization"
PDP = "/v1/recommendations/pdp?product_id={}&customer_id=c&consent=personalization"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
VARYING = re.compile(rb"(date|x-request-id|server-timing): [^\r]*\r\n")


class Caller:
    """A kept connection that sends bytes as they are."""

    def __init__(self, edge: Any) -> None:
        url = edge.client.base_url
        self.connection = socket.create_connection((url.host, url.port), timeout=30)
        self._said = b""

    def ask(self, path: str, *headers: str, method: str = "GET") -> bytes:
        """Send a request and read its answer."""
        self.connection.sendall(request(path, *headers, method=method))
        return self.read()

    def read(self) -> bytes:
        """One answer."""
        while (end := self._said.find(b"\r\n\r\n")) < 0:
            self._said += self.connection.recv(65_536)
        end += 4 + int((LENGTH.search(self._said) or pytest.fail("no length"))[1])
        while len(self._said) < end:
            self._said += self.connection.recv(65_536)
        answer, self._said = self._said[:end], self._said[end:]
        return answer


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    """As a client writes it."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: edge", *headers, "", "")).encode()


def fixed(response: bytes) -> bytes:
    """Without what is another in each answer."""
    return VARYING.sub(b"", response)


@pytest.fixture
def full(edge: Any) -> Iterator[Any]:
    """A server that can take no more."""
    edge.edge.in_flight = edge.settings.max_in_flight
    yield edge
    edge.edge.in_flight = 0


@pytest.fixture
def caller(full: Any) -> Iterator[Caller]:
    """Somebody who asks it."""
    one = Caller(full)
    yield one
    one.connection.close()


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what went through a parser to a page."""
    asked: list[str] = []
    at_once = pages.at_once

    def counted(edge: Any, scope: Any) -> Any:
        asked.append(scope["path"])
        return at_once(edge, scope)

    monkeypatch.setattr(pages, "at_once", counted)
    return asked


def known(caller: Caller, parsed: list[str], path: str, *headers: str, tries: int = 20) -> bytes | None:
    """The first answer that came without a parser; with each second all must be learned again, so not each does."""
    for _ in range(tries):
        before = len(parsed)
        answer = caller.ask(path, *headers)
        if len(parsed) == before:
            return answer
    return None


def test_the_answer_is_the_same(caller: Caller, parsed: list[str]) -> None:
    """Byte for byte, but for its id, its time and the date; persons change nothing."""
    usual = caller.ask(HOME.format("v1"))
    assert b'"degraded":["overload"]' in usual
    assert len(parsed) == 1
    answer = known(caller, parsed, HOME.format("v2"))
    assert answer is not None
    assert fixed(answer) == fixed(usual)
    assert {*VARYING.findall(answer)} == {*VARYING.findall(usual)} == {b"date", b"x-request-id", b"server-timing"}
    again = known(caller, parsed, HOME.format("v2"))
    assert again is not None
    ids = {re.findall(rb"x-request-id: (\w{16})\r\n", one)[0] for one in (usual, answer, again)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "path",
    [
        PDP,
        "/v1/recommendations/cart?product_ids={}&visitor_id=v&consent=personalization",
        "/v1/recommendations/home?exclude={},p010&visitor_id=v&limit=20",
    ],
)
def test_each_product_has_its_own_answer(full: Any, caller: Caller, parsed: list[str], path: str) -> None:
    """Whether it is on the popular list or not: never is it shown to who has it."""
    for number in range(1, 25):
        product = f"p{number:03}"
        answer = known(caller, parsed, path.format(product))
        assert answer is not None
        del full.edge.popular._kept, full.edge.popular._categories
        full.edge.popular._kept, full.edge.popular._categories = {}, {}
        usual = full.client.get(path.format(product), headers={"X-Request-Id": "parsed"})
        assert answer.endswith(usual.content)
        assert b'"id":"%b"' % product.encode() not in answer


def test_it_is_counted_as_any_other(full: Any, caller: Caller, parsed: list[str]) -> None:
    """By route and status, in its time, and as degraded."""

    def counts() -> list[float]:
        return [
            full.metric("endcap_requests_total", route="home", status="200"),
            full.metric("endcap_request_seconds_count", route="home"),
            full.metric("endcap_degraded_total", what="overload"),
        ]

    caller.ask(HOME.format("v1"))
    before, asked = counts(), 1
    while known(caller, parsed, HOME.format("v2"), tries=1) is None:
        asked += 1
    assert counts() == [at + asked for at in before]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (HOME.format("v%31"), []),
        (HOME.format("v1") + "&limit=0", []),
        (HOME.format("v1") + "&visitor_id=v2", []),
        (HOME.format("v" * 129), []),
        (HOME.format(""), []),
        (HOME.format("v1"), ["X-Request-Id: mine"]),
        (HOME.format("v1"), ["Origin: https://shop.example"]),
        (HOME.format("v1"), ["X-Forwarded-For: 203.0.113.9"]),
        (HOME.format("v1"), ["Content-Length: 0"]),
        (HOME.format("v1"), ["Connection: close"]),
        (HOME.format("v1") + "&key=pk_nobody", []),
        (HOME.format("v1") + "&shopper_token=forged", []),
        ("/v1/recommendations/home", []),
    ],
)
def test_what_is_not_plain_is_parsed_each_time(
    caller: Caller, parsed: list[str], path: str, headers: list[str]
) -> None:
    """And gets the answer it would have had, though a plain question like it is known."""
    assert known(caller, parsed, HOME.format("v1"))
    first = caller.ask(path, *headers)
    if b"connection: close" in first.lower():
        return
    before = len(parsed)
    for _ in range(3):
        assert fixed(caller.ask(path, *headers)) == fixed(first)
    assert len(parsed) == before + 3


def test_calm_has_nothing_to_look_up(edge: Any, parsed: list[str]) -> None:
    """Nothing is known of anybody until somebody was turned away, nor once there is room again."""
    caller = Caller(edge)
    known_again = edge.server.config.app.state.edge.popular
    for _ in range(3):
        assert b'"degraded":[]' in caller.ask(HOME.format("v1"))
    assert known_again._kept == {}
    edge.edge.in_flight = edge.settings.max_in_flight
    assert known(caller, parsed, HOME.format("v1")) is not None
    edge.edge.in_flight = 0
    assert b'"degraded":[]' in caller.ask(HOME.format("v1"))
    caller.connection.close()


def test_a_leaving_process_says_so(full: Any, caller: Caller, parsed: list[str]) -> None:
    """As to everybody."""
    assert known(caller, parsed, HOME.format("v1"))
    full.edge.drain.leaving = True
    assert b"connection: close" in caller.ask(HOME.format("v1"))


def test_a_key_taken_back_opens_nothing(
    serve: Callable[..., Any], data_dir: Path, parsed: list[str], until: Callable[..., None]
) -> None:
    """Within a second each head is let in again, or not."""
    key = make_key(data_dir, "demo")
    edge = serve(demo=False)
    edge.edge.in_flight = edge.settings.max_in_flight
    caller, header = Caller(edge), f"Authorization: Bearer {key}"
    assert known(caller, parsed, HOME.format("v1"), header)
    assert b" 401 " in caller.ask(HOME.format("v1"), "Authorization: Bearer sk_another").partition(b"\r\n")[0]
    other = Caller(edge)
    assert b" 401 " in other.ask(HOME.format("v1")).partition(b"\r\n")[0]
    remove_key(data_dir, edge.edge.keyring._keys["sk_"][0].id)
    until(lambda: b" 401 " in caller.ask(HOME.format("v1"), header).partition(b"\r\n")[0])
    edge.edge.in_flight = 0
    for one in (caller, other):
        one.connection.close()


def test_a_key_in_the_question_is_looked_at_each_time(full: Any, data_dir: Path, parsed: list[str]) -> None:
    """Beside a secret key in the head it changes nothing; without one it is the only thing that opens."""
    header = f"Authorization: Bearer {make_key(data_dir, 'demo')}"
    full.edge.keyring.refresh()
    caller, question = Caller(full), HOME.format("v1") + "&key=pk_nobody"
    assert known(caller, parsed, HOME.format("v1"))
    for _ in range(3):
        before = len(parsed)
        assert b" 200 " in caller.ask(question, header).partition(b"\r\n")[0]
        assert b" 401 " in caller.ask(question).partition(b"\r\n")[0]
        assert len(parsed) == before + 2
    caller.connection.close()


def test_several_requests_in_one_piece_are_answered_in_order(caller: Caller, parsed: list[str]) -> None:
    """Also where the first is known, and where one comes in two pieces."""
    assert known(caller, parsed, HOME.format("v1"))
    first, second = request(HOME.format("v1")), request("/healthz")
    caller.connection.sendall(first + second)
    assert b'"surface":"home"' in caller.read()
    assert b'"status"' in caller.read()
    caller.connection.sendall(first[:40])
    caller.connection.sendall(first[40:] + first)
    assert fixed(caller.read()) == fixed(caller.read())


def test_nothing_is_learned_of_two_requests_at_once(full: Any, caller: Caller, parsed: list[str]) -> None:
    """Else what stood behind the first line of the one would be taken for the head of the other."""
    pair = request(HOME.format("v1")) + request(HOME.format("v1"))
    for _ in range(3):
        caller.connection.sendall(pair)
        assert fixed(caller.read()) == fixed(caller.read())
    heads = full.server.lifespan.state["turned_away"].heads
    assert all(head.count(b"\r\n\r\n") == 1 for head in heads)


def test_another_method_is_another_question(caller: Caller, parsed: list[str]) -> None:
    """HEAD has no body."""
    assert known(caller, parsed, HOME.format("v1"))
    caller.connection.sendall(request(HOME.format("v1"), method="HEAD"))
    said = caller.connection.recv(65_536)
    assert said.endswith(b"\r\n\r\n")


def test_a_change_of_the_catalogue_is_seen(full: Any, caller: Caller, parsed: list[str], until: Any) -> None:
    """Within a second, by those who are known, too."""
    first = known(caller, parsed, HOME.format("v1")) or b""
    shown = re.findall(rb'"id":"(p\d+)"', first)[0].decode()
    catalogue = full.edge.recommender.catalogue
    live = catalogue.live
    live.lay(msgspec.structs.replace(catalogue.get(shown), available=False))
    catalogue.revision += 1
    until(lambda: b'"id":"%b"' % shown.encode() not in (known(caller, parsed, HOME.format("v1")) or first), 5)


def test_there_is_an_end_to_what_is_kept(
    full: Any, caller: Caller, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever callers make up."""
    monkeypatch.setattr(turned_away, "_MOST", 5)
    monkeypatch.setattr(turned_away, "_HEADS", 3)
    here = full.server.lifespan.state["turned_away"]
    for number in range(12):
        caller.ask(PDP.format(f"made-up-{number}") + f"&locale=l{number}", f"X-Made-Up: {number}")
        assert len(here._responses) <= 6
        assert len(here._categories) <= 5
        assert len(here.heads) <= 3
