"""Nothing secret and nobody's id in any log line or metric, and no secret in a problem: a real server, at DEBUG.

Everything that must not come out carries a word of its own; then all that the server said is searched for them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge.client import shopper_token
from edge.core.access import make_key
from edge.embedded import EmbeddedStore
from tests.edge.doors import SETTINGS, from_worker, proxied
from tests.edge.webhooks.signing import shopify_headers

pytestmark = pytest.mark.store

WORD = "xqjzword"
SHOPPER_SECRET = f"{WORD}-shopper-secret-of-32-bytes"
ORIGIN = "https://shop.example"
HOME = "/v1/recommendations/home"
# As `python -m edge`, with every logger at DEBUG, in one process.
TALKATIVE = "import logging, sys; logging.basicConfig(level=1); from edge.__main__ import main; sys.exit(main())"


class Server:
    """An edge in a process of its own, whose whole output is kept."""

    def __init__(self, data_dir: Path, store: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENDCAP_")}
        environment |= {f"ENDCAP_{name.upper()}": value for name, value in SETTINGS.items()}
        environment |= {
            "REDIS_URL": store,
            "PORT": "0",
            "ENDCAP_DEMO": "0",
            "ENDCAP_WORKERS": "0",
            "ENDCAP_DRAIN_S": "0",
            "ENDCAP_DATA_DIR": str(data_dir),
            "ENDCAP_PSEUDONYM_KEY": "5e" * 32,
            "ENDCAP_SHOPPER_SECRETS": SHOPPER_SECRET,
            "ENDCAP_BUNDLE_KEYS": "",
            "ENDCAP_READ_TIMEOUT_S": "1",
            "PYTHONASYNCIODEBUG": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", TALKATIVE], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(120), self.output
        self.url = next(line for line in self.said if " on http://" in line).rpartition(" on ")[2].strip()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.decode("utf-8", "replace"))
            if " on http://" in self.said[-1]:
                self._listening.set()

    @property
    def output(self) -> str:
        """All that it has said."""
        return "".join(self.said)

    def end(self) -> None:
        """Stop it and read the rest."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._reader.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store that the test may take away."""
    with EmbeddedStore(tmp_path / "own") as store:
        yield store


def raw(server: Server, *parts: bytes) -> bytes:
    """What is said to bytes on a socket."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        said = b""
        try:
            while more := connection.recv(65_536):
                said += more
        except ConnectionError:
            pass
        return said


def events(email: str, **more: Any) -> dict[str, Any]:
    """An event full of what must not come out."""
    one = {"id": f"{WORD}-event", "type": "search", "time": "2020-01-01T00:00:00Z", "query": f"{WORD} test"}
    return (
        one
        | {"visitor_id": f"{WORD}-visitor", "email": email, "phone": f"+1555{WORD}", "consent": ["analytics"]}
        | more
    )


def ask_everything(client: httpx.Client, key: str, secret: str) -> list[httpx.Response]:
    """Each route in right and wrong ways, with a canary wherever a value fits."""
    who = {"visitor_id": f"{WORD}-visitor", "consent": "personalization,analytics"}
    page, server = {"Origin": ORIGIN}, {"Authorization": f"Bearer {secret}"}
    token = shopper_token(SHOPPER_SECRET, "demo", f"{WORD}-customer")
    listed = who | {"consent": ["personalization", "analytics"]}
    mail = f"{WORD}@shop.example"
    body = json.dumps({"id": 7, "email": mail, "customer": {"email": mail}}).encode()
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", HOME, {"params": who | {"key": key, "shopper_token": token}, "headers": page}),
        ("GET", HOME, {"params": who | {"key": key + WORD, "shopper_token": token + WORD}, "headers": page}),
        ("GET", HOME, {"params": who | {"key": key}, "headers": {"Origin": f"https://{WORD}.example"}}),
        ("GET", HOME, {"params": {"key": f"sk_{WORD}"}}),
        ("GET", HOME, {"params": who | {"customer_id": f"{WORD}-customer"}, "headers": server}),
        ("GET", HOME, {"params": who | {"limit": f"{WORD}"}, "headers": server}),
        ("GET", HOME, {"headers": {"Authorization": f"Bearer sk_{WORD}"}}),
        ("GET", HOME, {"headers": {"X-Endcap-Worker": f"t=1,v1={WORD}"}}),
        ("GET", proxied(HOME, f"{WORD}7"), {}),
        ("GET", proxied(HOME, "7", secret=WORD), {}),
        ("POST", HOME, {"json": listed | {"key": key, "shopper_token": token}, "headers": page}),
        (
            "POST",
            HOME,
            {"json": listed | {"customer_id": f"{WORD}-customer"}, "headers": page | {"Cookie": f"a={WORD}"}},
        ),
        ("POST", HOME, {"content": b'{"visitor_id": "xqjzword-visitor", ', "headers": server}),
        (
            "POST",
            "/v1/recommendations",
            {"json": {"requests": [listed | {"surface": "home", "x": WORD}]}, "headers": server},
        ),
        ("POST", "/v1/events", {"json": events(mail), "headers": server}),
        ("POST", "/v1/events", {"json": {"events": [events(mail, type=WORD)], "key": key}, "headers": page}),
        ("POST", "/v1/consent", {"json": listed | {"key": key, "shopper_token": token}, "headers": page}),
        ("POST", "/v1/consent", {"json": listed | {"key": key, "shopper_token": token + WORD}, "headers": page}),
        ("GET", f"/v1/customers/{WORD}-customer/facts", {"headers": server}),
        ("GET", f"/v1/customers/{WORD}-customer/facts", {"params": {"key": key}, "headers": page}),
        (
            "GET",
            "/recommendations/products.json",
            {"params": who | {"product_id": "p004", "key": key}, "headers": page},
        ),
        ("GET", "/recommendations/products.json", {"params": {"intent": WORD, "key": key}, "headers": page}),
        ("POST", "/webhooks/shopify", {"content": body, "headers": shopify_headers("orders/create", body)}),
        ("POST", "/webhooks/shopify", {"content": body, "headers": shopify_headers("orders/create", body, WORD)}),
        ("POST", "/webhooks/endcap", {"content": body, "headers": {"webhook-signature": WORD}}),
        ("GET", "/readyz", {"headers": server}),
        ("PUT", HOME, {"headers": {"Authorization": f"Bearer {secret}"}}),
    ]
    answers = [client.request(method, path, **how) for method, path, how in asked]
    answers.append(client.send(from_worker(client.build_request("GET", HOME, params=who))))
    return answers


def test_nothing_secret_and_nobody_is_in_what_a_server_says(
    data_dir: Path, own_store: EmbeddedStore, until: Callable[..., None]
) -> None:
    """With a store and after it died, on every route; on broken, slow and oversized requests."""
    key, secret = make_key(data_dir, "demo", [ORIGIN]), make_key(data_dir, "demo")
    server = Server(data_dir, own_store.url)
    try:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            answers = ask_everything(client, key, secret)
            statuses = [answer.status_code for answer in answers]
            assert {200, 400, 401, 405} <= set(statuses)
            for parts in (
                (f"GET /?{WORD} GARBAGE\r\n\r\n".encode(),),
                (f"GET {HOME}?visitor_id={WORD} HTTP/1.1\r\nAuthorization: Bearer {secret}\r\nX: ".encode(),),
                (f"POST {HOME}?visitor_id={WORD} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{WORD}".encode(),),
                (f"GET {HOME}?visitor_id={WORD} HTTP/1.1\r\nX: {WORD * 9_000}\r\n\r\n".encode(),),
            ):
                said = raw(server, *parts)
                assert WORD.encode() not in said
            metrics = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
            own_store.stop()
            away = ask_everything(client, key, secret)
            assert 503 in {answer.status_code for answer in away}
            assert all(answer.status_code != 500 for answer in (*answers, *away))
    finally:
        server.end()
    assert metrics.status_code == 200
    assert "endcap_refused_total" in metrics.text
    secrets = [WORD, key[3:], secret[3:], "5e" * 32, SETTINGS["worker_secrets"], SETTINGS["shopify_secrets"]]
    for word in secrets:
        assert word not in server.output, server.output[max(0, server.output.find(word) - 800) :][:1_600]
        assert word not in metrics.text
    problems = [answer.text for answer in (*answers, *away) if answer.status_code >= 400]
    for word in secrets[1:]:
        assert not [text for text in problems if word in text]
    assert "DEBUG" in server.output, "it did say something"
