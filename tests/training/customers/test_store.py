"""Models of customers on disk, made of a method that needs no training: kept, read, refused, replaced."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.core.bundle import MANIFEST, Live, read_live, write_live
from edge.core.errors import BundleError
from training.customers import store
from training.customers.bgnbd import BgNbd
from training.customers.features import FEATURE_NAMES, Purchasing
from training.customers.fit import Link, Predictor, Target, calibrate, link_of
from training.customers.gamma_gamma import GammaGamma
from training.customers.methods import column
from training.customers.store import KEPT, Manifest, Measured
from training.scorer import ExportError

TARGET = Target("churn_risk_30d", "risk", 30, absent=True)
FEATURES = np.random.default_rng(5).gamma(2.0, 1.0, (40, len(FEATURE_NAMES))).astype(np.float32)
MEASURED = Measured((20_000,), 40, 40, 0.5, {}, (), {})


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """BG/NBD's log-odds as they are."""
    model = column("log_odds_none")(FEATURES, np.zeros(len(FEATURES)))
    purchasing = Purchasing(BgNbd(1.0, 10.0, 0.8, 3.0), GammaGamma(2.0, 3.0, 15.0))
    return Predictor(TARGET, "bgnbd", model, Link("logistic", 1.0), purchasing)


@pytest.fixture(scope="module")
def kept(predictor: Predictor) -> tuple[Manifest, dict[str, bytes]]:
    """A manifest with one target, and its bytes."""
    record, onnx = store.keep(predictor, MEASURED, FEATURES)
    made = Manifest("20260101T000000Z-aaaa", "demo", "", "f", 20_000, 182, FEATURE_NAMES, {TARGET.name: record}, {})
    return made, {TARGET.name: onnx}


def version(at: int) -> str:
    """Names in order."""
    return f"2026010{at}T000000Z-aaaa"


def test_what_is_written_is_read(kept: tuple[Manifest, dict[str, bytes]], tmp_path: Path) -> None:
    """With checksums; golden rows are taken from all over the features."""
    manifest, onnx = kept
    directory = store.write(tmp_path, manifest, onnx)
    assert sorted(path.name for path in directory.iterdir()) == ["churn_risk_30d.onnx", MANIFEST]
    models = store.read(tmp_path, "demo")
    assert set(models.manifest.files) == {"churn_risk_30d.onnx"}
    model = models.manifest.targets[TARGET.name]
    assert (model.method, model.rates, model.spends) == ("bgnbd", (1.0, 10.0, 0.8, 3.0), (2.0, 3.0, 15.0))
    golden = model.golden
    assert golden.rows[0] == FEATURES[0].tolist()
    assert golden.rows[-1] == FEATURES[-1].tolist()
    assert models.scorers[TARGET.name].score(FEATURES) == pytest.approx(
        FEATURES[:, FEATURE_NAMES.index("log_odds_none")], rel=1e-5
    )


def test_the_version_in_use_stays_whatever_its_name(kept: tuple[Manifest, dict[str, bytes]], tmp_path: Path) -> None:
    """A clock that was set back makes a name that sorts before all others: it is in use and must not go."""
    manifest, onnx = kept
    for at in range(2, KEPT + 3):
        store.write(tmp_path, msgspec.structs.replace(manifest, version=version(at)), onnx)
    assert not (tmp_path / "demo" / version(2)).exists()
    store.write(tmp_path, msgspec.structs.replace(manifest, version=version(0)), onnx)
    assert read_live(tmp_path, "demo").live == version(0)
    assert store.read(tmp_path, "demo").manifest.version == version(0)


def test_a_version_is_never_written_over(kept: tuple[Manifest, dict[str, bytes]], tmp_path: Path) -> None:
    """What is in use stays as it was, and nothing half lies about."""
    manifest, onnx = kept
    store.write(tmp_path, manifest, onnx)
    with pytest.raises(OSError, match="not empty"):
        store.write(tmp_path, manifest, onnx)
    assert store.read(tmp_path, "demo").manifest.version == manifest.version
    assert len(list((tmp_path / "demo").iterdir())) == 2


def test_without_models_the_error_says_so(tmp_path: Path) -> None:
    """No shop at all, or one whose live.json names what is not there."""
    with pytest.raises(BundleError, match="'demo'"):
        store.read(tmp_path, "demo")
    write_live(tmp_path, "demo", Live("nowhere"))
    with pytest.raises(BundleError, match=r"holds no models of customers.*python -m training customers"):
        store.read(tmp_path, "demo")


def test_a_model_that_cannot_be_shipped_is_named(predictor: Predictor) -> None:
    """Bytes that are no ONNX; scores that are not a number differ from every other."""
    broken: Any = SimpleNamespace(onnx=lambda: b"nothing", raw=predictor.model.raw)
    with pytest.raises(ExportError, match="churn_risk_30d by bgnbd cannot be shipped"):
        store.keep(Predictor(TARGET, "bgnbd", broken, predictor.link, predictor.purchasing), MEASURED, FEATURES)
    lost: Any = SimpleNamespace(onnx=predictor.model.onnx, raw=lambda rows: np.full(len(rows), np.nan))
    with pytest.raises(ExportError, match="differs from the fitted one by"):
        store.keep(Predictor(TARGET, "bgnbd", lost, predictor.link, predictor.purchasing), MEASURED, FEATURES)


def test_links_by_hand() -> None:
    """A chance of log-odds 0 is a half; amounts are scaled, never negative; no score is too large for a number."""
    raw = np.array([-1e6, 0.0, 1e6])
    assert Link("logistic", 1.0).apply(raw) == pytest.approx([0, 0.5, 1], abs=1e-9)
    assert Link("logistic", 2.0, np.log(3)).apply(np.zeros(1)) == pytest.approx([0.75])
    assert Link("linear", 2.0).apply(np.array([-3.0, 3.0])).tolist() == [0, 6]
    assert Link("log", 2.0).apply(np.array([0.0])).tolist() == [2]
    assert np.isfinite(Link("log", 1.0).apply(raw)).all()


def test_which_link_a_method_needs() -> None:
    """Every risk is a log-odds; of values only the forest's score is a logarithm."""
    value = Target("customer_ltv_12m", "value", 91)
    assert [link_of(TARGET, method) for method in ("bgnbd", "lightgbm")] == ["logistic", "logistic"]
    assert [link_of(value, method) for method in ("ridge", "lightgbm")] == ["linear", "log"]


def test_calibration_without_any_event_stays_a_number() -> None:
    """Nobody left: chances near nothing, not an error."""
    link = calibrate("logistic", np.linspace(-1, 1, 50), np.zeros(50))
    assert link.apply(np.zeros(1))[0] < 0.01
