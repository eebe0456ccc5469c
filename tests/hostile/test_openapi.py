"""Schemathesis against a running edge: whatever the OpenAPI document allows or forbids is answered as it says.

ENDCAP_FUZZ=20 asks twenty times as much of everything under tests/hostile.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.core.access import make_key
from tests.edge.doors import SETTINGS
from tests.hostile.effort import EFFORT
from tests.serving import Running, Serve

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "allow_header_conformance",
    "unsupported_method",
)


def ask(running: Running, directory: Path, *options: str, phases: str = "coverage,fuzzing", examples: int = 8) -> str:
    """Let schemathesis ask all it can think of; what it says. Asserts that it found nothing and all still runs."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{running.url}/openapi.json", "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--phases", phases, "--max-examples", str(examples * EFFORT)]
    command += [
        "--continue-on-failure",
        "--request-timeout",
        "60",
        "--generation-database",
        "none",
        "--warnings",
        "off",
    ]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it is not ours
    done = subprocess.run([*command, *options], cwd=directory, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert running.client.get("/healthz").json() == {"status": "ok"}
    assert running.shelves("home")["slots"]
    return done.stdout


def test_the_document_is_true_where_nobody_needs_a_key(edge: Running, tmp_path: Path) -> None:
    """In demo mode: every operation, valid and broken requests alike; no 5xx, no status or shape it does not name."""
    operations = sum(len(item.keys() & {"get", "post"}) for item in document(edge)["paths"].values())
    assert f"Tested: {operations}" in ask(edge, tmp_path)


@pytest.mark.parametrize("shown", ["secret key", "nothing"])
def test_the_document_is_true_behind_the_doors(serve: Serve, data_dir: Path, tmp_path: Path, shown: str) -> None:
    """With keys, app proxy and Worker set up: who shows a server's key, and who shows nothing, is told as it says."""
    key = make_key(data_dir, "demo")
    running = serve(demo=False, **SETTINGS)
    running.client.headers["Authorization"] = f"Bearer {key}"
    options = ("-H", f"Authorization: Bearer {key}") if shown == "secret key" else ()
    ask(running, tmp_path, *options, phases="fuzzing", examples=4)


def document(running: Running) -> dict[str, Any]:
    """What the edge says of itself."""
    said: dict[str, Any] = running.client.get("/openapi.json").json()
    return said
