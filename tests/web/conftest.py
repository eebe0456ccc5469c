"""What tests of the browser and Worker parts stand on: Node with the project's packages.

Where something is missing, `needs` says what happens.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.web.needs import missing

ROOT = Path(__file__).parents[2]
NODE_MIN = (20, 3)
_QUIET = {"CI": "1", "WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1"}


# --- Node ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """Node with the packages of `package.json`; commands run in the repository's root."""

    path: str
    modules: Path

    def run(self, *arguments: str | Path, timeout_s: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        """`node ARGUMENTS`; its output is text, stderr beside stdout. Does not raise for an exit status."""
        return subprocess.run(
            [self.path, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **_QUIET, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def test(self, *files: str | Path, timeout_s: float = 120, **env: str) -> str:
        """`node --test FILES`; fails with their output unless every test passes. Returns the output."""
        done = self.run("--test", "--test-reporter=spec", *files, timeout_s=timeout_s, **env)
        if done.returncode:
            pytest.fail(done.stdout, pytrace=False)
        return done.stdout


@pytest.fixture(scope="session")
def node() -> Node:
    """Node 20.3 or newer, and `node_modules` filled by `npm ci` (scripts/test does it)."""
    path = shutil.which("node")
    if path is None:
        missing("node", "install Node.js 20 or newer with npm, then run scripts/test")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    if tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2]) < NODE_MIN:
        missing("node", f"Node.js 20.3 or newer is needed, {path} is {said.strip()}")
    modules = ROOT / "node_modules"
    if not (modules / "wrangler").is_dir():
        missing("node", "its packages are not installed; run npm ci in the repository's root, or scripts/test")
    return Node(path, modules)
