"""The command line: options, exit statuses, and messages in plain words."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.server import ROOT


def loadtests(*arguments: str, cwd: Path = ROOT, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a person does."""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "loadtests", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "100", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["run", "shelves"])
def test_help_names_the_options(command: str) -> None:
    """In plain words."""
    done = loadtests(command, "--help")
    assert done.returncode == 0
    for option in ("--host", "--i-own-this-host"):
        assert option in done.stdout


def test_help_names_the_shapes() -> None:
    """And what is added by each."""
    done = loadtests("run", "--help")
    for word in ("--shape", "steady", "spike", "soak", "--knee", "--network", "--duration"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--host", "http://shop.example"), "attack"),
        (("run", "--host", "shop"), "no address of a server"),
        (("run", "--customers", "9-3"), "smaller number first"),
        (("run", "--fault", "redis", "--host", "http://127.0.0.1:1"), "cannot be had with --host"),
        (("run", "--host", "http://127.0.0.1:1"), "does not serve"),
        (("run", "--shape", "soak", "--host", "http://127.0.0.1:1"), "cannot be had with --host"),
        (("run", "--knee", "300"), "needs --shape spike"),
        (("shelves", "--customer", "1", "--host", "http://shop.example"), "attack"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit status 2 and no traceback."""
    done = loadtests(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("loadtests: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("run", "--rate", "0"), ("run", "--fault", "sun"), ("run", "--shape", "cube"), ("shelves",), ("walk",)],
)
def test_wrong_usage_is_exit_status_2(arguments: tuple[str, ...]) -> None:
    """As everywhere."""
    assert loadtests(*arguments).returncode == 2


def test_a_run_that_breaks_a_budget_is_exit_status_1(tmp_path: Path, shop: Any) -> None:
    """From any directory; the verdict and the places of the reports are printed."""
    shop.model_version = None
    done = loadtests("run", "--host", shop.url, "--rate", "10", "--duration", "1", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
    assert "no model version" in done.stdout
    assert (tmp_path / "reports" / "load.json").exists()


def test_the_check_passes_for_a_known_customer(shop: Any) -> None:
    """Exit status 0, and the shelves are printed."""
    done = loadtests("shelves", "--host", shop.url, "--customer", "1", "--check")
    assert done.returncode == 0, done.stderr
    assert "Product p0" in done.stdout


def test_the_check_fails_when_nothing_is_personal(shop: Any) -> None:
    """Exit status 1 with the reason; without --check the same is only printed."""
    shop.degraded = ["profile"]
    done = loadtests("shelves", "--host", shop.url, "--customer", "9", "--check")
    assert done.returncode == 1
    assert "nothing personal" in done.stdout
    assert "degraded: profile" in done.stdout
    assert loadtests("shelves", "--host", shop.url, "--customer", "9").returncode == 0


def test_no_locust_is_imported_by_the_command_line() -> None:
    """Locust patches the whole process through gevent: it belongs in one of its own."""
    names = ["locust", "gevent", "edge", "duckdb"]
    code = f"import sys, loadtests.__main__; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
