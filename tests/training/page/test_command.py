"""`python -m training report`: what it writes, what it says, and how it fails."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.__main__ import app, main
from training.pipeline import Outcome


@pytest.fixture
def runner(bundle_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line for the sample shop's bundles."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ENDCAP_BUNDLES", str(bundle_root))
    monkeypatch.setenv("ENDCAP_SHOP", "demo")
    return CliRunner()


def test_it_says_where_and_how_large(runner: CliRunner, outcome: Outcome, tmp_path: Path) -> None:
    """By default below the data directory, named after the version."""
    told = runner.invoke(app, ["report", "live"])
    assert told.exit_code == 0, told.output
    out = tmp_path / "reports" / "demo" / f"{outcome.manifest.version}.html"
    assert told.output == f"{out}: {out.stat().st_size / 1024:,.0f} KiB\n"
    assert out.read_text("utf-8").startswith("<!doctype html>")


def test_a_bundle_may_be_named_three_ways(runner: CliRunner, outcome: Outcome, tmp_path: Path) -> None:
    """`live`, version and directory give the same page."""
    pages = set()
    for at, name in enumerate(("live", outcome.manifest.version, str(outcome.directory))):
        out = tmp_path / f"{at}.html"
        told = runner.invoke(app, ["report", name, "--out", str(out), "--previous", "live"])
        assert told.exit_code == 0, told.output
        pages.add(out.read_text("utf-8"))
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["20200101T000000Z-0000"], "no bundle at"),
        (["live", "--previous", "20200101T000000Z-0000"], "no bundle at"),
        (["live", "--out", "/"], "it is a directory"),
    ],
)
def test_failures_are_one_line(
    runner: CliRunner,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unknown bundle, an unknown bundle to compare with, a place that cannot be written to: exit code 2."""
    monkeypatch.setattr("sys.argv", ["training", "report", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("endcap: ")
    assert message in error
    assert error.count("\n") == 1
