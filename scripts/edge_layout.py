"""What the edge consists of: by the Dockerfile, by pyproject.toml, in an environment, in a process that ran.

In: those files; the log that PYTHONPROFILEIMPORTTIME makes. Out: names and sizes. Standard library only.
"""

import json
import re
import shlex
import subprocess
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


class Dockerfile:
    """As much of a Dockerfile as is needed to do without Docker what it says: stages with ENV, COPY, USER and CMD."""

    def __init__(self, text: str) -> None:
        self.stages: dict[str, list[tuple[str, str]]] = {}
        stage: list[tuple[str, str]] = []
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            word, _, rest = line.partition(" ")
            if word == "FROM":
                stage = self.stages[rest.rpartition(" AS ")[2]] = []
            elif word and word != "#":
                stage.append((word, rest.strip()))

    def all(self, stage: str, word: str) -> list[str]:
        """What follows each `word` in a stage."""
        return [rest for one, rest in self.stages[stage] if one == word]

    def copied(self, stage: str) -> list[str]:
        """What a stage takes from the checkout."""
        return [name for rest in self.all(stage, "COPY") if "--from" not in rest for name in rest.split()[:-1]]

    def environment(self, stage: str = "edge") -> dict[str, str]:
        """The variables of a stage, without PATH, which here is another."""
        pairs = (pair.split("=", 1) for rest in self.all(stage, "ENV") for pair in shlex.split(rest))
        return {name: value for name, value in pairs if name != "PATH"}

    def user(self, stage: str = "edge") -> int:
        """The number of the user that the container runs as."""
        return int(self.all(stage, "USER")[-1].partition(":")[0])

    def command(self, stage: str = "edge") -> list[str]:
        """What the container starts."""
        command: list[str] = json.loads(self.all(stage, "CMD")[-1])
        return command


@dataclass
class Package:
    """One installed distribution: its name in lower case with hyphens; megabytes of files, compiled ones, too."""

    name: str
    version: str
    mb: float
    requires: list[str]
    modules: list[str]


_LIST = """
import json, sys
from importlib.metadata import distributions, packages_distributions
modules = packages_distributions()
def mb(one):
    weighed = sys.argv[1] == "*" or one.name in sys.argv[1].split(",")
    files = (one.files or []) if weighed else []
    return sum(path.stat().st_size for file in files if (path := file.locate()).is_file()) / 1e6
print(json.dumps([
    {
        "name": one.name, "version": one.version, "requires": one.requires or [], "mb": mb(one),
        "modules": [name for name, owners in modules.items() if one.name in owners],
    }
    for one in distributions()
]))
"""


def packages(python: Path, weighed: str = "") -> list[Package]:
    """What is installed in an environment. `weighed`: `*` or names with commas, for the rest `mb` is 0."""
    command = [str(python), "-I", "-c", _LIST, weighed]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [Package(**one | {"name": normal(one["name"])}) for one in json.loads(listed)]


def normal(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(pyproject: Path, installed: list[Package], extras: str = "") -> set[str]:
    """The edge, what it and its extras ask for, what these ask for, and so on, as far as it is installed."""
    project = tomllib.loads(pyproject.read_text())["project"]
    asked = list(project["dependencies"])
    for extra in filter(None, extras.split(",")):
        asked += project["optional-dependencies"][extra]
    known = {package.name: package for package in installed}
    found = {normal(project["name"])}
    while asked:
        requirement = asked.pop()
        name = normal(re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0])
        if name in known and name not in found and "extra ==" not in requirement:
            found.add(name)
            asked += known[name].requires
    return found


def pinned(constraints: Path) -> set[str]:
    """Every distribution this project ever installs."""
    lines = constraints.read_text().splitlines()
    return {normal(line.partition("==")[0]) for line in lines if "==" in line and not line.startswith("#")}


def imported(log: str, installed: list[Package]) -> dict[str, int]:
    """Distribution -> how many of its modules a process imported, by its own log; the standard library is left out."""
    owners = {module: package.name for package in installed for module in package.modules}
    names = set(re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", log, re.MULTILINE))
    tops = [owners[top] for name in names if (top := name.partition(".")[0]) in owners]
    return dict(sorted(Counter(tops).items()))
