"""`python -m backend import` as people type it."""

import subprocess
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from tests.backend.program import backend
from tests.serving import KEY
from training import sample

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path, session_store: str, redis: "Redis") -> Command:
    """The command on a data directory of the test's own."""
    settings = {"ENDCAP_DATA_DIR": str(tmp_path / "data"), "REDIS_URL": session_store, "ENDCAP_PSEUDONYM_KEY": KEY}
    return partial(backend, "import", **settings)


def test_a_directory_is_imported_with_a_report(command: Command, tmp_path: Path) -> None:
    """What came in, what did not, and status 0."""
    source = sample.generate(tmp_path / "sample", ends=date(2026, 10, 31))
    done = command("plain", str(source), "--consent", "analytics,personalization")
    assert done.returncode == 0, done.stderr
    assert "rows on" in done.stdout
    assert "writing days" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plain", "x", "--consent", "everything"), "no purpose"),
        (("shopify", "x.jsonl"), "--consent analytics"),
        (("shopify", "--consent", "analytics"), "--run"),
        (("shopify", "x.jsonl", "--run", "--consent", "analytics"), "--run"),
        (("bigcommerce", "--consent", "analytics"), "--run"),
        (("bigcommerce", "--run", "--consent", "analytics"), "ENDCAP_BIGCOMMERCE_URL"),
        (("shopify", "nowhere.jsonl", "--consent", "analytics"), "is no file"),
        (("plain", "nowhere"), "not a directory"),
    ],
)
def test_what_cannot_be_done_is_said(command: Command, arguments: tuple[str, ...], words: str) -> None:
    """Status 2 and a line with the remedy, no traceback."""
    done = command(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
