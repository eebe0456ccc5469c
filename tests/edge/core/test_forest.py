"""Reading a forest from an ONNX file: every plain one, however it is written, and nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edge.core.compiled.forest import MOST_LEAVES
from edge.core.forest import read_forest
from edge.core.onnx_header import wire_fields
from edge.scoring import ONNX_ERRORS
from tests.edge.core.forests import COLUMNS, Split, attributes_of, chain, model_of, onnx_of, random_tree, rows_of, run

RNG = np.random.default_rng(1)
TREES = [random_tree(RNG, leaves) for leaves in (1, 2, 5, 9)]
ROWS = rows_of(RNG, 64)
MODEL = onnx_of(TREES, 0.5)


def test_a_tree_of_more_leaves_than_bits_is_for_onnxruntime() -> None:
    """One such tree is enough; with as many leaves as bits it is not."""
    assert read_forest(onnx_of([*TREES, chain(MOST_LEAVES)]), COLUMNS) is not None
    assert read_forest(onnx_of([*TREES, chain(MOST_LEAVES + 1)]), COLUMNS) is None


@pytest.mark.parametrize(
    "change",
    [
        {"post_transform": "LOGISTIC"},
        {"aggregate_function": "AVERAGE"},
        {"n_targets": 2},
        {"base_values": [0.5, 0.5]},
        {"nodes_modes": ["BRANCH_LT", *attributes_of(TREES)["nodes_modes"][1:]]},
        {"target_ids": [1] * len(attributes_of(TREES)["target_ids"])},
        {"nodes_featureids": [COLUMNS] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_featureids": [-1] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_values": [float("nan")] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_truenodeids": [77] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_truenodeids": [0] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_falsenodeids": [0] * len(attributes_of(TREES)["nodes_modes"])},
        {"nodes_values": [0.5]},
        {"target_weights": [0.5]},
        {"target_weights": 0.5},
        {"target_nodeids": [0] * len(attributes_of(TREES)["target_ids"])},
        {"unheard_of": 1},
    ],
)
def test_a_forest_that_is_not_plain_is_for_onnxruntime(change: dict[str, Any]) -> None:
    """Another sum, several targets, other questions, trees that lead nowhere or back, leaves named twice."""
    assert read_forest(model_of(attributes_of(TREES) | change).SerializeToString(), COLUMNS) is None


@pytest.mark.parametrize("name", sorted(attributes_of(TREES)))
def test_a_part_that_is_missing_has_its_default_or_is_for_onnxruntime(name: str) -> None:
    """What says how to add up has one; nodes and leaves have none."""
    told = attributes_of(TREES)
    del told[name]
    model = model_of(told).SerializeToString()
    forest = read_forest(model, COLUMNS)
    assert (forest is None) == name.startswith(("nodes_", "target_"))
    if forest is not None:
        np.testing.assert_array_equal(forest.scores(ROWS), run(onnx_of(TREES), ROWS))


def test_a_leaf_worth_nothing_is_for_onnxruntime() -> None:
    """Every leaf is named once among the targets."""
    told = attributes_of(TREES)
    short = {name: values[1:] for name, values in told.items() if name.startswith("target_")}
    assert read_forest(model_of(told | short).SerializeToString(), COLUMNS) is None
    twice = {name: [*values, values[0]] for name, values in told.items() if name.startswith("target_")}
    assert read_forest(model_of(told | twice).SerializeToString(), COLUMNS) is None


def test_what_speaks_of_missing_numbers_is_let_pass() -> None:
    """No row has any."""
    told = attributes_of(TREES)
    count = len(told["nodes_modes"])
    more = {"nodes_missing_value_tracks_true": [0] * count, "nodes_hitrates": [1.0] * count}
    model = model_of(told | more).SerializeToString()
    forest = read_forest(model, COLUMNS)
    assert forest is not None
    np.testing.assert_array_equal(forest.scores(ROWS), run(model, ROWS))


def _scaled(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "scaled"
    model.graph.node.insert(0, helper.make_node("Mul", ["x", "x"], ["scaled"]))


def _twice(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Add", ["y", "y"], ["z"]))


def _second(model: onnx.ModelProto) -> None:
    model.graph.node.append(model.graph.node[0])


def _none(model: onnx.ModelProto) -> None:
    del model.graph.node[:]


def _identity(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "same"
    model.graph.node.insert(0, helper.make_node("Identity", ["x"], ["same"]))


@pytest.mark.parametrize(("change", "read"), [(_scaled, 0), (_twice, 0), (_second, 0), (_none, 0), (_identity, 1)])
def test_only_a_graph_of_one_forest_is_read(change: Callable[[onnx.ModelProto], None], read: int) -> None:
    """Beside it nothing may do anything."""
    model = onnx.ModelProto.FromString(MODEL)
    change(model)
    assert (read_forest(model.SerializeToString(), COLUMNS) is not None) == bool(read)


def test_a_graph_that_is_no_forest_is_for_onnxruntime() -> None:
    """A linear ranker, and no bytes at all."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    assert read_forest(helper.make_model(graph).SerializeToString(), 1) is None
    assert read_forest(b"", 1) is None


# --- the same bytes, written otherwise, and damaged -----------------------------------------------------------------


def varint(value: int) -> bytes:
    """As protobuf writes it."""
    value %= 1 << 64
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def chunk(number: int, data: bytes) -> bytes:
    """A field of so many bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def rewritten(packed: bool) -> bytes:
    """MODEL with lists of numbers packed together, or one by one."""
    node = onnx.ModelProto.FromString(MODEL).graph.node[0]
    written = b""
    for one in node.attribute:
        body = chunk(1, one.name.encode()) + varint(20 << 3) + varint(one.type)
        if one.floats:
            values = [np.float32(value).tobytes() for value in one.floats]
            body += chunk(7, b"".join(values)) if packed else b"".join(varint(7 << 3 | 5) + value for value in values)
        elif one.ints:
            numbers = [varint(value) for value in one.ints]
            body += chunk(8, b"".join(numbers)) if packed else b"".join(varint(8 << 3) + value for value in numbers)
        elif one.strings:
            body += b"".join(chunk(9, value) for value in one.strings)
        else:
            body += varint(3 << 3) + varint(one.i) if one.type == 2 else chunk(4, one.s)
        written += chunk(5, body)
    del node.attribute[:]
    bare = onnx.ModelProto.FromString(MODEL)
    bare.graph.node[0].CopyFrom(node)
    whole = b"".join(
        chunk(7, _with_node(bytes(value), written))
        if number == 7 and not isinstance(value, int)
        else _again(number, value)
        for number, value in wire_fields(memoryview(bare.SerializeToString()))
    )
    assert onnx.ModelProto.FromString(whole) == onnx.ModelProto.FromString(MODEL)
    return whole


def _again(number: int, value: int | memoryview) -> bytes:
    return varint(number << 3) + varint(value) if isinstance(value, int) else chunk(number, bytes(value))


def _with_node(graph: bytes, attributes: bytes) -> bytes:
    return b"".join(
        chunk(1, bytes(value) + attributes) if number == 1 and not isinstance(value, int) else _again(number, value)
        for number, value in wire_fields(memoryview(graph))
    )


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_are_read_packed_or_one_by_one(packed: bool) -> None:
    """Writers of protobuf may do either."""
    model = rewritten(packed)
    forest = read_forest(model, COLUMNS)
    assert forest is not None
    np.testing.assert_array_equal(forest.scores(ROWS), run(MODEL, ROWS))


@given(st.lists(st.tuples(st.integers(0, len(MODEL) - 1), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=1_500, deadline=None)
def test_damaged_bytes_never_say_otherwise_than_onnxruntime(damage: list[tuple[int, int]]) -> None:
    """No crash, and no forest that scores otherwise than the model would; what onnxruntime refuses never serves."""
    data = bytearray(MODEL)
    for at, value in damage:
        data[at] = value
    forest = read_forest(bytes(data), COLUMNS)
    if forest is None:
        return
    scores = forest.scores(ROWS)
    try:
        expected = run(bytes(data), ROWS)
    except ONNX_ERRORS:  # a model that it refuses never serves
        return
    if expected.shape == scores.shape:
        np.testing.assert_array_equal(scores, expected)


@given(st.integers(0, len(MODEL)), st.binary(max_size=40))
@settings(max_examples=500, deadline=None)
def test_bytes_cut_off_or_put_in_are_read_or_left(at: int, more: bytes) -> None:
    """Whatever they are then, reading ends, in a forest or none."""
    for data in (MODEL[:at], MODEL[:at] + more, MODEL[:at] + more + MODEL[at:], more):
        forest = read_forest(data, COLUMNS)
        if forest is not None:
            assert forest.scores(ROWS).shape == (len(ROWS),)


@pytest.mark.parametrize("depth", [40, 3_000])
def test_trees_without_end_are_left(depth: int) -> None:
    """As deep as a list is long, or leading back to their root."""
    told = attributes_of([Split(0, 0.5, 1.0, 2.0)])
    count = depth + 2
    told |= {f"nodes_{name}": [0] * count for name in ("treeids", "featureids")}
    told |= {"nodes_nodeids": list(range(count)), "nodes_values": [0.5] * count}
    told |= {"nodes_modes": ["BRANCH_LEQ"] * depth + ["LEAF"] * 2}
    told |= {"nodes_truenodeids": [*range(1, depth + 1), 0, 0], "nodes_falsenodeids": [depth + 1] * depth + [0, 0]}
    told |= {"target_nodeids": [depth, depth + 1], "target_treeids": [0, 0]}
    assert read_forest(model_of(told).SerializeToString(), COLUMNS) is None
