"""The command `key`: keys of both kinds, made, listed, rotated and removed."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from edge.core.access import PUBLISHABLE, matching, read_keys, shop_of
from tests.backend.program import backend

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`python -m backend key ...` on the test's data directory."""
    return partial(backend, "key", ENDCAP_DATA_DIR=str(tmp_path))


def test_keys_are_made_listed_and_removed(command: Command, tmp_path: Path) -> None:
    """The key alone on its line; the list shows ids, never keys; removing an unknown one is an error."""
    made = command()
    key = made.stdout.splitlines()[0]
    (kept,) = read_keys(tmp_path)
    assert shop_of((kept,), f"Bearer {key}") == "demo"
    listed = command("--list")
    assert kept.id in listed.stdout
    assert key not in listed.stdout
    assert len(read_keys(tmp_path)) == 1, "looking makes none"
    assert command("--remove", kept.id).returncode == 0
    assert read_keys(tmp_path) == ()
    again = command("--remove", kept.id)
    assert again.returncode == 2
    assert "--list" in again.stderr


def test_with_an_origin_it_makes_a_publishable_key(command: Command, tmp_path: Path) -> None:
    """Listed with its origins and what it stands in place of; what is no origin is refused in one line."""
    key = command("--origin", "https://a.example", "--origin", "https://b.example").stdout.splitlines()[0]
    (kept,) = read_keys(tmp_path, PUBLISHABLE)
    assert matching((kept,), key) == kept
    rotated = command("--rotate", kept.id)
    assert f"remove {kept.id}" in rotated.stdout
    assert matching(read_keys(tmp_path, PUBLISHABLE), rotated.stdout.splitlines()[0])
    listed = command("--list").stdout.splitlines()
    assert len(listed) == 2
    assert all("pk_...  demo" in line and "for https://a.example, https://b.example" in line for line in listed)
    assert listed[1].endswith(f"in place of {kept.id}")
    wrong = command("--origin", "a.example")
    assert wrong.returncode == 2
    assert "no origin" in wrong.stderr


def test_one_thing_at_a_time(command: Command, tmp_path: Path) -> None:
    """Two orders at once are a mistake, and nothing is done."""
    assert command("--origin", "https://a.example", "--rotate", "x").returncode == 2
    assert command("--rotate", "unknown").returncode == 2
    assert read_keys(tmp_path, PUBLISHABLE) == ()
