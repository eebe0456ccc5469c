"""A whole run over a small shop: measured on days not learned from, written whole, read back only when undamaged."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from edge.core.bundle import MANIFEST, read_live
from edge.core.errors import BundleError
from tests.training.customers.handmade import lively
from training.customers import store
from training.customers.bgnbd import BgNbd
from training.customers.methods import BASELINES
from training.customers.run import STAGES, run
from training.customers.store import CHURN, KEPT, LTV, REPURCHASE, Manifest, to_a_year
from training.customers.table import collect, seen
from training.customers.windows import Plan
from training.dataset import Dataset
from training.scorer import ExportError, Scorer
from training.stages import Stages


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """200 days of 160 customers."""
    return lively(tmp_path_factory.mktemp("lively"))


@pytest.fixture(scope="module")
def made(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """The directory and manifest of one run."""
    return run(data, tmp_path_factory.mktemp("customers"), "demo", Stages(STAGES, Console(quiet=True)))


@pytest.fixture
def copied(made: tuple[Path, Manifest], tmp_path: Path) -> Path:
    """A root of the test's own with the models in it."""
    root = tmp_path / "customers"
    shutil.copytree(made[0].parent, root / "demo")
    return root


def test_every_target_is_measured_beside_its_baselines(made: tuple[Path, Manifest], data: Dataset) -> None:
    """On days behind all that was learned from; the method in use is the best before those days."""
    manifest = made[1]
    assert set(manifest.targets) == {LTV, CHURN, REPURCHASE}
    history = collect(data)
    for model in manifest.targets.values():
        measured = model.measured
        assert min(measured.cuts) == Plan.of(history.first, history.end).test
        assert set(BASELINES) & set(measured.methods)
        assert model.method == min(measured.validation, key=lambda name: measured.validation[name])
        assert sum(tenth.rows for tenth in measured.tenths) == measured.rows
        for figures in measured.methods.values():
            assert all(one["low"] <= one["high"] for name, one in figures.items() if not name.startswith("lead"))
    assert manifest.targets[CHURN].measured.methods["bgnbd"]["auc"]["value"] > 0.7
    assert manifest.fitted_until == history.end


def test_what_is_read_back_foretells_for_every_customer(copied: Path, data: Dataset) -> None:
    """Chances and amounts; who is likely to be silent for a month is unlikely to buy within two weeks."""
    models = store.read(copied, "demo")
    history = collect(data, "personalization")
    known = seen(history, history.end, models.manifest.window)
    answers = models.predict(known)
    for name in (CHURN, REPURCHASE):
        assert ((answers[name] > 0) & (answers[name] < 1)).all()
    assert (answers[LTV] >= 0).all()
    assert np.corrcoef(answers[CHURN], answers[REPURCHASE])[0, 1] < -0.7


def test_a_year_is_less_than_as_many_times_the_days(data: Dataset) -> None:
    """Customers leave; and those who may have left already bring least. A whole year needs no scaling."""
    history = collect(data)
    known = seen(history, history.end, 100)
    rates = BgNbd(1.0, 10.0, 0.8, 3.0)
    times = to_a_year(rates, known, 50)
    assert ((times > 1) & (times < 365 / 50)).all()
    assert to_a_year(rates, known, 365) == pytest.approx(1)


def _truncate(directory: Path) -> None:
    path = directory / f"{CHURN}.onnx"
    path.write_bytes(path.read_bytes()[:-10])


def _rewrite(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        told = json.loads((directory / MANIFEST).read_bytes())
        change(told)
        (directory / MANIFEST).write_text(json.dumps(told))

    return damage


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncate, "damaged"),
        (lambda directory: (directory / f"{LTV}.onnx").unlink(), "cannot be read"),
        (lambda directory: (directory / MANIFEST).write_bytes(b"{"), "holds no models"),
        (lambda directory: (directory / MANIFEST).unlink(), "holds no models"),
        (_rewrite(lambda told: told.update(schema=99)), "another version"),
        (_rewrite(lambda told: told.update(feature_names=["x"])), "other features"),
        (_rewrite(lambda told: told["targets"][CHURN]["golden"].update(scores=[9.0] * 16)), "golden rows"),  # type: ignore[index]  # because JSON is untyped
    ],
)
def test_damage_is_refused_with_the_remedy(copied: Path, damage: Callable[[Path], None], words: str) -> None:
    """Never half a set of models, never scores that are not those measured."""
    damage(copied / "demo" / read_live(copied, "demo").live)
    with pytest.raises(BundleError, match=rf"{words}.*python -m training customers"):
        store.read(copied, "demo")


def test_only_the_newest_versions_are_kept(copied: Path, made: tuple[Path, Manifest]) -> None:
    """And one that fails to be written leaves nothing behind and the old one in use."""
    bytes_ = {name: (made[0] / f"{name}.onnx").read_bytes() for name in made[1].targets}
    for number in range(KEPT + 1):
        manifest = msgspec.structs.replace(made[1], version=f"3000010{number}T000000Z-aaaa")
        store.write(copied, manifest, bytes_)
    assert len([path for path in (copied / "demo").iterdir() if path.is_dir()]) == KEPT
    live = read_live(copied, "demo").live
    with pytest.raises(TypeError):
        store.write(copied, msgspec.structs.replace(manifest, version="4"), {LTV: None})  # type: ignore[dict-item]  # because it must fail
    assert read_live(copied, "demo").live == live
    assert not list((copied / "demo").glob(".4*"))
    assert store.read(copied, "demo").manifest.version == live


def test_a_model_that_onnx_gives_otherwise_is_not_shipped(
    made: tuple[Path, Manifest], data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused at export, by how much they differ."""

    class Off(Scorer):
        def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
            return super().score(features) + np.float32(0.01)

    monkeypatch.setattr(store, "Scorer", Off)
    with pytest.raises(ExportError, match="differs from the fitted one by"):
        run(data, made[0].parent.parent / "never", "demo", Stages(STAGES, Console(quiet=True)))


def test_the_command_says_it_for_people_and_machines(data: Dataset, tmp_path: Path) -> None:
    """JSON on request, Markdown and a drawing beside; the models are in use afterwards."""
    environment = os.environ | {"ENDCAP_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
    line = [sys.executable, "-m", "training", "customers", "--dataset", str(data.directory), "--json"]
    line += ["--markdown", str(tmp_path / "t.md"), "--plot", str(tmp_path / "t.svg")]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["targets"]) == {LTV, CHURN, REPURCHASE}
    assert "auc" in told["targets"][CHURN]["measured"]["methods"]["bgnbd"]
    assert "(in use) |" in (tmp_path / "t.md").read_text()
    assert "bgnbd, baseline" in (tmp_path / "t.md").read_text()
    assert "foretold = real" in (tmp_path / "t.svg").read_text()
    assert store.read(tmp_path / "customers", "demo").manifest.version == told["version"]
    assert "whole run" in done.stderr


def test_a_shop_too_young_is_told_so(tmp_path: Path) -> None:
    """In one line, with what it takes."""
    data = lively(tmp_path / "young", days=90)
    line = [sys.executable, "-m", "training", "customers", "--dataset", str(data.directory)]
    environment = os.environ | {"ENDCAP_DATA_DIR": str(tmp_path)}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "120 are the least" in done.stderr
    assert "Traceback" not in done.stderr
