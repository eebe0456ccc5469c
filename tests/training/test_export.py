"""Export: the ONNX file is what every runtime reads, scores like LightGBM, and is refused when it does not."""

import lightgbm as lgb
import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from edge.core.features import FEATURE_NAMES
from edge.core.onnx_header import check_header, read_header
from training import export as exporting
from training.export import MAX_IR, OPERATORS, PARITY_ROWS, TOLERANCE, convert, exact, export
from training.ranker import keep_order
from training.scorer import ExportError, Scorer

WIDTH = len(FEATURE_NAMES)


def matrix(count: int) -> np.ndarray:
    """Made-up feature rows."""
    return np.random.default_rng(1).normal(0, 10, (count, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    """A small LambdaMART over made-up shelves of ten."""
    features = matrix(2_000)
    labels = (features[:, 3] + features[:, 7] > 8).astype(np.int32)
    data = lgb.Dataset(features, labels, group=np.full(200, 10), params={"verbose": -1})
    return lgb.train({"objective": "lambdarank", "verbose": -1, "num_threads": 1, "seed": 1}, data, 30)


def test_the_graph_is_one_tree_ensemble(booster: lgb.Booster) -> None:
    """No operator but the trees and plumbing, IR and opsets as pinned, one float32 column out."""
    model = convert(booster)
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert model.ir_version <= MAX_IR
    assert {entry.domain: entry.version for entry in model.opset_import} == exporting.OPSET
    (out,) = model.graph.output
    assert out.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert len(model.graph.input) == 1


def test_the_edge_accepts_the_graph(booster: lgb.Booster) -> None:
    """The reader that guards serving finds nothing to object to."""
    header = read_header(export(booster, matrix(10)).ranker)
    check_header(header)
    assert ("ai.onnx.ml", "TreeEnsembleRegressor") in header.operators


def test_scores_are_lightgbms(booster: lgb.Booster) -> None:
    """Over five thousand rows no score differs by more than the tolerance, in the runtime's own session too."""
    features = matrix(5_000)
    exported = export(booster, features)
    assert exported.parity <= TOLERANCE
    assert exported.rows == 5_000
    (scores,) = InferenceSession(exported.ranker, providers=["CPUExecutionProvider"]).run(None, {"features": features})
    assert scores.shape == (5_000, 1)
    np.testing.assert_allclose(scores[:, 0], booster.predict(features, num_threads=1), atol=TOLERANCE)


def test_a_small_shop_is_compared_on_made_up_rows(booster: lgb.Booster) -> None:
    """Whatever rows there are, at least a thousand are compared."""
    assert export(booster, matrix(0)).rows == PARITY_ROWS


def test_golden_rows_are_spread_over_the_rows(booster: lgb.Booster) -> None:
    """At least sixteen rows, the first and the last among them, with the scores the file gives."""
    features = matrix(2_000)
    exported = export(booster, features)
    assert len(exported.golden.rows) == len(exported.golden.scores) >= 16
    assert exported.golden.rows[0] == features[0].tolist()
    assert exported.golden.rows[-1] == features[-1].tolist()
    assert Scorer(exported.ranker).score(np.array(exported.golden.rows, np.float32)).tolist() == exported.golden.scores


def test_versions_are_told(booster: lgb.Booster) -> None:
    """The manifest says which IR and opsets the file has."""
    assert export(booster, matrix(10)).versions == {"ir_version": 10, "ai.onnx": 21, "ai.onnx.ml": 3}


def test_a_ranker_that_differs_is_refused(booster: lgb.Booster, monkeypatch: pytest.MonkeyPatch) -> None:
    """With thresholds merely rounded, rows lying on them flip: that is found, and not shipped."""
    nodes = booster.trees_to_dataframe().dropna(subset=["threshold"])
    rounded = nodes["threshold"].to_numpy().astype(np.float32)
    up = np.flatnonzero(rounded.astype(np.float64) > nodes["threshold"].to_numpy())
    features = np.zeros((len(up), WIDTH), np.float32)
    for row, at in enumerate(up):
        features[row, int(nodes["split_feature"].iloc[at].removeprefix("Column_"))] = rounded[at]
    monkeypatch.setattr(exporting, "exact", lambda given: given)
    with pytest.raises(ExportError, match="differs from LightGBM by"):
        export(booster, features)


def test_exact_thresholds_change_no_float32_score(booster: lgb.Booster) -> None:
    """The forest with float32 thresholds gives every float32 row the score it had."""
    features = matrix(3_000)
    np.testing.assert_array_equal(
        exact(booster).predict(features, num_threads=1), booster.predict(features, num_threads=1)
    )


def test_exact_thresholds_are_float32_and_never_above(booster: lgb.Booster) -> None:
    """Each threshold is a float32 number at or just below the one learned."""
    given = booster.trees_to_dataframe()["threshold"].dropna().to_numpy()
    changed = exact(booster).trees_to_dataframe()["threshold"].dropna().to_numpy()
    assert (changed == changed.astype(np.float32)).all()
    assert (changed <= given).all()
    assert np.abs(changed - given).max() < 1e-5


def test_foreign_operators_are_refused(booster: lgb.Booster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the converter to emit anything else, the error names it."""
    monkeypatch.setattr(exporting, "OPERATORS", frozenset({"Identity"}))
    with pytest.raises(ExportError, match="TreeEnsembleRegressor"):
        convert(booster)


def test_a_newer_format_is_refused(booster: lgb.Booster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the onnx package to write a newer IR, it would not ship."""
    monkeypatch.setattr(exporting, "MAX_IR", 9)
    with pytest.raises(ExportError, match="IR 10"):
        convert(booster)


def test_the_order_keeping_ranker_exports_too() -> None:
    """A shop with nothing to learn from ships a file that keeps the retrieval order."""
    exported = export(keep_order(), matrix(0))
    features = matrix(50)
    features[:, FEATURE_NAMES.index("retrieval_rank")] = np.arange(50)
    assert (np.diff(Scorer(exported.ranker).score(features)) < 0).all()
