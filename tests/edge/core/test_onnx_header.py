"""What a model file is made of, read without the onnx package, compared with what onnx itself writes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from edge.core.errors import BundleError
from edge.core.onnx_header import check_header, read_header


def model(
    *nodes: onnx.NodeProto,
    opsets: dict[str, int] | None = None,
    ir_version: int = 10,
    initializer: list[TensorProto] | None = None,
) -> onnx.ModelProto:
    """A model of these nodes."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph(list(nodes), "g", [x], [y], initializer=initializer or [])
    imports = [helper.make_opsetid(domain, version) for domain, version in (opsets or {"": 21}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version)


IDENTITY = helper.make_node("Identity", ["x"], ["y"])


def test_the_header_is_what_onnx_wrote() -> None:
    """IR version, opsets and operators with their domains."""
    scaler = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.0], scale=[1.0])
    header = read_header(model(scaler, IDENTITY, opsets={"": 21, "ai.onnx.ml": 3}).SerializeToString())
    assert header.ir_version == 10
    assert header.opsets == {"": 21, "ai.onnx.ml": 3}
    assert header.operators == {("ai.onnx.ml", "Scaler"), ("", "Identity")}
    check_header(header)


def test_operators_inside_branches_are_seen() -> None:
    """A graph hidden in an attribute does not slip through."""
    inner = helper.make_graph([helper.make_node("Exp", ["x"], ["z"])], "inner", [], [])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    header = read_header(model(branch).SerializeToString())
    assert {name for _, name in header.operators} == {"If", "Exp"}
    with pytest.raises(BundleError, match="not allowed: Exp, If"):
        check_header(header)


def test_tensors_outside_the_file_are_refused() -> None:
    """A bundle is checked as a file; a model may not read another one."""
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], np.zeros(2, np.float32))
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    node = helper.make_node("Add", ["x", "w"], ["y"])
    with pytest.raises(BundleError, match="outside its file"):
        check_header(read_header(model(node, initializer=[tensor]).SerializeToString()))


def test_foreign_domains_newer_versions_and_functions_are_refused() -> None:
    """Each with its reason."""
    foreign = model(helper.make_node("Identity", ["x"], ["y"], domain="com.example"), opsets={"": 21, "com.example": 1})
    with pytest.raises(BundleError, match=r"com\.example"):
        check_header(read_header(foreign.SerializeToString()))
    with pytest.raises(BundleError, match="IR version 14"):
        check_header(read_header(model(IDENTITY, ir_version=14).SerializeToString()))
    with_function = model(IDENTITY)
    with_function.functions.append(helper.make_function("ai.onnx", "f", [], [], [], [helper.make_opsetid("", 21)]))
    with pytest.raises(BundleError, match="local functions"):
        check_header(read_header(with_function.SerializeToString()))


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    """Empty, text, a truncated model, this very test."""
    good = model(IDENTITY).SerializeToString()
    for data in (b"", b"hello", good[: len(good) // 2], Path(__file__).read_bytes()):
        with pytest.raises(BundleError, match="not an ONNX model"):
            read_header(data)


@given(st.binary(max_size=300))
def test_random_bytes_never_crash_the_reader(data: bytes) -> None:
    """Only BundleError comes out, also behind a valid start."""
    for body in (data, model(IDENTITY).SerializeToString() + data):
        try:
            read_header(body)
        except BundleError:
            continue
