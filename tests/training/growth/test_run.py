"""`scripts/growth` from end to end: a tiny shop made, loaded, asked, served and drawn."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from training.growth.result import Point

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program behind the script."""
    command = [sys.executable, "scripts/growth_run.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tiny_size_from_generating_to_the_picture(tmp_path: Path) -> None:
    """Every figure is there and in its place; the data are gone afterwards."""
    out, picture = tmp_path / "growth.json", tmp_path / "growth.svg"
    work = tmp_path / "work"
    work.mkdir()
    asked = ("--quick", "--size", "300x2500", "--pages", "60", "--work", str(work))
    done = run(*asked, "--json", str(out), "--plot", str(picture))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 products" in done.stdout
    [point] = msgspec.json.decode(out.read_bytes(), type=list[Point])
    assert point.built.products == 300
    assert set(point.inside.pages) == {"all", "home", "pdp", "cart"}
    assert point.inside.pages["all"].pages == 60
    assert 0 < point.inside.pages["all"].p50_ms <= point.inside.pages["all"].p99_ms
    assert point.inside.candidates > 10
    assert [one.workers for one in point.served] == [1, 3]
    assert [len(one.memory_mib) for one in point.served] == [1, 3]
    assert point.served[0].personal > 0.5
    assert all(0 < worker["pss"] <= worker["rss"] for one in point.served for worker in one.memory_mib)
    assert picture.read_text().startswith("<?xml")
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("size", ["10000", "x", "100x5000", "10000x10", "-1x1000"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    """With what a size looks like, before anything is made."""
    told = run("--size", size)
    assert told.returncode == 2
    assert "PRODUCTSxSESSIONS" in told.stderr


def test_it_explains_itself() -> None:
    """What is measured, and the switches."""
    told = run("--help").stdout
    for word in ("--quick", "--json", "--plot", "--busy", "million products"):
        assert word in told
