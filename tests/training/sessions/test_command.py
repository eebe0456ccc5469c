"""`python -m training benchmark` as a program: what it prints, writes and exits with."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from edge.core.bundle import read_manifest, verify_files
from tests.visits import Files, ring, write_questions, write_sessions
from training.__main__ import main

RATES = ("hr@20", "mrr@20", "ndcg@20")


def command(monkeypatch: pytest.MonkeyPatch, data: Path, *arguments: object) -> int | str | None:
    """Run `python -m training benchmark ...` in this process; its exit status."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(data))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["training", "benchmark", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A training and a test file of a few sessions."""
    return (
        write_sessions(tmp_path / "train.txt", ring(120, seed=5, products=20)),
        write_questions(tmp_path / "test.txt", ring(15, seed=6, products=20)),
    )


@pytest.mark.usefixtures("quick")
def test_the_command_trains_scores_and_writes_the_figures(
    ring_files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From gzip and plain files to a JSON document, a verified bundle below the data directory, and tables."""
    out = tmp_path / "figures.json"
    assert command(monkeypatch, tmp_path / "data", ring_files.train, ring_files.test, "--json", out) == 0
    told = json.loads(out.read_text())
    assert {"endcap", "baselines", "data"} <= set(told)
    assert set(told["baselines"]) == {"popularity", "item_cosine", "sequential_rules", "session_knn"}
    for row in (told["endcap"], *told["baselines"].values()):
        assert all(0 <= row[name] <= 100 for name in (*RATES, "catalogue_coverage"))
        assert row["mrr@20"] <= row["ndcg@20"] <= row["hr@20"]
    wanted = {"candidate_recall", "p50_ms", "p99_ms", "training_seconds", "training_peak_mib", "bundle_mib"}
    assert wanted <= set(told["endcap"])
    assert all(told["endcap"][name] > told["baselines"]["popularity"][name] for name in RATES)
    assert told["data"]["training_sessions"] == len(ring_files.sessions)
    (bundle,) = (tmp_path / "data" / "bundles" / "benchmark").iterdir()
    verify_files(bundle, read_manifest(bundle))
    shown = capsys.readouterr().out
    for words in (
        "sequential rules",
        "session kNN",
        "Endcap",
        "candidate recall",
        "p50",
        "trees x leaves",
        "3 or more",
    ):
        assert words in shown
    assert f"{told['endcap']['hr@20']:.2f}" in shown
    assert str(bundle.name) in shown


@pytest.mark.usefixtures("quick")
def test_the_bundle_goes_where_it_is_told(
    small: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is written without being asked for."""
    assert command(monkeypatch, tmp_path / "data", *small, "--bundles", tmp_path / "elsewhere") == 0
    assert len(list((tmp_path / "elsewhere" / "benchmark").iterdir())) == 1
    assert not (tmp_path / "data").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"train.txt", "test.txt", "elsewhere"}


BAD: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "cannot be read"),
    "empty": (b"", "no session of two clicks or more"),
    "not gzip": (b"1 2 3\n", "cannot be read"),
    "not UTF-8": (gzip.compress(b"\xff 2\n"), "cannot be read"),
    "cut short": (gzip.compress(b"1 2 3\n" * 500)[:-10], "cannot be read"),
    "one click each": (gzip.compress(b"1\n2\n"), "no session of two clicks or more"),
    "too few": (gzip.compress(b"1 2\n2 1\n"), "2 sessions are too few"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_training_file_is_one_line(
    wrong: str,
    small: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 2, what is wrong and what to do, no traceback, no bundle."""
    data, reason = BAD[wrong]
    path = tmp_path / "bad.txt.gz"
    if data is not None:
        path.write_bytes(data)
    assert command(monkeypatch, tmp_path / "data", path, small[1]) == 2
    error = capsys.readouterr().err
    assert error.startswith("endcap: ")
    assert error.count("\n") == 1
    assert reason in error
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("test", "reason"),
    [(None, "cannot be read"), ("", "is empty"), ("1\t2\n1 2 3\n", "line 2: '1 2 3' is not")],
    ids=["missing", "empty", "no tab"],
)
def test_a_bad_test_file_is_one_line(
    test: str | None,
    reason: str,
    small: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 2 and the line that is wrong; no figures are written."""
    small[1].unlink()
    if test is not None:
        small[1].write_text(test)
    out = tmp_path / "figures.json"
    assert command(monkeypatch, tmp_path / "data", *small, "--json", out) == 2
    error = capsys.readouterr().err
    assert error.startswith("endcap: ")
    assert error.count("\n") == 1
    assert reason in error
    assert not out.exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("lines", ["p1\tp2\np2\tp3\n", "nobody\tp1\nnothing\tnobody\n"], ids=["one click", "unknown"])
def test_test_files_of_one_sort_only(
    lines: str, small: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visits of one click, visits nothing is known of: every row is there, none divides by nothing."""
    small[1].write_text(lines)
    out = tmp_path / "figures.json"
    assert command(monkeypatch, tmp_path / "data", *small, "--json", out) == 0
    told: dict[str, Any] = json.loads(out.read_text(), parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert told["endcap_by_clicks"]["1"]["questions"] == 2
    assert told["endcap_by_clicks"]["2"] == {"hr@20": 0, "mrr@20": 0, "ndcg@20": 0, "questions": 0}
    if lines.startswith("nobody"):
        assert told["data"]["questions_of_unknown_items"] == 1
        assert told["endcap"]["hr@20"] == told["baselines"]["popularity"]["hr@20"] == 50
