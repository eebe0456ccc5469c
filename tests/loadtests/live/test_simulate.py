"""The whole loop, lived by a small shop: its last weeks go through real servers, a model is trained, judged, approved.

Everything is a process of its own, as in a shop: three edges, the backend with its services, the trainer, two stores.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loadtests.__main__ import app
from loadtests.live.admin import Admin, Candidate
from loadtests.live.arms import Asked
from loadtests.live.servers import playing
from loadtests.live.simulate import Lived, save
from loadtests.server import RunError
from training.dataset import Dataset
from training.holdout import HISTORY, REPLAY, hold_out

SMALL = {"ENDCAP_TRAIN_ORDERS": "300", "ENDCAP_TEST_ORDERS": "80", "ENDCAP_GATE_ORDERS": "120"}


def program(data_dir: Path, *arguments: str) -> None:
    """Run one of our programs to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ENDCAP_", "REDIS"))}
    environment = inherited | SMALL | {"ENDCAP_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def past(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with replay.jsonl.gz and two copies of a shop that knows only what came before it."""
    root = tmp_path_factory.mktemp("past")
    hold_out(shop_dir, 10, root)
    live = root / "live"
    program(live, "backend", "import", "plain", str(root / HISTORY))
    program(live, "backend", "prepare")
    program(live, "training", "run")
    program(live, "backend", "refresh")
    shutil.copytree(live, root / "frozen")
    return root


def test_the_loop_renews_the_model_and_counts_every_event_once(
    past: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week is lived, the backend trains by itself, the candidate passes, is approved and serves the rest."""
    shutil.copytree(past / "live", tmp_path / "live")
    for name, value in (SMALL | {"ENDCAP_RETRAIN_INTERVAL_H": "48", "ENDCAP_GATE_COLLAPSE": "1"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENDCAP_GATE_WORSE", "1")  # so small a shop's shelves go up and down; the gate has its own tests
    monkeypatch.setenv("ENDCAP_GATE_COVERAGE", "1")
    monkeypatch.setenv("ENDCAP_GATE_SLOWER", "50")
    directories = ["--data-dir", str(tmp_path / "live"), "--frozen-dir", str(past / "frozen")]
    options = ["--ask", "3", "--retrain-wait-s", "240", "--report-dir", str(tmp_path / "report")]
    done = CliRunner().invoke(app, ["simulate", str(past / REPLAY), *directories, *options], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "report" / "loop.json").read_text())
    assert told["missing"] == {}
    assert told["counted"] == told["sent"]
    assert told["sent"]["recommendation-impression"] > 0
    assert told["published_after_weeks"] == [0], done.output
    assert {week["arm"] for week in told["weeks"]} == {"live", "frozen model", "frozen"}
    assert "is approved and serves" in done.output
    assert (tmp_path / "report" / "loop.svg").read_text().startswith("<svg")
    program(tmp_path / "live", "backend", "audit", "--verify")


def test_a_wrong_key_ends_it_at_once(past: Path, tmp_path: Path) -> None:
    """The backend's refusal is what is said."""
    shutil.copytree(past / "live", tmp_path / "live")
    with playing(tmp_path / "live", past / "frozen", clock_of(tmp_path), tmp_path / "logs", {}) as cast:
        admin = Admin(cast.admin, "sk_wrong")
        with pytest.raises(RunError, match="the backend answered 401"):
            admin.status()
        admin.close()
        admin = Admin(cast.admin, cast.key)
        assert admin.caught_up(30).stream is not None
        with pytest.raises(RunError, match="/approve was answered 409"):
            admin.post("/approve", {})
        with pytest.raises(RunError, match="a miracle did not happen within 0 s"):
            admin.await_status("a miracle", lambda _: False, 0)
        admin.close()


def clock_of(directory: Path) -> Path:
    """A clock that stands."""
    path = directory / "clock"
    path.write_text("1792000000")
    return path


def test_a_shop_without_a_model_cannot_play(tmp_path: Path) -> None:
    """The log says why, and the error quotes it."""
    with (
        pytest.raises(RunError, match="not become ready"),
        playing(tmp_path / "none", tmp_path / "none", clock_of(tmp_path), tmp_path / "logs", {}),
    ):
        pass


def test_what_was_lived_is_written_down(tmp_path: Path) -> None:
    """Missing events are named by type; candidates with their stage; leads from the first new model on."""
    rows = [
        Asked(week, arm, "for_you", "a", 0.5 + 0.1 * (arm == "live")) for week in (0, 1) for arm in ("live", "frozen")
    ]
    lived = Lived(
        rows=rows, sent={"search": 3}, candidates=[(0, Candidate("v2", "waiting", ("new data",)))], published=[0]
    )
    lived.counted.update({"search": 2})
    json_file, svg_file = save(lived, tmp_path / "new" / "directory")
    told = json.loads(json_file.read_text())
    assert told["missing"] == {"search": 1}
    assert told["candidates"] == [{"week": 0, "stage": "waiting", "reasons": ["new data"], "refusals": []}]
    assert told["leads_after_first_publication"][0]["lead"] == pytest.approx(0.1)
    assert svg_file.read_text().count("<polyline") == 2
