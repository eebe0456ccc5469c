"""The Cloudflare Worker: in workerd against an origin that fails in every way, before the real edge, and its signatures
against Python's.
"""

import base64
import hashlib
import hmac
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes, urlencode

import pytest

from edge.app_proxy import NotSignedError, read_signed, sign
from edge.webhooks.signatures import is_shopifys
from edge.worker_header import is_workers
from tests.serving import Serve
from tests.web.conftest import Node

HERE = Path(__file__).parent
SHOP = "shop-name.myshopify.com"
_SHOPIFY_SECRET, _WORKER_SECRET = "hush-hush-hush-hush", "between-us-between-us"
NOW = 1_790_000_000.0
_PIECES = ["a", "Z", "0", "_", "[", "]", ",", "=", "%", "&", "+", " ", "é", "ß", "名", "🛒", "", "~", "\x7f"]


@pytest.mark.parametrize("file", ["worker_pages", "worker_doors", "worker_withdrawal", "worker_broken"])
def test_worker_cases_in_workerd(node: Node, file: str) -> None:
    """Every case of the file passes in workerd; each is a test of its own there, with its own sentence."""
    node.test(HERE / f"{file}.test.mjs", timeout_s=300)


def test_worker_before_the_real_edge(node: Node, serve: Serve) -> None:
    """The Worker and the app understand each other: doors, shelves, withdrawal, popular products, webhooks, script."""
    server = serve(
        demo=False,
        worker_secrets=_WORKER_SECRET,
        shopify_secrets=_SHOPIFY_SECRET,
        shopify_domain=SHOP,
        webhook_consent="personalization,analytics",
    )
    model = server.edge.recommender.live.current
    assert model is not None
    products = [id_ for id_ in sorted(server.edge.recommender.catalogue.ids()) if id_ in model.index.position][:3]
    node.test(
        HERE / "worker_real.test.mjs",
        ORIGIN_URL=server.url,
        SHOPIFY_SECRET=_SHOPIFY_SECRET,
        WORKER_SECRET=_WORKER_SECRET,
        PRODUCTS=",".join(products),
    )


# --- signatures ------------------------------------------------------------------------------------------------------


def ask(node: Node, questions: list[dict[str, Any]]) -> list[Any]:
    """Put questions to the Worker's functions, in one Node."""
    done = subprocess.run(
        [node.path, HERE / "worker_signatures.mjs"],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


# Shopify's own, from its documentation and libraries.
VECTORS = [
    (
        "hush",
        (
            "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1&path_prefix=%2Fapps%2Fawesome_reviews"
            "&timestamp=1317327555"
        ),
        "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb",
    ),
    (
        "hush",
        (
            "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=&path_prefix=%2Fapps%2Fawesome_reviews"
            "&timestamp=1317327555"
        ),
        "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb",
    ),
    (
        "secret",
        "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083",
        "f5cd7233558b1c50102a6f33c0b63ad1e1072a2fc126cb58d4500f75223cefcd",
    ),
    (
        "secret",
        (
            "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083&foo=bar&baz[1]"
            "&baz[2]=b&baz[c[0]]=whatup&baz[c[1]]=notmuch"
        ),
        "bbf3aa60e098f08919a2ea4c64a388414f164e6a117a63b03479ac7aa9464b4f",
    ),
]


def test_published_vectors(node: Node) -> None:
    """Shopify's published signatures are taken at their time, by any of several secrets, and not a character off."""
    good, bad = [], []
    for secret, query, signature in VECTORS:
        now = int(query.partition("timestamp=")[2][:10])
        one = {"ask": "proxy", "secrets": ["other", secret], "now": now + 89}
        good.append({**one, "query": f"{query}&signature={signature}"})
        bad.append({**one, "query": f"{query}&signature={signature[:-1]}{'0' if signature[-1] != '0' else '1'}"})
        bad.append({**good[-1], "now": now + 91})
        bad.append({**good[-1], "secrets": []})
    assert [said and said["customer"] for said in ask(node, good)] == ["1", None, None, None]
    assert ask(node, bad) == [None] * len(bad)


_ENCODERS: list[Callable[[str], str]] = [
    quote,
    quote_plus,
    lambda text: quote(text, safe="[],%=~"),
    lambda text: quote(text).lower(),
]


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(_PIECES, k=chance.randrange(6)))


def _raw_query(chance: random.Random) -> str:
    """A query as somebody might write it: encoded in several ways; names repeated, empty or without `=`."""
    parts = []
    for _ in range(chance.randrange(6)):
        name, value = chance.choice([_text(chance), "limit", "Limit", "extra", "a", "a1"]), _text(chance)
        encode = chance.choice(_ENCODERS)
        parts.append(
            chance.choice([f"{encode(name)}={encode(value)}", encode(name), f"{encode(name)}=%zz%e", "%ff=%C3"])
        )
    return "&".join(parts).replace("?", "")


def _signed(chance: random.Random, secret: str, stamp: float) -> str:
    own = {"shop": SHOP, "logged_in_customer_id": chance.choice(["", "7", "820982911946154508", "x"])}
    own |= {"path_prefix": "/apps/endcap", "timestamp": str(int(stamp))}
    parts = [*filter(None, _raw_query(chance).split("&")), *urlencode(own).split("&")]
    chance.shuffle(parts)
    if chance.random() < 0.1:
        parts.append(chance.choice(["shop=other", "timestamp=1", "logged_in_customer_id=8"]))
    values: dict[bytes, list[bytes]] = {}
    for part in parts:
        name, value = _python_pair(part)
        values.setdefault(name, []).append(value)
    query = "&".join(parts) + "&signature=" + sign(values, secret.encode())
    if chance.random() < 0.3:
        at = chance.randrange(len(query))
        query = query[:at] + chance.choice("a0&=%,") + query[at + 1 :]
    return query


def _python_pair(part: str) -> tuple[bytes, bytes]:
    name, _, value = part.replace("+", " ").partition("=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _python_says(query: str, secrets: list[str], now: float) -> dict[str, Any] | None:
    try:
        signed = read_signed(query.encode(), [secret.encode() for secret in secrets], SHOP, now)
    except NotSignedError:
        return None
    return {"shop": SHOP, "customer": signed.customer_id}


@pytest.mark.parametrize("seed", range(3))
def test_javascript_and_python_agree_on_queries(node: Node, seed: int) -> None:
    """Of 300 random queries, many of them tampered with, the Worker lets in those that the app lets in, as the same."""
    chance = random.Random(seed)
    questions: list[dict[str, Any]] = [
        {
            "ask": "proxy",
            "secrets": chance.choice([["hush"], ["other", "hush"], ["other"]]),
            "now": NOW + chance.choice([0, 90, 91, -90, -91]),
            "query": _signed(chance, "hush", NOW),
        }
        for _ in range(300)
    ]
    expected = [_python_says(one["query"], one["secrets"], one["now"]) for one in questions]
    for question, theirs, ours in zip(questions, expected, ask(node, questions), strict=True):
        assert ours == theirs, question
    assert 50 < sum(one is not None for one in expected) < 250


def test_python_takes_what_the_worker_signs(node: Node) -> None:
    """The header that the Worker makes is let in by the app's own verifier, for that request and secret alone."""
    chance = random.Random(4)
    targets = [f"/v1/recommendations/home?{_raw_query(chance)}" for _ in range(50)] + [
        "/v1/events",
        "/webhooks/shopify",
    ]
    questions = [{"ask": "header", "secret": "s1", "method": "POST", "target": one, "now": NOW} for one in targets]
    for target, header in zip(targets, ask(node, questions), strict=True):
        good = (header.encode(), "POST", target.encode())
        assert is_workers([b"s0", b"s1"], *good, NOW + 89)
        assert not is_workers([b"s0"], *good, NOW)
        assert not is_workers([b"s1"], *good, NOW + 92)
        assert not is_workers([b"s1"], good[0], "GET", good[2], NOW)
        assert not is_workers([b"s1"], good[0], "POST", good[2] + b"x", NOW)


def test_javascript_and_python_agree_on_webhooks(node: Node) -> None:
    """Both take the same deliveries, by old header and new, and refuse the same odd ones."""
    chance = random.Random(5)
    questions, expected = [], []
    for _ in range(100):
        body = chance.randbytes(chance.randrange(200))
        made = base64.b64encode(hmac.digest(chance.choice([b"hush", b"other"]), body, hashlib.sha256)).decode()
        made = chance.choice([made, made, made[:-1], made[:-2], "", "!" * 44, made + "A", made.lower()])
        name = chance.choice(["x-shopify-hmac-sha256", "shopify-hmac-sha256"])
        questions.append(
            {"ask": "webhook", "secrets": ["hush"], "headers": {name: made}, "body": base64.b64encode(body).decode()}
        )
        expected.append(is_shopifys([b"hush"], made.encode(), body))
    assert ask(node, questions) == expected
    assert 5 < sum(expected) < 60
