"""Bundles at the edge: verified before they serve, swapped whole, refused while the last good one serves."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge.core.bundle import INDEX, Golden, Live, Manifest, Part, read_arrays, read_manifest, write_bundle, write_live
from edge.core.errors import BundleError
from edge.core.features import FEATURE_NAMES
from edge.scoring import LiveModel, Ranker, RankerError, load_model


@pytest.fixture
def bundle(data_dir: Path) -> Path:
    """The small shop's bundle, a copy of the test's own."""
    return next(path for path in (data_dir / "bundles" / "demo").iterdir() if path.is_dir())


def rewritten(bundle: Path, **changed: Any) -> Path:
    """A second bundle like the first but for some of its parts, with checksums that fit."""
    manifest = read_manifest(bundle)
    ranker = changed.pop("ranker", (bundle / "ranker.onnx").read_bytes())
    arrays = changed.pop("arrays", read_arrays(bundle))
    values = {name: getattr(manifest, name) for name in Manifest.__struct_fields__} | {"version": "second"} | changed
    return write_bundle(bundle.parent.parent, Manifest(**values), {INDEX: Part(ranker, arrays)})


def test_a_good_bundle_loads_and_scores_as_measured(bundle: Path) -> None:
    """The golden rows give the golden scores, and the index knows the products."""
    model = load_model(bundle)
    golden = model.manifest.golden
    scores = model.ranker.scores(np.array(golden.rows, np.float32))
    assert np.abs(scores - golden.scores).max() <= golden.tolerance
    assert model.index.position["p004"] >= 0
    assert model.version == bundle.name


def flip(path: Path) -> None:
    """One bit, in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (shutil.rmtree, "no bundle at"),
    "truncated ranker": (lambda b: (b / "ranker.onnx").write_bytes((b / "ranker.onnx").read_bytes()[:500]), "damaged"),
    "flipped bit": (lambda b: flip(b / "ranker.onnx"), "damaged"),
    "missing array": (lambda b: (b / "index" / "ids.npy").unlink(), "missing or unlisted"),
    "manifest of another schema": (
        lambda b: (b / "manifest.json").write_text(json.dumps({"schema": 99})),
        "schema 99",
    ),
    "half a manifest": (
        lambda b: (b / "manifest.json").write_bytes((b / "manifest.json").read_bytes()[:100]),
        "not a bundle manifest",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.fault(9)
def test_a_damaged_bundle_is_refused_while_the_old_one_serves(
    edge: Any, bundle: Path, data_dir: Path, until: Callable[..., None], damage: str
) -> None:
    """Published, refused with its reason in readiness and a metric; not one answer comes from it."""
    spoil, reason = DAMAGES[damage]
    second = rewritten(bundle)
    spoil(second)
    refused = edge.metric("endcap_bundles_refused_total", shop="demo", role="live")
    write_live(data_dir / "bundles", "demo", Live("second"))
    until(lambda: edge.client.get("/readyz").json()["model_refused"])
    state = edge.client.get("/readyz").json()
    assert reason in state["model_refused"]
    assert state["status"] == "ready"
    assert edge.shelves("home")["model_version"] == bundle.name
    assert edge.metric("endcap_bundles_refused_total", shop="demo", role="live") == refused + 1


def test_a_new_bundle_is_swapped_in(edge: Any, bundle: Path, data_dir: Path, until: Callable[..., None]) -> None:
    """Published; from then on every answer names it."""
    rewritten(bundle)
    assert edge.shelves("home")["model_version"] == bundle.name
    write_live(data_dir / "bundles", "demo", Live("second"))
    until(lambda: edge.shelves("home")["model_version"] == "second")
    assert edge.client.get("/readyz").json()["model_refused"] is None
    write_live(data_dir / "bundles", "demo", Live(bundle.name))
    until(lambda: edge.shelves("home")["model_version"] == bundle.name)


def test_a_bundle_for_other_features_says_which(bundle: Path) -> None:
    """Trained by another version of the code."""
    other = rewritten(bundle, feature_names=(*FEATURE_NAMES[:-1], "colour"))
    with pytest.raises(BundleError, match=r"made for other features.*colour"):
        load_model(other)


@pytest.mark.parametrize(
    ("golden", "reason"),
    [
        (Golden([], []), "shape"),
        (Golden([[1.0, 2.0]], [0.0]), "shape"),
        (Golden([[0.0] * len(FEATURE_NAMES)], [99.0]), "differ by"),
        (Golden([[0.0] * len(FEATURE_NAMES)], [float("nan")]), "golden"),
    ],
)
def test_a_bundle_that_does_not_score_as_measured_is_refused(bundle: Path, golden: Golden, reason: str) -> None:
    """Checksums fit, the numbers do not: a silently different model."""
    with pytest.raises(BundleError, match=reason):
        load_model(rewritten(bundle, golden=golden))


def test_a_ranker_with_forbidden_operators_is_refused(bundle: Path) -> None:
    """Before the runtime sees it."""
    model = onnx.load(bundle / "ranker.onnx")
    model.graph.node[0].domain = "com.example"
    with pytest.raises(BundleError, match=r"com\.example"):
        load_model(rewritten(bundle, ranker=model.SerializeToString()))


def test_a_ranker_the_runtime_refuses_is_refused(bundle: Path) -> None:
    """A graph whose parts do not fit together."""
    model = onnx.load(bundle / "ranker.onnx")
    model.graph.node[0].input[0] = "nobody"
    with pytest.raises(BundleError, match="onnxruntime refuses"):
        load_model(rewritten(bundle, ranker=model.SerializeToString()))


def test_a_ranker_with_two_inputs_is_refused(bundle: Path) -> None:
    """One feature matrix goes in."""
    model = onnx.load(bundle / "ranker.onnx")
    second = onnx.helper.make_tensor_value_info("second", onnx.TensorProto.FLOAT, [None, 1])
    model.graph.input.append(second)
    with pytest.raises(BundleError, match="2 inputs"):
        load_model(rewritten(bundle, ranker=model.SerializeToString()))


def test_arrays_that_do_not_fit_together_are_refused(bundle: Path) -> None:
    """An index of other products than its prices."""
    arrays = dict(read_arrays(bundle))
    arrays["price"] = arrays["price"][:-1]
    with pytest.raises(BundleError, match="price"):
        load_model(rewritten(bundle, arrays=arrays))


def test_rows_of_the_wrong_width_are_a_ranker_error(bundle: Path) -> None:
    """On a request, not at load: it degrades, it does not crash."""
    ranker = Ranker.from_bytes((bundle / "ranker.onnx").read_bytes())
    with pytest.raises(RankerError):
        ranker.scores(np.zeros((3, 2), np.float32))


def test_the_same_bad_bundle_is_judged_once(data_dir: Path, bundle: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not once a second, in the log and in the metric."""
    flip(bundle / "ranker.onnx")
    live = LiveModel(data_dir / "bundles", "demo")
    for _ in range(3):
        assert not live.refresh()
    assert live.current is None
    assert len([record for record in caplog.records if "bundle refused" in record.message]) == 1


def test_a_mended_bundle_is_taken(data_dir: Path, bundle: Path) -> None:
    """When its files change, it is looked at again."""
    good = (bundle / "ranker.onnx").read_bytes()
    flip(bundle / "ranker.onnx")
    live = LiveModel(data_dir / "bundles", "demo")
    assert not live.refresh()
    (bundle / "ranker.onnx").write_bytes(good)
    os.utime(bundle / "ranker.onnx", (1, 1))
    assert live.refresh()
    assert live.current is not None
    assert live.refused is None
