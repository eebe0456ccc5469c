"""The protobuf wire format of model files: what is skipped, what is refused, what is looked into."""

import onnx
import pytest
from onnx import TensorProto, helper

from edge.core.errors import BundleError
from edge.core.onnx_header import check_header, read_header


def model(node: onnx.NodeProto | None = None) -> onnx.ModelProto:
    """A model of one node."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])
    graph = helper.make_graph([node or helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


GOOD = model().SerializeToString()
UNKNOWN = 99  # a field number that onnx.proto does not have


def tag(number: int, kind: int) -> bytes:
    """The tag of a field, as a varint."""
    return number_of(number << 3 | kind)


def number_of(value: int) -> bytes:
    """A varint."""
    out = b""
    while value > 0x7F:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def block(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return tag(number, 2) + number_of(len(data)) + data


@pytest.mark.parametrize(
    "field",
    [
        tag(UNKNOWN, 5) + b"\xff" * 4,
        tag(UNKNOWN, 1) + b"\xff" * 8,
        tag(UNKNOWN, 0) + b"\xff" * 9 + b"\x01",
        block(UNKNOWN, b"\xff" * 300),
        block(UNKNOWN, b""),
    ],
    ids=["fixed32", "fixed64", "varint of 64 bits", "bytes", "no bytes"],
)
def test_unknown_fields_of_every_kind_are_stepped_over(field: bytes) -> None:
    """A newer exporter may write them, before or after the graph; what follows is still read right."""
    assert read_header(field + GOOD) == read_header(GOOD + field) == read_header(GOOD)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (tag(UNKNOWN, 3), "wire type 3"),
        (tag(UNKNOWN, 4), "wire type 4"),
        (tag(UNKNOWN, 6), "wire type 6"),
        (tag(UNKNOWN, 7), "wire type 7"),
        (tag(UNKNOWN, 0) + b"\xff" * 10 + b"\x01", "number too long"),
        (b"\xff" * 11, "number too long"),
        (tag(UNKNOWN, 5) + b"\xff" * 3, "truncated"),
        (tag(UNKNOWN, 1) + b"\xff" * 7, "truncated"),
        (tag(UNKNOWN, 2) + number_of(5) + b"1234", "truncated"),
        (tag(UNKNOWN, 2) + number_of(2**62), "truncated"),
        (tag(UNKNOWN, 0) + b"\xff", "not an ONNX model"),
        (block(8, tag(1, 0) + number_of(7)), "a number where a name should be"),
        (block(8, block(1, b"\xff\xfe")), "not an ONNX model"),
    ],
)
def test_bytes_that_no_exporter_writes_are_refused(field: bytes, reason: str) -> None:
    """Groups, numbers past 64 bits, fields that end after the file, names that are none: never an error of Python's."""
    with pytest.raises(BundleError, match=reason):
        read_header(GOOD + field)


def test_an_operator_whose_name_is_a_number_is_refused() -> None:
    """It has no name then, and no name is not among those allowed."""
    nameless = block(7, block(1, tag(4, 0) + number_of(7)))
    header = read_header(GOOD + nameless)
    assert ("", "") in header.operators
    with pytest.raises(BundleError, match="operators not allowed"):
        check_header(header)


def test_graphs_nested_without_end_are_refused() -> None:
    """Deeper than anything that runs: a BundleError, not a crashed process."""
    data = block(4, b"Identity")
    for _ in range(3_000):
        data = block(4, b"Identity") + block(5, block(6, block(1, data)))
    with pytest.raises(BundleError, match="not an ONNX model"):
        read_header(block(7, block(1, data)))


def test_tensors_in_attributes_outside_the_file_are_seen() -> None:
    """One tensor or a list of them; by their location, or by the mark alone."""
    for field in ("t", "tensors"):
        for marks in ({"data_location": TensorProto.EXTERNAL}, {"external_data": [{"key": "location", "value": "w"}]}):
            node = helper.make_node("Constant", [], ["y"])
            tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1], **marks)
            attribute = node.attribute.add(name="value")
            getattr(attribute, field).MergeFrom(tensor if field == "t" else [tensor])
            assert read_header(model(node).SerializeToString()).external_data, (field, marks)


@pytest.mark.parametrize("part", ["values", "indices"])
@pytest.mark.parametrize("place", ["initializer", "attribute", "attributes"])
def test_sparse_tensors_outside_the_file_are_refused(part: str, place: str) -> None:
    """onnxruntime reads the file that a sparse tensor points at, too."""
    node = helper.make_node("Constant", [], ["y"])
    outside = model(node)
    attribute = outside.graph.node[0].attribute.add(name="sparse_value")
    sparse = {
        "initializer": outside.graph.sparse_initializer.add,
        "attribute": lambda: attribute.sparse_tensor,
        "attributes": attribute.sparse_tensors.add,
    }[place]()
    tensor = getattr(sparse, part)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    with pytest.raises(BundleError, match="outside its file"):
        check_header(read_header(outside.SerializeToString()))
