"""Asking a server, and whom one may ask."""

import socket
import threading
from typing import Any

import pytest

from loadtests.ask import Asker, HostError, check_host, free_port, port_is_free


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:80", "http://127.9.9.9"])
def test_this_machine_may_be_loaded(url: str) -> None:
    """Under any of its loopback names."""
    assert check_host(url, owned=False) == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1", "https://shop.example", "http://localhost.example", "http://0.0.0.0"]
)
def test_another_machine_is_refused_unless_owned(url: str) -> None:
    """A load test aimed at somebody else's machine is an attack, and the message says so."""
    with pytest.raises(HostError, match=r"attack.*--i-own-this-host"):
        check_host(url, owned=False)
    assert check_host(url, owned=True) == url


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://localhost", "http://", "http://localhost/shop", "http://localhost?a=1"],
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    """With an example of how to write it."""
    with pytest.raises(HostError, match=r"http://127\.0\.0\.1:8000"):
        check_host(url, owned=True)


def test_a_slash_at_the_end_is_taken_off() -> None:
    """Paths are put behind the address."""
    assert check_host("http://localhost:8000/", owned=False) == "http://localhost:8000"


def test_one_connection_serves_many_questions(shop: Any) -> None:
    """A reply has status, headers, body and the time it took."""
    with Asker(shop.url) as asker:
        replies = [asker.get("/v1/recommendations/home") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert replies[0].headers["content-type"] == "application/json"
    assert replies[0].answer().model_version == "v1"
    assert replies[0].took_ms > 0


def test_a_silent_server_is_a_reply_too() -> None:
    """Status 0 with the reason, instead of an exception in the middle of a check."""
    with Asker(f"http://127.0.0.1:{free_port()}", timeout_s=1) as asker:
        reply = asker.get("/")
    assert reply.status == 0
    assert b"ConnectionRefusedError" in reply.body


def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    """Servers close idle connections; the next question must not fail for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=serve)
        thread.start()
        with Asker(f"http://127.0.0.1:{listener.getsockname()[1]}") as asker:
            assert [asker.get("/").body for _ in range(2)] == [b"ok", b"ok"]
        thread.join()


def test_a_free_port_can_be_listened_on() -> None:
    """By whoever asked for it."""
    port = free_port()
    assert port_is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not port_is_free(port)
