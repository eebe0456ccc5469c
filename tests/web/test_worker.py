"""The Cloudflare Worker: in workerd against an origin that fails in every way, against Python's signatures, and before
the real edge; and what wrangler says of its configuration.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes, urlencode

import pytest

from edge.app_proxy import NotSignedError, read_signed, sign
from edge.webhooks.signatures import is_shopifys
from edge.worker_header import is_workers
from tests.web.conftest import ROOT, Node
from tests.web.needs import missing

HERE = Path(__file__).parent
SHOP = "shop-name.myshopify.com"
NOW = 1_790_000_000.0
_PIECES = ["a", "Z", "0", "_", "[", "]", ",", "=", "%", "&", "+", " ", "é", "ß", "名", "🛒", "", "~", "\x7f"]


@pytest.mark.parametrize("file", ["worker_pages", "worker_doors"])
def test_worker_cases_in_workerd(node: Node, file: str) -> None:
    """Every case of the file passes in workerd; each is a test of its own there, with its own sentence."""
    node.test(HERE / f"{file}.test.mjs", timeout_s=300)


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


VECTORS = [
    (
        "hush",
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1&path_prefix=%2Fapps%2Fawesome_reviews"
        "&timestamp=1317327555",
        "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb",
    ),
    (
        "hush",
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=&path_prefix=%2Fapps%2Fawesome_reviews"
        "&timestamp=1317327555",
        "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb",
    ),
    (
        "secret",
        "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083",
        "f5cd7233558b1c50102a6f33c0b63ad1e1072a2fc126cb58d4500f75223cefcd",
    ),
    (
        "secret",
        "shop=some-random-store.myshopify.com&path_prefix=%2Fapps%2Fmy-app&timestamp=1466106083&foo=bar&baz[1]"
        "&baz[2]=b&baz[c[0]]=whatup&baz[c[1]]=notmuch",
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


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(_PIECES, k=chance.randrange(6)))


def _raw_query(chance: random.Random) -> str:
    """A query as somebody might write it: encoded fully, partly, or in odd ways; names repeated, empty or without `=`."""
    parts = []
    for _ in range(chance.randrange(6)):
        name, value = chance.choice([_text(chance), "limit", "Limit", "extra", "a", "a1"]), _text(chance)
        encode = chance.choice(
            [quote, quote_plus, lambda text: quote(text, safe="[],%=~"), lambda text: quote(text).lower()]
        )
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
    questions = [
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


# --- wrangler --------------------------------------------------------------------------------------------------------

CONTAINERS = HERE / "containers"


def _dry_run(node: Node, environment: str, folder: Path, config: str | None = None) -> tuple[int, str]:
    """What `wrangler deploy --dry-run` says of an environment; nothing leaves this machine."""
    wrangler, program = node.modules / "wrangler" / "bin" / "wrangler.js", node.path
    more = []
    if environment == "containers":
        wrangler, program, more = *_newer_wrangler(node), ["--containers-rollout=none"]
    path = ROOT / "wrangler.toml"
    if config is not None:  # beside the original, for paths in it are relative to it
        path = ROOT / f".wrangler-{os.getpid()}.toml"
        path.write_text(config)
    try:
        done = subprocess.run(
            [program, wrangler, "deploy", "--dry-run", f"--env={environment}", f"--config={path}", *more],
            cwd=ROOT,
            env={**os.environ, "CI": "1", "NO_COLOR": "1", "WRANGLER_SEND_METRICS": "false", "HOME": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        if config is not None:
            path.unlink()
    return done.returncode, done.stdout


def _newer_wrangler(node: Node) -> tuple[Path, str]:
    """A wrangler that knows Containers, and a Node 22 or newer for it: this machine's, or npm's."""
    wrangler = CONTAINERS / "node_modules" / "wrangler" / "bin" / "wrangler.js"
    if not wrangler.is_file():
        missing("node", "the packages of tests/web/containers are not installed; run npm ci there, or scripts/test")
    packaged = [*(CONTAINERS / "node_modules").glob("node-*/bin/node")]
    program = str(packaged[0]) if packaged else shutil.which("node") or node.path
    major = subprocess.run([program, "-p", "process.versions.node"], capture_output=True, text=True, check=True).stdout
    if int(major.split(".")[0]) < 22:
        missing("node", "the dry run of the Containers environment needs Node.js 22")
    return wrangler, program


def _complaints(code: int, said: str) -> list[str]:
    """Why a dry run cannot be trusted. Wrangler only warns of keys that it does not know, and goes on."""
    found = [line.strip() for line in said.splitlines() if "Unexpected fields" in line or "WARNING" in line]
    return found + ([f"exit status {code}"] if code else []) + ([] if "--dry-run: exiting now" in said else ["no end"])


@pytest.mark.parametrize("environment", ["", "production", "containers"])
def test_wrangler_accepts_each_environment(node: Node, environment: str, tmp_path: Path) -> None:
    """The configuration of each environment has no key that wrangler does not know, and its Worker can be bundled."""
    code, said = _dry_run(node, environment, tmp_path)
    assert _complaints(code, said) == [], said
    assert "SHOP_LIMIT" in said
    assert ("ApiContainer" in said) == (environment == "containers")


@pytest.mark.parametrize(
    ("environment", "right", "wrong"),
    [("", "compatibility_date", "compatability_date"), ("containers", "max_instances", "max_instance")],
)
def test_a_misspelt_key_is_found(node: Node, environment: str, right: str, wrong: str, tmp_path: Path) -> None:
    """A key with a slip of the pen makes the check fail, though wrangler itself goes on."""
    config = (ROOT / "wrangler.toml").read_text()
    assert right in config
    code, said = _dry_run(node, environment, tmp_path, config.replace(right, wrong))
    assert any("Unexpected fields" in one for one in _complaints(code, said)), said


def test_lock_files_hold_no_download_addresses() -> None:
    """Packages come from whatever registry npm is set to; the lock files hold versions and checksums only."""
    for folder in (ROOT, CONTAINERS):
        lock = json.loads((folder / "package-lock.json").read_text())
        assert not [name for name, entry in lock["packages"].items() if "resolved" in entry], folder
        assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text()
        for section in ("dependencies", "devDependencies", "optionalDependencies"):
            versions = json.loads((folder / "package.json").read_text()).get(section, {})
            assert all(version[0].isdigit() for version in versions.values()), "exact versions only"
