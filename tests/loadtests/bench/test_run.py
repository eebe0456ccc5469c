"""Whole runs against the real server on a small shop: all but the frameworks, which have environments to fetch."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from loadtests.bench import environments, servers, stages
from loadtests.bench.__main__ import app, chosen, main
from loadtests.bench.environments import environment
from loadtests.bench.machine import Cores
from loadtests.bench.run import PARTS, Options, run
from loadtests.bench.servers import Place, Server
from loadtests.server import ROOT, RunError
from tests.serving import until

WITHOUT = ("litserve", "bentoml", "bentoml-ready-made")


@pytest.fixture(autouse=True)
def _keep_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run keeps to the client's core, and takes nobody's own settings."""
    before, kept = os.sched_getaffinity(0), dict(os.environ)
    yield
    os.sched_setaffinity(0, before)
    os.environ.clear()
    os.environ.update(kept)


def small(demo: Path, **changes: Any) -> Options:
    """A run of seconds, on a shop that ranks few candidates."""
    values: dict[str, Any] = {
        "rounds": 1, "seconds": 1.0, "connections": 1, "shoppers": 60, "rate": 20.0, "starts": 1, "candidates": 3,
        "parts": tuple(part for part in PARTS if part not in WITHOUT),
    }  # fmt: skip
    return Options(demo, **values | changes)


def test_a_run_measures_all_and_leaves_nothing_behind(wrk: None, demo: Path) -> None:
    """Rates, latency, swaps, memory, start; then every process is gone and the model is the one that was live."""
    report = run(small(demo), Console(file=io.StringIO()))
    assert set(report["rates"]) == {"bare", "cached", "personal", "home", "cart"}
    assert all(sample["rate"] > 0 and sample["cpu_us"] > 0 for found in report["rates"].values() for sample in found)
    assert set(report["idle_cores"]) == {"endcap", "bare"}
    assert report["shop"]["shoppers"] == 60
    assert report["shop"]["candidates"] >= 3
    assert report["open_loop"]["requests"] > 20
    assert report["open_loop"]["lost"] == report["swap"]["lost"] == report["swap"]["refused"] == 0
    assert report["swap"]["swaps"] >= 1
    assert len(report["swap"]["versions"]) == 2
    assert 20e6 < report["memory"]["pss"] <= report["memory"]["rss"]
    assert len(report["ready"]["starts"]) == 1
    json.dumps(report)
    live = json.loads((demo / "bench" / "bundles" / "demo" / "live.json").read_bytes())["live"]
    assert live == json.loads((demo / "bundles" / "demo" / "live.json").read_bytes())["live"]
    mine = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(demo) not in mine


def test_a_small_shop_is_no_reference(wrk: None, demo: Path) -> None:
    """Where no page ranks a hundred candidates, there is nothing that floors could be about."""
    with pytest.raises(RunError, match="too small a shop"):
        run(small(demo, candidates=100, parts=("personal",)), Console(file=io.StringIO()))


def test_only_the_start(wrk: None, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line, with its figures in a file; too short for a verdict."""
    monkeypatch.setenv("ENDCAP_CACHE_TTL_S", "not a number, and nobody's business here")
    arguments = ["--data-dir", str(demo), "--only", "ready", "--quick", "--markdown", "--json", str(demo / "out.json")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    report = json.loads((demo / "out.json").read_text())
    assert set(report) == {"machine", "settings", "ready", "quick", "broken"}
    assert "| ready after start |" in done.output
    again = CliRunner().invoke(app, ["--from", str(demo / "out.json")])
    assert again.exit_code == 0
    report |= {"quick": False, "ready": {"seconds": 9.0, "starts": [9.0]}}
    (demo / "out.json").write_text(json.dumps(report))
    slow = CliRunner().invoke(app, ["--from", str(demo / "out.json")])
    assert slow.exit_code == 1
    assert "ready after start: 9 s, the floor is 2" in slow.output


def test_stages_of_two_checkouts(wrk: None, demo: Path, tmp_path: Path) -> None:
    """Side by side, each with a store in its own codec, asked for the same pages."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "edge").symlink_to(ROOT / "edge")
    (old / "backend").symlink_to(ROOT / "backend")
    core = min(os.sched_getaffinity(0))
    report = stages.measure(
        stages.sides(demo, old, None), place=demo / "bench", cores=Cores(core, core), rounds=1, seconds=1.0,
        shoppers=60, candidates=3,
    )  # fmt: skip
    for side in ("before", "after"):
        for surface in ("pdp", "home", "cart"):
            assert report["stages"][side][surface]["rank"] > 0
        assert report["stages"][side]["cached"]["all"] > 0
    with pytest.raises(RunError, match="no checkout of Endcap"):
        stages.sides(demo, tmp_path / "nowhere", None)


def test_an_older_checkouts_kernels_are_compiled_first(tmp_path: Path) -> None:
    """By its own setup.py; why it fails is said with the command."""
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "__main__.py").touch()
    assert stages.sides(tmp_path, tmp_path, None)[0].root == tmp_path  # from before there were kernels
    (tmp_path / "setup.py").write_text("import pathlib, sys; pathlib.Path('asked').write_text(' '.join(sys.argv[1:]))")
    stages.sides(tmp_path, tmp_path, None)
    assert (tmp_path / "asked").read_text() == "--quiet build_ext --inplace"
    (tmp_path / "setup.py").write_text("raise SystemExit('no compiler')")
    with pytest.raises(RunError, match=r"(?s)cannot be compiled: no compiler\nTry in it: .*setup.py"):
        stages.sides(tmp_path, tmp_path, None)


def test_parts_are_named() -> None:
    """All, some, or all but some; a name that is none is refused with those that are."""
    assert chosen(None, None) == PARTS
    assert chosen("ready, bare", None) == ("bare", "ready")
    assert chosen(None, "litserve,bentoml,bentoml-ready-made,home,cart,bare") == (
        "cached", "personal", "open-loop", "swap", "memory", "ready",
    )  # fmt: skip
    with pytest.raises(ValueError, match="'torchserve' cannot be measured; parts are bare, "):
        chosen("torchserve", None)


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """With the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place(tmp_path, "", Cores(0, 0), port=taken.getsockname()[1] - 1)
        with pytest.raises(RunError, match="is taken; stop what uses it, or leave --port out"):
            place.choose_port(1)


def test_a_server_that_fails_says_why(tmp_path: Path) -> None:
    """From its log; one that never gets ready is given up."""
    core = min(os.sched_getaffinity(0))
    place = Place(tmp_path, "unix:///nowhere.sock", Cores(core, core))
    fails = [sys.executable, "-c", "raise SystemExit('no model')"]
    with pytest.raises(RunError, match=r"(?s)failing ended with status 1 .*no model"):
        enter(place, "failing", fails)


def test_nothing_outlives_a_server_that_was_not_waited_for(tmp_path: Path) -> None:
    """Whatever ends the block, and though its parent left the child behind: some frameworks' workers are so."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    log = tmp_path / "log"

    def fail() -> None:
        with servers.ended_whole([sys.executable, "-c", code], {}, log):
            until(lambda: log.read_text().endswith("\n"))
            raise RunError("something else")

    with pytest.raises(RunError, match="something else"):
        fail()
    child = Path(f"/proc/{int(log.read_text())}/stat")
    until(lambda: not child.exists() or " Z " in child.read_text())


def test_a_server_that_is_never_ready_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ended, with all that it started."""
    monkeypatch.setattr(servers, "_READY_TIMEOUT_S", 0.5)
    core = min(os.sched_getaffinity(0))
    place = Place(tmp_path, "", Cores(core, core))
    code = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    )
    with pytest.raises(RunError, match="was not ready after"):
        enter(place, "silent", [sys.executable, "-c", code])
    child = int((tmp_path / "logs" / "silent.log").read_text())
    until(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text())


def enter(place: Place, name: str, command: list[str]) -> Server:
    """Start something as a server is started."""
    with servers._serving(place, name, command, 1, "/", {}) as server:
        return server


def test_an_environment_that_cannot_be_made_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pip's own words, and how to do without."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RunError, match=r"(?s)environment of litserve cannot be made: .*--without litserve"):
        environment("litserve", tmp_path)


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as its versions stay the same."""
    monkeypatch.setitem(environments.WANTED, "litserve", ())
    run: list[list[str]] = []

    def make(_: str, command: list[str]) -> None:
        (tmp_path / "litserve").mkdir(exist_ok=True)
        run.append(command)

    monkeypatch.setattr(environments, "_run", make)
    for _ in range(2):
        assert environment("litserve", tmp_path) == tmp_path / "litserve" / "bin"
    assert len(run) == 2  # venv and pip
    monkeypatch.setitem(environments.WANTED, "litserve", ("another",))
    environment("litserve", tmp_path)
    assert len(run) == 4


def test_ctrl_c_stops_everything(wrk: None, demo: Path) -> None:
    """Whatever is up at the moment; the exit status is 130."""
    command = [sys.executable, "-m", "loadtests.bench", "--data-dir", str(demo), "--quick", "--only", "ready"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        until(lambda: (demo / "bench" / "logs" / "ready.log").exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "everything that was started has been stopped" in told
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(demo) not in left


def test_what_cannot_be_done_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, no traceback; exit status 2."""
    monkeypatch.setattr(sys, "argv", ["bench", "--data-dir", str(tmp_path), "--only", "ready"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert main() == 2
    assert "apt-get install" in capsys.readouterr().err
