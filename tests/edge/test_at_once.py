"""What is answered where it is read: byte for byte what the app would have said, on whatever connection."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from edge import front, pages

PATH = "/v1/recommendations/pdp?product_id=p004"
PERSONAL = f"{PATH}&customer_id=c&consent=personalization"
VARYING = (b"age:", b"cache-status:", b"date:", b"server-timing:", b"x-request-id:")


def talk(edge: Any, data: bytes, until: bytes | None = None) -> bytes:
    """What the server says to these bytes, until it closes the connection or has said something."""
    with socket.create_connection((edge.client.base_url.host, edge.client.base_url.port), timeout=30) as connection:
        connection.sendall(data)
        said = b""
        while (until is None or until not in said) and (part := connection.recv(65_536)):
            said += part
    return said


def get(path: str, *headers: str) -> bytes:
    """A request as the plainest client sends it."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: edge", *headers, "", "")).encode()


def fixed(response: bytes) -> tuple[list[bytes], bytes]:
    """Status line and headers in any order, without those that differ each time, and the body."""
    head, _, body = response.partition(b"\r\n\r\n")
    return sorted(line for line in head.split(b"\r\n") if not line.lower().startswith(VARYING)), body


def the_usual_way(edge: Any, *paths: str) -> list[bytes]:
    """The same, asked so that it goes through the app: each on a connection that is to be closed."""
    return [talk(edge, get(path, "Connection: close")).replace(b"connection: close\r\n", b"") for path in paths]


def here(edge: Any, path: str) -> bytes:
    """The answer to a plain request; the one after it on the connection ends it."""
    both = talk(edge, get(path) + get("/healthz", "Connection: close"))
    first, _, _ = both.rpartition(b"HTTP/1.1 200 OK")
    return first


@pytest.mark.parametrize(
    "path",
    [
        PATH,
        "/v1/recommendations/home?limit=3",
        "/v1/recommendations/home?limit=0",
        "/v1/recommendations/home?customer_id=c&consent=personalization",
        "/v1/recommendations/pdp?product_id=p%30%304",
        "/proxy/v1/recommendations/home",
        "/v1/recommendations/attic",
        "/v1/recommendations/home#part",
        "//v1/recommendations/home",
    ],
)
def test_both_ways_say_the_same(edge: Any, path: str) -> None:
    """Made, kept or refused; whether or not this path is one that can be answered at once."""
    usual = the_usual_way(edge, path, path)[1]
    assert fixed(here(edge, path)) == fixed(usual)
    assert fixed(here(edge, path)) == fixed(usual)


def test_a_kept_page_needs_no_task(edge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is made, the app hears nothing of who asks for it; it is counted as ever."""
    whole = edge.client.get(PATH)
    before = edge.metric("endcap_requests_total", route="pdp", status="200")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(pages, "shelves", never)
    monkeypatch.setattr(front, "_PAGES", {})
    again = edge.client.get(PATH)
    assert again.content == whole.content
    assert again.headers["cache-status"].startswith("endcap; hit")
    assert len(again.headers["x-request-id"]) == 16
    assert edge.client.get(PATH, headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    unchanged = edge.client.get(PATH, headers={"If-None-Match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert edge.metric("endcap_requests_total", route="pdp", status="200") == before + 2


def test_answers_keep_the_order_of_the_questions(edge: Any) -> None:
    """Kept, made, kept and refused ones in one piece of bytes, then one more on the same connection."""
    edge.client.get(PATH)
    paths = (PATH, "/v1/recommendations/home?limit=2", PATH, "/v1/recommendations/home?limit=0", "/healthz")
    said = talk(edge, b"".join(get(path) for path in paths) + get(PATH, "Connection: close"))
    order = [b'{"surface":"pdp"', b'{"surface":"home"', b'{"surface":"pdp"', b'"status":400', b'"ok"', b'"pdp"']
    at = -1
    for mark in order:
        at = said.index(mark, at + 1)
    assert said.count(b"HTTP/1.1 ") == len(order)


def test_a_request_in_pieces_is_answered_once(edge: Any) -> None:
    """Byte by byte, twice over one connection."""
    edge.client.get(PATH)
    with socket.create_connection((edge.client.base_url.host, edge.client.base_url.port), timeout=30) as connection:
        for _ in range(2):
            for byte in get(PATH):
                connection.sendall(bytes([byte]))
            said = b""
            while b"]}]}" not in said:
                said += connection.recv(65_536)
            assert said.count(b"HTTP/1.1 200") == 1


def test_what_a_proxy_says_of_the_caller_still_counts(edge: Any) -> None:
    """Also for a page that is kept: a stranger behind a proxy on this machine is refused."""
    edge.client.get(PATH)
    assert edge.client.get(PATH, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403


def test_a_leaving_process_says_so(edge: Any) -> None:
    """With `Connection: close`, which is not for here."""
    edge.client.get(PATH)
    edge.edge.drain.leaving = True
    assert edge.client.get(PATH).headers["connection"] == "close"


@pytest.mark.parametrize("origin", [None, "https://shop.example", "https://other.example"])
@pytest.mark.parametrize("path", [PATH, "/v1/recommendations/home?limit=0", PERSONAL])
def test_where_other_origins_may_read_answers_both_ways_say_so(
    serve: Callable[..., Any], path: str, origin: str | None
) -> None:
    """To these origins alone; answers vary by it for all."""
    edge = serve(origins="https://shop.example")
    named = [f"Origin: {origin}"] if origin else []
    usual = talk(edge, get(path, *named, "Connection: close")).replace(b"connection: close\r\n", b"")
    for _ in range(2):
        both = talk(edge, get(path, *named) + get("/healthz", "Connection: close"))
        assert fixed(both.rpartition(b"HTTP/1.1 200 OK")[0]) == fixed(usual)
    assert b"\r\nvary: Accept-Encoding, Origin\r\n" in usual or b" 400 " in usual
    assert (b"\r\naccess-control-allow-origin: https://shop.example\r\n" in usual) is (origin == "https://shop.example")


def test_behind_a_proxy_pages_are_answered_here(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """But in demo mode, where it matters who is at the other end."""
    edge = serve(demo=False, proxy_hops=1, client_rate=100)
    monkeypatch.setattr(front, "_PAGES", {})
    answer = edge.client.get(PATH, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (answer.status_code, answer.json()["parameter"]) == (401, "Authorization")


def test_a_fault_of_ours_is_answered_the_usual_way(edge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 500 as a problem where it fails there, too, and with the answer where it does not."""
    real, calls = pages.at_once, []

    def fails_once(*asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 1:
            raise RuntimeError
        return real(*asked)

    monkeypatch.setattr(pages, "at_once", fails_once)
    assert edge.client.get(PATH).status_code == 200
    assert len(calls) == 2


def test_past_the_knee_the_popular_list_comes_at_once(
    edge: Any, redis: "Redis", remember: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a known shopper as to a stranger, and nothing of the shopper is in it."""
    remember(edge, redis, "c", "p004", "p016")
    monkeypatch.setattr(edge.edge, "in_flight", edge.settings.max_in_flight)
    answers = [
        edge.client.get(f"/v1/recommendations/home?consent=personalization&customer_id={one}") for one in ("c", "x")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["degraded"] == ["overload"]
    assert edge.edge.in_flight == edge.settings.max_in_flight, "it was none of those at work"
