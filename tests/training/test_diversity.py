"""What varied shelves cost, on the small shop; and the two measuring commands."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.dataset import Dataset
from training.diversity import AS_RANKED, collapse, diversity
from training.pipeline import Outcome
from training.settings import Settings
from training.unseen import Unseen, open_unseen


@pytest.fixture(scope="module")
def unseen(shop_dir: Dataset, outcome: Outcome) -> Unseen:
    """Forty orders of the small shop's last weeks."""
    settings = Settings(data_dir=outcome.directory.parents[2], shop="demo")
    return open_unseen(shop_dir, settings, None, 40, lambda _: None)


def test_of_a_family_the_first_stays() -> None:
    """By hand: products 0 and 3 are one family, 1 and 2 another."""
    families = np.array([5, 7, 7, 5, 9], np.int32)
    assert collapse(np.array([3, 4, 1, 0, 2], np.int32), families).tolist() == [3, 4, 1]
    assert collapse(np.empty(0, np.int32), families).tolist() == []


def test_more_diversity_brings_more_kinds(unseen: Unseen) -> None:
    """Never fewer, at full strength as many as there are; the cost is against the shelf as ranked."""
    table = diversity(unseen, lambda _: None, (0.0, 0.3, 1.0))
    assert set(table) == {"for_you", "cart_complements", "bought_together"}
    for settings in table.values():
        assert list(settings) == [AS_RANKED, "0", "0.3", "1"]
        kinds = [settings[name]["kinds"] for name in ("0", "0.3", "1")]
        assert kinds == sorted(kinds)
        assert kinds[-1] > settings[AS_RANKED]["kinds"]
        assert settings["1"]["most_of_a_kind"] <= settings["0"]["most_of_a_kind"]
        assert settings[AS_RANKED]["cost"] == settings[AS_RANKED]["cost_low"] == 0
        for values in settings.values():
            assert values["cost"] == pytest.approx(values["ndcg@10"] - settings[AS_RANKED]["ndcg@10"])
            assert values["cost_low"] <= values["cost"] <= values["cost_high"]


@pytest.mark.parametrize(("command", "first"), [("coldstart", "no history"), ("diversity", "for_you")])
def test_the_commands_print_a_table_json_and_markdown(
    command: str, first: str, shop_dir: Dataset, outcome: Outcome, tmp_path: Path
) -> None:
    """JSON alone on standard output, progress beside it, the table in the file named."""
    line = [sys.executable, "-m", "training", command, "--dataset", str(shop_dir.directory), "--orders", "12"]
    environment = {
        "ENDCAP_DATA_DIR": str(outcome.directory.parents[2]),
        "PATH": "",
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*line, "--json", "--markdown", str(tmp_path / "out.md")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    table = json.loads(done.stdout)
    assert any(name.startswith(first) for name in table)
    rows = (tmp_path / "out.md").read_text().splitlines()
    assert len(rows) == 2 + sum(len(methods) for methods in table.values())
    shown = CliRunner().invoke(app, [*line[3:-1], "3"], env=environment)
    assert shown.exit_code == 0, shown.output
    assert first in shown.output
    assert "--json" in CliRunner().invoke(app, [command, "--help"], env=environment).output
