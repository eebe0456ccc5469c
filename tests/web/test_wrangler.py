"""What wrangler and TypeScript say of the Worker, and whether the packages of tests and builds are pinned."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.web.conftest import ROOT, Node
from tests.web.needs import missing

CONTAINERS = Path(__file__).parent / "containers"


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
            [
                program,
                wrangler,
                "deploy",
                "--dry-run",
                f"--env={environment}",
                f"--config={path}",
                f"--outdir={folder}",
                *more,
            ],
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
    if environment == "containers":
        node.test(CONTAINERS.parent / "worker_container.test.mjs", BUNDLE=str(tmp_path / "container.js"))


def test_a_misspelt_key_is_found(node: Node, tmp_path: Path) -> None:
    """A key with a slip of the pen makes the check fail, though wrangler itself goes on."""
    right, wrong = "preview_urls", "preview_url"
    config = (ROOT / "wrangler.toml").read_text()
    assert right in config
    code, said = _dry_run(node, "", tmp_path, config.replace(right, wrong))
    assert code == 0
    assert any("Unexpected fields" in one for one in _complaints(code, said)), said


def test_the_workers_types_hold(node: Node) -> None:
    """TypeScript finds no name in the Worker's modules that is not there, and no shape that its comments deny."""
    options = ["--noEmit", "--allowJs", "--checkJs", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    options += ["--moduleResolution", "bundler", "--lib", "es2024,dom,dom.iterable,dom.asynciterable"]
    done = node.run(node.modules / "typescript" / "bin" / "tsc", *options, "edge/worker.js")
    assert done.returncode == 0, done.stdout


def test_lock_files_hold_no_download_addresses() -> None:
    """Packages come from whatever registry npm is set to; the lock files hold versions and checksums only."""
    for folder in (ROOT, CONTAINERS):
        lock = json.loads((folder / "package-lock.json").read_text())
        assert not [name for name, entry in lock["packages"].items() if "resolved" in entry], folder
        assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text()
        for section in ("dependencies", "devDependencies", "optionalDependencies"):
            versions = json.loads((folder / "package.json").read_text()).get(section, {})
            assert all(version[0].isdigit() for version in versions.values()), "exact versions only"
