"""Forests made by hand: the ONNX bytes of any trees, and trees drawn at random.

In: trees, or a generator of random numbers. Out: the bytes of a model, and what onnxruntime makes of rows by it.
"""

from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

Floats = NDArray[np.float32]
COLUMNS = 5


class Split(NamedTuple):
    """A node: rows whose feature is at most the limit go left; the ends are leaves, by what they are worth."""

    feature: int
    limit: float
    left: "Split | float"
    right: "Split | float"


Tree = Split | float


def random_tree(rng: np.random.Generator, leaves: int, columns: int = COLUMNS) -> Tree:
    """A tree of so many leaves, of any shape; limits of one decimal, so that rows often lie on them."""
    if leaves == 1:
        return float(np.float32(rng.normal()))
    left = int(rng.integers(1, leaves))
    ends = random_tree(rng, left, columns), random_tree(rng, leaves - left, columns)
    return Split(int(rng.integers(0, columns)), float(rng.integers(-20, 21)) / 10, *ends)


def chain(leaves: int) -> Tree:
    """The deepest tree of so many leaves."""
    tree: Tree = 0.5
    for at in range(leaves - 1):
        tree = (
            Split(at % COLUMNS, at / 8 - 2, float(at), tree)
            if at % 2
            else Split(at % COLUMNS, 1 - at / 8, tree, float(at))
        )
    return tree


def attributes_of(trees: list[Tree], base: float | None = None) -> dict[str, Any]:
    """The attributes of a TreeEnsembleRegressor, each node numbered before those below it."""
    told: dict[str, list[Any]] = {
        **{f"nodes_{name}": [] for name in ("treeids", "nodeids", "featureids", "values", "modes")},
        **{f"nodes_{name}": [] for name in ("truenodeids", "falsenodeids")},
        **{f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")},
    }
    for number, tree in enumerate(trees):
        _write(told, number, tree)
    others: dict[str, Any] = {"n_targets": 1, "post_transform": "NONE", "aggregate_function": "SUM"}
    return {**told, **others, **({} if base is None else {"base_values": [base]})}


def _write(told: dict[str, list[Any]], number: int, tree: Tree) -> int:
    """One node and all below it; its number."""
    at: int = told["nodes_treeids"].count(number)
    place = len(told["nodes_treeids"])
    feature, limit = (tree.feature, tree.limit) if isinstance(tree, Split) else (0, 0.0)
    mode = "BRANCH_LEQ" if isinstance(tree, Split) else "LEAF"
    for name, value in (
        ("treeids", number),
        ("nodeids", at),
        ("featureids", feature),
        ("values", limit),
        ("modes", mode),
    ):
        told[f"nodes_{name}"].append(value)
    told["nodes_truenodeids"].append(0)
    told["nodes_falsenodeids"].append(0)
    if isinstance(tree, Split):
        told["nodes_truenodeids"][place] = _write(told, number, tree.left)
        told["nodes_falsenodeids"][place] = _write(told, number, tree.right)
    else:
        for name, value in (("treeids", number), ("nodeids", at), ("ids", 0), ("weights", tree)):
            told[f"target_{name}"].append(value)
    return at


def model_of(attributes: dict[str, Any], columns: int = COLUMNS) -> ModelProto:
    """A graph of nothing but this forest."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, columns])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **attributes)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=10)


def onnx_of(trees: list[Tree], base: float | None = None, columns: int = COLUMNS) -> bytes:
    """The model of these trees."""
    data: bytes = model_of(attributes_of(trees, base), columns).SerializeToString()
    return data


def run(model: bytes, rows: Floats) -> Floats:
    """What onnxruntime makes of the rows, with one thread, as the edge asks it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: rows})
    return np.asarray(out, np.float32).reshape(-1)


def rows_of(rng: np.random.Generator, count: int, columns: int = COLUMNS) -> Floats:
    """Rows that often lie on a limit."""
    return (rng.integers(-25, 26, (count, columns)) / 10).astype(np.float32)
