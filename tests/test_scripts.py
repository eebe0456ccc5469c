"""The scripts, as far as they go without installing anything: what they say, and what they refuse."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.core import built
from tests.web.needs import missing

ROOT = Path(__file__).parent.parent
SCRIPTS = ("demo", "test", "check", "load", "growth", "edge-only", "install-edge")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the scripts beside an environment that has everything already."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("pyproject.toml", "constraints.txt", "edge/core/built.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    refuses = '[ "$2" = pip ] && { echo "a test may not install into its own environment" >&2; exit 70; }'
    python.write_text(f'#!/bin/sh\n{refuses}\nexec {sys.executable} "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    both = (tmp_path / "pyproject.toml").read_bytes() + (tmp_path / "constraints.txt").read_bytes()
    sums = subprocess.run(["cksum"], input=both, capture_output=True, check=True).stdout.split()[0].decode()
    for extra in ("demo", "dev", "load"):
        (tmp_path / ".venv" / f"installed-{extra}").write_text(f"{sums}\n")
    return tmp_path


def run(checkout: Path, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One script, as a person would call it."""
    command = [str(checkout / "scripts" / script), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ENDCAP_", "REDIS", "PORT"))}
    return subprocess.run(
        command, env=inherited | environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_can_be_run_and_is_sound(script: str) -> None:
    """Executable, and bash finds no fault in its grammar."""
    path = ROOT / "scripts" / script
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert "set -euo pipefail" in path.read_text()


def test_ci_calls_the_readmes_test_command_first() -> None:
    """Then the linters; what people run is what CI runs."""
    text = (ROOT / ".ci" / "run").read_text()
    assert text.index("scripts/test") < text.index("scripts/check")
    assert "scripts/test " in (ROOT / "README.md").read_text()
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)


def test_demo_explains_itself(checkout: Path) -> None:
    """Before it does anything."""
    told = run(checkout, "demo", "--help")
    assert told.returncode == 0
    for word in ("--check", "--prepare", "--port", "Ctrl-C"):
        assert word in told.stdout


def test_demo_refuses_what_it_does_not_know(checkout: Path) -> None:
    """With the usage."""
    told = run(checkout, "demo", "--chekc")
    assert told.returncode == 2
    assert "usage:" in told.stderr


@pytest.mark.parametrize("mode", [(), ("--check",)])
def test_demo_says_when_its_port_is_taken(checkout: Path, mode: tuple[str, ...]) -> None:
    """At once, not after two minutes of training, and with the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for told in (run(checkout, "demo", *mode, "--port", port), run(checkout, "demo", *mode, PORT=port)):
            assert told.returncode == 2
            assert f"port {port} is taken" in told.stderr
            assert "--port" in told.stderr
    assert not (checkout / "data").exists()


def test_demo_wants_its_ports_for_backend_and_shop_too(checkout: Path) -> None:
    """They follow the server's; a taken one of them is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        told = run(checkout, "demo", "--port", str(port - 2))
    assert told.returncode == 2
    assert "is taken" in told.stderr


@pytest.mark.parametrize("script", ["demo", "test", "check"])
def test_a_python_that_is_too_old_or_missing_is_named(checkout: Path, script: str) -> None:
    """And how to name another one."""
    shutil.rmtree(checkout / ".venv")
    told = run(checkout, script, PYTHON="no-such-python")
    assert told.returncode == 2
    assert "Python 3.11" in told.stderr
    assert "PYTHON=" in told.stderr


def test_a_python_without_venv_says_what_to_install(checkout: Path) -> None:
    """As Debian ships it; no half environment stays."""
    shutil.rmtree(checkout / ".venv")
    bare = checkout / "bare-python"
    bare.write_text(f'#!/bin/sh\n[ "$2" = venv ] && mkdir -p .venv && exit 1\nexec {sys.executable} "$@"\n')
    bare.chmod(0o755)
    told = run(checkout, "test", PYTHON=str(bare))
    assert told.returncode == 2
    assert "apt-get install python3-venv" in told.stderr
    assert not (checkout / ".venv").exists()


def test_what_is_installed_is_not_installed_again(checkout: Path) -> None:
    """Until pyproject.toml or the constraints change."""
    told = run(checkout, "demo", "--help")
    assert "Installing" not in told.stdout
    script = "source scripts/environment; ensure_environment demo; echo ready"
    fresh = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, check=True)
    assert fresh.stdout == "ready\n"
    with (checkout / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" >> asked\n')
    again = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, check=True)
    assert "Installing what 'demo' needs" in again.stdout
    asked = (checkout / "asked").read_text()
    assert "--constraint constraints.txt" in asked
    assert ".[demo]" in asked


def test_kernels_are_compiled_again_when_they_changed(checkout: Path) -> None:
    """Without looking at the extras again; what is compiled and unchanged is left alone."""
    kernels = checkout / "edge" / "core" / "compiled"
    kernels.mkdir()
    kernel = kernels / "sums.pyx"
    kernel.write_text("def add(a, b): return a + b\n")
    python = checkout / ".venv" / "bin" / "python"
    script = "source scripts/environment; ensure_environment demo; echo ready"
    python.write_text(f'#!/bin/sh\necho "$@" >> asked\n[ "$2" = pip ] || exec {sys.executable} "$@"\n')
    told = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout == "Compiling the kernels ...\nready\n"
    assert (checkout / "asked").read_text().splitlines()[-1].endswith("--no-deps --editable .")
    built.compiled(kernel).touch()
    built.record(kernel, built.digest(kernel, built.shared(kernels)))
    told = subprocess.run(["bash", "-c", script], cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout == "ready\n"


def test_constraints_pin_plainly() -> None:
    """Name and version, one a line: no address, no hash, nothing of this or any other machine."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, _, version = line.partition("==")
            assert name.replace("-", "").replace("_", "").replace(".", "").isalnum(), line
            assert version[0].isdigit(), line


def test_load_refuses_hosts_of_others(checkout: Path) -> None:
    """A load test aimed at somebody else's machine is an attack."""
    environment = {"PYTHONPATH": str(ROOT)}
    told = run(checkout, "load", "--host", "http://192.0.2.1:8000", "--duration", "1", **environment)
    assert told.returncode == 2
    assert "is not this machine" in told.stderr


def _ensure_node(checkout: Path, *, node: str | None, npm: str | None) -> subprocess.CompletedProcess[str]:
    """`ensure_node` with these programs in the place of Node and npm; None: there is none."""
    programs = checkout / "programs"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir()
    for name in ("bash", "cat", "cksum", "cut"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, script in (("node", node), ("npm", npm)):
        if script is not None:
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
    command = ["bash", "-c", "set -euo pipefail; source scripts/environment; ensure_node; echo went on"]
    environment = {"PATH": str(programs)}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture
def packages(checkout: Path) -> Path:
    """The checkout with packages to install."""
    for name in ("package.json", "package-lock.json"):
        (checkout / name).write_text("{}")
    return checkout


@pytest.mark.parametrize(("node", "npm"), [(None, None), ("exit 1", "exit 0"), ("exit 0", None)])
def test_without_node_it_says_so_and_goes_on(packages: Path, node: str | None, npm: str | None) -> None:
    """No Node, one that is too old, or no npm: the other tests still run."""
    told = _ensure_node(packages, node=node, npm=npm)
    assert "Node.js 20 or newer with npm is missing" in told.stderr
    assert told.stdout == "went on\n"


def test_node_packages_are_installed_once_per_change(packages: Path) -> None:
    """By npm ci, which keeps to the lock file; again when that changes, and when it failed."""
    npm = 'echo "npm $1" && PATH=/bin:/usr/bin mkdir -p node_modules'
    assert "npm ci" in _ensure_node(packages, node="exit 0", npm=npm).stdout
    assert _ensure_node(packages, node="exit 0", npm=npm).stdout == "went on\n"
    (packages / "package-lock.json").write_text('{"other": 1}')
    failed = _ensure_node(packages, node="exit 0", npm="exit 1")
    assert "npm ci failed" in failed.stderr
    assert "went on" in failed.stdout
    assert "npm ci" in _ensure_node(packages, node="exit 0", npm=npm).stdout


def test_node_packages_behind_a_link_are_left_alone(packages: Path) -> None:
    """Whoever made the link fills what it leads to."""
    (packages / "node_modules").symlink_to(packages)
    assert _ensure_node(packages, node="exit 0", npm="exit 1").stdout == "went on\n"


@pytest.mark.parametrize(("version", "installs"), [("20.20.2", True), ("22.1.0", True), ("18.19.0", False)])
def test_the_version_of_node_is_asked_of_node_itself(packages: Path, version: str, installs: bool) -> None:
    """By the program that the script gives it, run by a real Node that says it is of another version."""
    node = shutil.which("node")
    if node is None:
        missing("node", "install Node.js 20 or newer with npm")
    script = f"Object.defineProperty(process, 'versions', {{value: {{node: '{version}'}}}});"
    pretending = f"""exec {node} -e "{script} $2" """
    npm = 'echo "npm $1" && PATH=/bin:/usr/bin mkdir -p node_modules'
    assert ("npm ci" in _ensure_node(packages, node=pretending, npm=npm).stdout) == installs
