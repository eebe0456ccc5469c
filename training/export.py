"""From booster to ONNX: converted through skl2onnx, checked, and proven to score like LightGBM.

In: a LightGBM booster. Out: ONNX bytes of one tree ensemble with one float32 column of raw scores, what the manifest
says about it, the golden vectors, and the parity measured. A model that differs is refused here, not found out live.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes
from sklearn.base import BaseEstimator, RegressorMixin

from edge.core.bundle import Golden
from training.scorer import ExportError, Scorer

# onnxruntime refuses the newest the onnx package would write; these are read by every runtime of the last years.
OPSET = {"": 21, "ai.onnx.ml": 3}
MAX_IR = 10
OPERATORS = frozenset({"TreeEnsembleRegressor", "Cast", "Identity", "Reshape"})
TOLERANCE = 1e-5
PARITY_ROWS = 1_000
GOLDEN_ROWS = 32


@dataclass(frozen=True)
class Exported:
    """A ranker ready to ship. `parity` is the largest difference to LightGBM over `rows` rows."""

    ranker: bytes
    versions: dict[str, int]  # ir_version, and opset by domain
    golden: Golden
    parity: float
    rows: int


def export(booster: lgb.Booster, features: NDArray[np.float32]) -> Exported:
    """Convert, check the graph, compare on these rows (PARITY_ROWS or more). Raises ExportError saying what differs."""
    if len(features) < PARITY_ROWS:
        features = np.concatenate([features, _synthetic(PARITY_ROWS - len(features), booster.num_feature())])
    model = convert(exact(booster))
    ranker = model.SerializeToString()
    scores = Scorer(ranker).score(features)
    difference = float(np.abs(scores - booster.predict(features, num_threads=1)).max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the ONNX ranker differs from LightGBM by {difference:.2g} over {len(features)} rows, {TOLERANCE:.0e} is "
            "allowed; features must be float32 before training, and onnxmltools' converter the registered one"
        )
    chosen = np.linspace(0, len(features) - 1, GOLDEN_ROWS).astype(int)
    golden = Golden(features[chosen].tolist(), scores[chosen].tolist(), TOLERANCE)
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    return Exported(ranker, {"ir_version": model.ir_version} | opsets, golden, difference, len(features))


def exact(booster: lgb.Booster) -> lgb.Booster:
    """The same forest with every threshold the largest float32 at or below it.

    ONNX keeps thresholds in float32. Rounded to the nearest, one may come to lie on a feature's value and send the row
    the other way; rounded down, `value <= threshold` says the same for every float32 value.
    """
    lines = []
    for line in booster.model_to_string().split("\n"):
        if line.startswith("tree_sizes="):
            continue  # lengths in bytes, no longer true; without them the text is read through
        if line.startswith("threshold="):
            given = np.array(line.removeprefix("threshold=").split(), np.float64)
            nearest = given.astype(np.float32)
            below = np.where(nearest > given, np.nextafter(nearest, np.float32(-np.inf)), nearest)
            line = "threshold=" + " ".join(f"{float(value):.17g}" for value in below)
        lines.append(line)
    return lgb.Booster(model_str="\n".join(lines))


def convert(booster: lgb.Booster) -> onnx.ModelProto:
    """The booster as ONNX. Raises ExportError when the graph is not a plain tree ensemble or is too new."""
    update_registered_converter(
        _Ranker, "EndcapRanker", calculate_linear_regressor_output_shapes, convert_lightgbm, options={"split": None}
    )
    inputs = [("features", FloatTensorType([None, booster.num_feature()]))]
    model: onnx.ModelProto = to_onnx(_Ranker(booster), initial_types=inputs, target_opset=OPSET)
    foreign = {node.op_type for node in model.graph.node} - OPERATORS
    if foreign:
        raise ExportError(f"the converted ranker holds operators {sorted(foreign)}; only {sorted(OPERATORS)} may ship")
    if model.ir_version > MAX_IR:
        raise ExportError(f"the converted ranker has IR {model.ir_version}, at most {MAX_IR} is read everywhere")
    return model


class _Ranker(RegressorMixin, BaseEstimator):  # type: ignore[misc] # -- scikit-learn ships no types
    """What the converter asks a LightGBM model for, around a booster trained without scikit-learn."""

    boosting_type = "gbdt"

    def __init__(self, booster_: lgb.Booster) -> None:
        self.booster_ = booster_


def _synthetic(count: int, columns: int) -> NDArray[np.float32]:
    """Rows over the range of ordinary features, where a small shop has too few of its own to compare on."""
    rng = np.random.default_rng(7)
    return rng.uniform(-1, 100, (count, columns)).astype(np.float32)
