"""Requests that wait for the store without a task: whatever happens meanwhile, to the caller, the store or to us."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from redis import Redis

from edge import front, pages
from tests.edge.test_at_once import fixed, get, talk, the_usual_way
from tests.serving import until

HOME = "/v1/recommendations/home?customer_id=c&consent=personalization"
CART = "/v1/recommendations/cart?product_ids=p004&customer_id=c&consent=personalization"
HEALTH = get("/healthz", "Connection: close")


@pytest.fixture
def known(edge: Any, redis: "Redis", remember: Callable[..., Any]) -> Any:
    """An edge that knows the customer c."""
    remember(edge, redis, "c", "p004", "p016")
    return edge


@contextlib.contextmanager
def stopped(redis: "Redis") -> Iterator[None]:
    """Meanwhile the store does nothing."""
    process = int(redis.info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextlib.contextmanager
def asking(edge: Any, data: bytes) -> Iterator[socket.socket]:
    """A connection on which this was asked."""
    with socket.create_connection((edge.client.base_url.host, edge.client.base_url.port), timeout=30) as connection:
        connection.sendall(data)
        yield connection


def test_a_personal_page_needs_no_task(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app hears nothing of it, and it is what the app would have said; nobody keeps it for another time."""
    usual = the_usual_way(known, HOME)[0]
    before = known.metric("endcap_requests_total", route="home", status="200")
    monkeypatch.setattr(front, "_PAGES", {})
    answers = [known.client.get(HOME) for _ in range(2)]
    assert {answer.headers["cache-status"] for answer in answers} == {"endcap; fwd=miss"}
    assert answers[0].content == answers[1].content == fixed(usual)[1]
    assert known.metric("endcap_requests_total", route="home", status="200") == before + 2
    assert known.edge.in_flight == 0


def test_what_was_just_done_is_in_the_next_answer(known: Any, redis: "Redis", remember: Callable[..., Any]) -> None:
    """However soon it is asked for."""
    before = known.client.get(HOME).json()
    remember(known, redis, "c", "p028")
    assert known.client.get(HOME).json() != before


def test_answers_keep_the_order_of_the_questions(known: Any) -> None:
    """Personal ones, others and refused ones in one piece of bytes."""
    paths = (HOME, CART, "/v1/recommendations/home?limit=0", "/healthz", HOME)
    said = talk(known, b"".join(get(path) for path in paths) + HEALTH)
    at = -1
    for mark in (b'{"surface":"home"', b'{"surface":"cart"', b'"status":400', b'"ok"', b'{"surface":"home"', b'"ok"'):
        at = said.index(mark, at + 1)
    assert said.count(b"HTTP/1.1 ") == len(paths) + 1


def test_two_questions_one_after_the_other_on_one_connection(known: Any) -> None:
    """The second comes while the first waits for the store."""
    with asking(known, get(HOME)) as connection:
        connection.sendall(get(CART) + HEALTH)
        said = b""
        while part := connection.recv(65_536):
            said += part
    assert said.index(b'"surface":"home"') < said.index(b'"surface":"cart"') < said.index(b'"ok"')


@pytest.mark.parametrize("goes", ["closes", "sends garbage"])
def test_who_goes_away_meanwhile_costs_nothing_more(
    known: Any, redis: "Redis", serve: Callable[..., Any], goes: str
) -> None:
    """Nothing is worked out for nobody; the place it held is free, and others are answered as ever."""
    patient = serve(redis_timeout_ms=30_000)
    assert patient.client.get(HOME).status_code == 200
    before = patient.metric("endcap_ranked_candidates_count")
    with stopped(redis):
        with asking(patient, get(HOME)) as connection:
            until(lambda: patient.edge.in_flight == 1)
            if goes == "sends garbage":
                connection.sendall(b"\r\nnonsense\r\n\r\n")
        until(lambda: len(patient.server.server_state.connections) <= 1)  # the other is the client's own
    until(lambda: patient.edge.in_flight == 0)
    assert patient.metric("endcap_ranked_candidates_count") == before
    assert patient.client.get(HOME).status_code == 200


def test_a_store_that_says_nothing_is_not_waited_for_long(known: Any, redis: "Redis") -> None:
    """What everybody gets then, marked."""
    with stopped(redis):
        answer = known.client.get(HOME)
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["profile"])
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_leaving_server_answers_what_is_underway_and_closes(
    known: Any, redis: "Redis", serve: Callable[..., Any]
) -> None:
    """It says so, and waits for nothing else."""
    patient = serve(redis_timeout_ms=30_000)
    assert patient.client.get(HOME).status_code == 200
    with contextlib.ExitStack() as stack:
        with stopped(redis):
            connection = stack.enter_context(asking(patient, get(HOME)))
            until(lambda: patient.edge.in_flight == 1)
            patient.server.should_exit = True
            until(lambda: not patient.server.servers[0].is_serving())
        said = b""
        while part := connection.recv(65_536):
            said += part
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in said


def test_a_fault_of_ours_is_told_and_ends_the_connection(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the store has answered: 500 as a problem, counted, and nothing stays at work."""
    before = known.metric("endcap_requests_total", route="home", status="500")

    def broken(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(known.edge.recommender, "_rank", broken)
    said = talk(known, get(HOME))
    assert said.startswith(b"HTTP/1.1 500 ")
    assert said.count(b"\r\nconnection: close\r\n") == 1
    assert b"a fault in Endcap" in said
    assert known.metric("endcap_requests_total", route="home", status="500") == before + 1
    assert known.edge.in_flight == 0


def test_what_cannot_be_sent_costs_the_store_no_connection(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault while one answer goes out: its caller is cut off, and what waits behind it at the store still comes."""
    real, calls = pages._send, []

    def fails_once(*asked: Any) -> Any:
        calls.append(asked)
        reply = real(*asked)
        return msgspec.structs.replace(reply, headers=None) if len(calls) == 1 else reply

    monkeypatch.setattr(pages, "_send", fails_once)
    with asking(known, get(HOME)) as connection:
        assert connection.recv(1) == b""
        line = known.edge.store.trip._line
        assert known.client.get(HOME).status_code == 200
    assert known.edge.store.trip._line is line


def test_a_refused_question_is_refused_before_the_store_is_asked(known: Any, redis: "Redis") -> None:
    """Nothing is read for it."""
    before = redis.info("commandstats")["cmdstat_mget"]["calls"]
    assert talk(known, get(HOME + "&limit=0") + HEALTH).startswith(b"HTTP/1.1 400 ")
    assert redis.info("commandstats")["cmdstat_mget"]["calls"] == before
