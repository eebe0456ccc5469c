"""The examples of docs/headless.md do what they say: run against a running edge, or type-checked."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from edge.core import keys
from edge.core.access import make_key
from tests.serving import Running, Serve, remember
from tests.web.conftest import Node

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "headless.md").read_text()
# Name, as in its first line -> the example.
EXAMPLES = {
    name: f"{mark} {name}\n{code}"
    for mark, name, code in re.findall(
        r"^```(?:js|tsx|python)\n(//|#) (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL
    )
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project, with copies of our modules and its own packages."""
    for file in (ROOT / "edge" / "web").glob("endcap*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


@pytest.fixture
def key(data_dir: Path) -> str:
    """A secret key of the shop."""
    return make_key(data_dir, "demo")


@pytest.fixture
def edge(key: str, serve: Serve, redis: "Redis") -> Running:
    """An edge outside demo mode that knows `ada`."""
    running = serve(demo=False)
    remember(running, redis, "ada", "p004")
    return running


def python(name: str, edge: Running, key: str) -> str:
    """What a Python example prints. It gets more time than a page would: this machine may be busy."""
    code = EXAMPLES[name].replace("timeout_s=0.3", "timeout_s=20")
    env = {**os.environ, "ENDCAP_ENDPOINT": edge.url, "ENDCAP_KEY": key, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested() -> None:
    """A new one needs a test here."""
    assert set(EXAMPLES) == {"browser.js", "server.mjs", "product.tsx", "shelves.py", "orders.py"}
    assert len(re.findall(r"^```(js|jsx|ts|tsx|python|html)$", TEXT, re.MULTILINE)) == len(EXAMPLES)


@pytest.mark.store
def test_browser(node: Node, project: Path, serve: Serve, redis: "Redis") -> None:
    """In Node, which has the same fetch: shelves of the product, and the click is counted."""
    edge = serve()
    code = (
        EXAMPLES["browser.js"].replace("https://edge.example.com", edge.url).replace("timeout: 500", "timeout: 20_000")
    )
    (project / "browser.js").write_text(code)
    done = node.run(project / "browser.js")
    assert done.returncode == 0, done.stdout
    assert all(slot["title"] in done.stdout for slot in edge.shelves("pdp", product_id="p004", limit=4)["slots"])
    assert "[" in done.stdout
    assert "recommendation-click" in str(redis.xrange(keys.events_key("demo")))


@pytest.mark.store
def test_server(node: Node, project: Path, edge: Running, key: str) -> None:
    """A customer's homepage, by secret key."""
    (project / "server.mjs").write_text(EXAMPLES["server.mjs"].replace("timeout: 300", "timeout: 20_000"))
    done = node.run(project / "server.mjs", ENDCAP_ENDPOINT=edge.url, ENDCAP_KEY=key)
    assert "products, personal" in done.stdout, done.stdout


def test_react(node: Node, project: Path) -> None:
    """Compiles as strictly as can be."""
    (project / "product.tsx").write_text(EXAMPLES["product.tsx"])
    (project / "node_modules").symlink_to(node.modules)
    options = {"strict": True, "noEmit": True, "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler"}
    config = {"compilerOptions": {**options, "jsx": "react-jsx", "types": []}, "files": ["product.tsx"]}
    (project / "tsconfig.json").write_text(json.dumps(config))
    done = node.run(node.modules / "typescript" / "bin" / "tsc", "--project", project, timeout_s=300)
    assert done.returncode == 0, done.stdout


@pytest.mark.store
def test_shelves(edge: Running, key: str) -> None:
    """The same shelves as asked for by hand."""
    said = python("shelves.py", edge, key)
    asked = edge.client.get(
        "/v1/recommendations/home",
        params={"customer_id": "ada", "consent": "personalization", "limit": 4},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert said.splitlines() == [
        f"{slot['title']} {[item['product']['title'] for item in slot['items']]}" for slot in asked.json()["slots"]
    ]


@pytest.mark.store
def test_orders(edge: Running, key: str, redis: "Redis") -> None:
    """Taken; told twice it counts once; while the edge is away it is kept."""
    assert python("orders.py", edge, key) == "accepted\n"
    assert python("orders.py", edge, key) == "duplicate\n"
    assert redis.xlen(keys.events_key("demo")) == 1
    wrong = python("orders.py", edge, "sk_wrong")
    assert wrong.startswith("keep for later: [{")
    assert "'id': 'order-1001'" in wrong
