"""No dependency is older than what its known holes allow: as pinned, as installed, and the store's program itself."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from edge.embedded import find_binary

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
LISTED: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "docs" / "minimum-versions.toml").read_text())
PYTHON = {name: Version(said["least"]) for name, said in LISTED["python"].items()}
EDGE_NEEDS_NOT = {"python-multipart"}


def pinned() -> dict[str, Version]:
    """What constraints.txt fixes."""
    lines = (line.partition(";")[0].partition("#")[0].strip() for line in CONSTRAINTS.splitlines())
    pairs = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): Version(number) for name, number in pairs}


def test_names_are_as_pip_has_them_and_reasons_are_given() -> None:
    """A name written otherwise would match nothing; each reason names a CVE."""
    assert all(canonicalize_name(name) == name for name in PYTHON)
    for said in (*LISTED["python"].values(), *LISTED["store"].values()):
        assert re.match(r"CVE-\d{4}-\d{4,}", said["why"])


@pytest.mark.parametrize("name", PYTHON)
def test_what_is_pinned_and_installed_is_new_enough(name: str) -> None:
    """Where it is either; most of the list is."""
    found = [pinned()[name]] if name in pinned() else []
    try:
        found.append(Version(version(name)))
    except PackageNotFoundError:
        assert name in pinned() or name in EDGE_NEEDS_NOT, f"{name} is neither pinned nor installed"
    assert all(one >= PYTHON[name] for one in found)


def test_the_project_asks_for_no_less() -> None:
    """The lower bounds in pyproject.toml, for those who install without the constraints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    for asked in map(Requirement, (*project["dependencies"], *extras)):
        least = PYTHON.get(canonicalize_name(asked.name))
        if least is not None:
            older = f"{least.major}.{least.minor}.{max(0, least.micro - 1)}"
            assert not asked.specifier.contains(older) or Version(older) >= least, f"{asked} allows {older}"


def test_the_edge_needs_no_reader_of_forms() -> None:
    """Nothing that the edge installs brings python-multipart."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not EDGE_NEEDS_NOT & {canonicalize_name(Requirement(one).name) for one in project["dependencies"]}
    assert not EDGE_NEEDS_NOT & set(pinned())


def test_the_store_itself_is_new_enough() -> None:
    """What the program says of its version, not what its package is called."""
    told = subprocess.run([find_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+\.\d+\.\d+)", told)
    assert found, told
    assert Version(found[1]) >= Version(LISTED["store"]["valkey"]["least"])
