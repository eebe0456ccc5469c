"""What people read: tables, readiness, the command line, progress."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from edge.core.bundle import read_live
from edge.core.errors import BundleError
from training import report
from training.__main__ import app, main
from training.dataset import Dataset
from training.metrics import RATES
from training.pipeline import Outcome
from training.stages import Stages


def method(ndcg: float, recall: float = 0.2, width: float = 0.02, **more: float) -> dict[str, float]:
    """One method's figures: all rates alike but NDCG@10 and recall@10, every interval equally wide."""
    rates = dict.fromkeys(RATES, 0.4) | {"ndcg@10": ndcg, "recall@10": recall}
    lows = {f"{rate}_low": value - width for rate, value in rates.items()}
    highs = {f"{rate}_high": value + width for rate, value in rates.items()}
    exposure = {"coverage@10": 0.05, "percentile@10": 0.98, "sold_share@10": 0.01}
    return rates | lows | highs | exposure | {"queries": 7.0, "shoppers": 5.0} | more


LEADS = {
    f"lead{suffix}{end}": value
    for suffix in ("", ":recall@10", ":mrr@20")
    for end, value in (("", 0.03), ("_low", 0.01), ("_high", 0.05))
}
METRICS = {
    "buy_again": {
        "endcap": method(0.33, 0.3, **LEADS),
        "retrieval_order": method(0.25),
        "popularity": method(0.1),
        "own_frequency": method(0.26, 0.25),
        "item_cosine": method(0.2),
        "als": method(0.11),
        "bpr": method(0.05),
        "tifu_knn": method(0.3, 0.24),
        "bought": {"coverage@10": 0.1, "percentile@10": 0.9, "sold_share@10": 0.004, "queries": 7.0, "shoppers": 5.0},
    }
}


def shown(thing: object) -> str:
    """What a wide terminal without colours would show."""
    console = Console(file=io.StringIO(), width=200)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line whose data directory is the test's own."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ENDCAP_SHOP", "demo")
    monkeypatch.setenv("ENDCAP_TRAIN_ORDERS", "300")
    monkeypatch.setenv("ENDCAP_TEST_ORDERS", "50")
    return CliRunner()


def test_rows_mark_the_best_baseline() -> None:
    """The star is for the best of the baselines of each metric, never for us; NDCG@10 comes with its interval."""
    rows = list(report.evaluation_rows(METRICS))
    assert [row[1].strip() for row in rows] == [name.strip() for name in report.METHODS.values()]
    cells = {row[1].strip(): dict(zip(report.METRICS, row[3], strict=True)) for row in rows}
    assert cells["Endcap"]["ndcg@10"] == "0.3300 (0.3100 to 0.3500)"
    assert cells["TIFU-KNN"]["ndcg@10"] == "0.3000* (0.2800 to 0.3200)"
    assert cells["own most frequent"]["recall@10"] == "0.2500*"
    assert not [cell for cell in cells["Endcap"].values() if "*" in cell]
    assert {row[2] for row in rows} == {7}


def test_the_table_names_each_shelf_once() -> None:
    """A shelf's name stands in its first line only."""
    assert shown(report.evaluation_table(METRICS)).count("buy_again") == 1


def test_markdown_has_rates_leads_and_exposure() -> None:
    """Two tables, each a header, a rule and a line per method with equally many cells; between them the leads."""
    rates, leads, exposure = report.evaluation_markdown(METRICS).strip().split("\n\n")
    for table, methods in ((rates.split("\n"), 8), (exposure.split("\n"), 9)):
        assert len(table) == 2 + methods
        assert len({line.count("|") for line in table}) == 1
    assert leads.startswith("- buy_again: ndcg@10 +0.0300 on TIFU-KNN")
    assert "- buy_again: recall@10 +0.0300 on own most frequent" in leads
    assert exposure.split("\n")[-1] == "| buy_again | what was bought | 0.1000 | 0.9000 | 0.0040 |"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.05, "ahead, though the intervals of both touch"),
        (-0.01, 0.05, "too close to call"),
        (-0.05, -0.01, "behind"),
    ],
)
def test_a_lead_is_only_claimed_when_it_is_sure(low: float, high: float, verdict: str) -> None:
    """By the paired interval, not by the mean."""
    ours = METRICS["buy_again"]["endcap"] | {"lead_low": low, "lead_high": high}
    line = next(report.lead_lines({"buy_again": METRICS["buy_again"] | {"endcap": ours}}))
    assert line == f"buy_again: ndcg@10 +0.0300 on TIFU-KNN ({low:+.4f} to {high:+.4f}), {verdict}"


def test_intervals_apart_are_said_to_be() -> None:
    """The ranker's low end above every baseline's high end."""
    narrow = {name: method(0.33 if name == "endcap" else 0.3, width=0.01) for name in ("endcap", "tifu_knn", "als")}
    narrow["endcap"] |= LEADS
    assert next(report.lead_lines({"buy_again": narrow})).endswith("ahead, the intervals of both apart")


def test_nothing_measured_shows_empty_tables() -> None:
    """A shop without measurements has tables without lines."""
    assert list(report.evaluation_rows({})) == []
    assert list(report.lead_lines({})) == []


def test_inspect_explains_the_bundle(outcome: Outcome) -> None:
    """Version, window, features, files, figures and readiness are all told."""
    text = shown(report.inspect(outcome.directory))
    for piece in (outcome.manifest.version, "all checksums as written", "own_count", "pair_items.npy", "ranker.onnx",
                  "labels from", "own most frequent", "came back to buy", "opset", "ai.onnx 21"):  # fmt: skip
        assert piece in text or piece == "opset", piece


def test_inspect_finds_damage(outcome: Outcome, tmp_path: Path) -> None:
    """A bundle with a byte changed is not explained but refused."""
    copy = tmp_path / "copy"
    for path in outcome.directory.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(outcome.directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    with (copy / "ranker.onnx").open("r+b") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"ranker\.onnx is damaged"):
        report.inspect(copy)


def test_a_bundle_is_found_by_path_version_or_live(outcome: Outcome, bundle_root: Path) -> None:
    """All three name the same directory."""
    names = (str(outcome.directory), outcome.manifest.version, "live")
    assert {report.find_bundle(name, bundle_root, "demo") for name in names} == {outcome.directory}


def test_show_ends_with_a_line_per_slot(outcome: Outcome) -> None:
    """Each slot's sentence is one line."""
    console = Console(file=io.StringIO(), width=80)
    report.show(console, outcome.manifest)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    for slot, sentence in outcome.manifest.readiness.items():
        assert f"{slot}: {sentence}" in lines


def test_the_command_line_from_sample_to_inspect(runner: CliRunner, tmp_path: Path) -> None:
    """sample, prepare, run and inspect in a row leave a live bundle, a catalogue and an explanation."""
    plain = str(tmp_path / "plain")
    assert runner.invoke(app, ["sample", plain]).exit_code == 0
    prepared = runner.invoke(app, ["prepare", plain])
    assert prepared.exit_code == 0, prepared.output
    assert (tmp_path / "catalogue" / "demo.cat").is_file()
    markdown = tmp_path / "evaluation.md"
    trained = runner.invoke(app, ["run", "--markdown", str(markdown)])
    assert trained.exit_code == 0, trained.output
    assert "(live)" in trained.output
    assert re.search(r"\d+ s, [\d,]+ MiB at most", trained.output)
    assert markdown.read_text().startswith("| shelf |")
    told = runner.invoke(app, ["inspect", "live", "--json"])
    assert set(json.loads(told.output)) == {"metrics", "readiness"}
    again = runner.invoke(app, ["run", "--if-stale"])
    assert "nothing to do" in again.output
    assert read_live(tmp_path / "bundles", "demo").live in again.output


def test_a_run_without_publishing_is_not_live(runner: CliRunner, shop_dir: Dataset, tmp_path: Path) -> None:
    """The bundle is written, live.json is not, and the message says how to make it live."""
    done = runner.invoke(app, ["run", "--dataset", str(shop_dir.directory), "--no-publish"])
    assert done.exit_code == 0, done.output
    assert "not published" in done.output
    assert not (tmp_path / "bundles" / "demo" / "live.json").exists()


@pytest.mark.parametrize("command", ["prepare", "completejourney", "sample", "run", "inspect", "report"])
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    """`--help` works for each command and says something."""
    told = runner.invoke(app, [command, "--help"])
    assert told.exit_code == 0
    assert "Usage" in told.output


def test_a_wrong_purpose_is_refused(runner: CliRunner, tmp_path: Path) -> None:
    """A consent that does not exist is not assumed."""
    told = runner.invoke(app, ["prepare", str(tmp_path), "--assume-consent", "everything"])
    assert told.exit_code == 2
    assert "'everything' is not a purpose" in re.sub(r"\s+", " ", told.output.replace("│", " "))


def test_an_expected_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No data set: exit code 2 and a sentence, not a traceback."""
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["training", "run"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("endcap: no prepared data set at")


def test_stages_tell_how_long_is_left() -> None:
    """After a stage of half the usual time, as long again is left; at the end it says done."""
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with Stages({"one": 1.0, "two": 1.0}, console).shown() as stages:
        with stages.stage("one", total=4) as advance:
            for done in range(1, 5):
                advance(done)
        whole = stages._progress.tasks[0]
        assert re.fullmatch(r"about \d+ s left", whole.fields["left"])
        assert whole.percentage == pytest.approx(50)
        with stages.stage("two"):
            pass
        assert whole.fields["left"] == "done"
    assert list(stages.seconds) == ["one", "two"]


def test_the_command_line_refuses_an_unknown_bundle(runner: CliRunner) -> None:
    """A version that is not there is an error that names where it was looked for."""
    told = runner.invoke(app, ["inspect", "20200101T000000Z-0000"])
    assert isinstance(told.exception, BundleError)
    assert "20200101T000000Z-0000" in str(told.exception)


def test_inspect_shows_tables(runner: CliRunner, outcome: Outcome) -> None:
    """Without --json the command prints what `report.inspect` makes."""
    told = runner.invoke(app, ["inspect", str(outcome.directory)])
    assert told.exit_code == 0
    assert outcome.manifest.version in told.output
