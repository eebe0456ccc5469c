"""What an ONNX file is made of, read straight from its protobuf bytes: the edge has no `onnx` package, and asks
before it lets onnxruntime build anything.

In: the bytes of a model. Out: IR version, opsets, operators, and whether it points outside the file.
Field numbers: onnx/onnx.proto3 (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto, OperatorSetIdProto).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from edge.core.errors import BundleError

# Trees, linear parts and plumbing. No Loop, If, Scan, no custom domain: nothing that can run without end.
_TREES = {"TreeEnsemble", "TreeEnsembleRegressor"}
_LINEAR = {"LinearRegressor", "Scaler", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div", "Relu", "Sigmoid", "Tanh"}
_PLUMBING = {"Cast", "Concat", "Constant", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
ALLOWED_OPERATORS = frozenset(_TREES | _LINEAR | _PLUMBING)
ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
MAX_IR_VERSION = 13


@dataclass
class OnnxHeader:
    """What stands in a model file."""

    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: set[tuple[str, str]] = field(default_factory=set)  # (domain, operator)
    external_data: bool = False
    functions: bool = False


def read_header(model: bytes) -> OnnxHeader:
    """Walk the model's bytes. Raises BundleError when they are not an ONNX model."""
    header = OnnxHeader()
    try:
        for number, value in wire_fields(memoryview(model)):
            if number == 1 and isinstance(value, int):
                header.ir_version = value
            elif number == 7 and not isinstance(value, int):
                _read_graph(value, header)
            elif number == 8 and not isinstance(value, int):
                _read_opset(value, header)
            elif number == 25:
                header.functions = True
    except (IndexError, TypeError, ValueError, RecursionError) as error:
        raise BundleError(f"not an ONNX model: {error}") from error
    if not header.operators:
        raise BundleError("not an ONNX model: no operators in it")
    return header


def check_header(header: OnnxHeader) -> None:
    """Refuse what the edge does not run. Raises BundleError naming it."""
    if header.ir_version > MAX_IR_VERSION:
        raise BundleError(
            f"ONNX IR version {header.ir_version}; the runtime reads up to {MAX_IR_VERSION}, export again"
        )
    foreign = {domain for domain, _ in header.operators} | set(header.opsets)
    if foreign - ALLOWED_DOMAINS or header.functions:
        raise BundleError(f"ONNX domains {sorted(foreign - ALLOWED_DOMAINS)} or local functions are not allowed")
    refused = sorted({name for _, name in header.operators} - ALLOWED_OPERATORS)
    if refused:
        raise BundleError(f"ONNX operators not allowed: {', '.join(refused)}")
    if header.external_data:
        raise BundleError("the ONNX model keeps tensors outside its file; export it as one file")


def _read_opset(opset: memoryview, header: OnnxHeader) -> None:
    domain, version = "", 0
    for number, value in wire_fields(opset):
        if number == 1:
            domain = _text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    header.opsets[domain] = version


def _read_graph(graph: memoryview, header: OnnxHeader) -> None:
    for number, value in wire_fields(graph):
        if isinstance(value, int):
            continue
        if number == 1:
            _read_node(value, header)
        elif number == 5:
            _read_tensor(value, header)
        elif number == 15:
            _read_sparse_tensor(value, header)


def _read_node(node: memoryview, header: OnnxHeader) -> None:
    name = domain = ""
    for number, value in wire_fields(node):
        if isinstance(value, int):
            continue
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:  # attribute: may hold a tensor (5, 10; sparse 22, 23) or a whole graph (6, 11)
            for attribute, inner in wire_fields(value):
                if attribute in (6, 11) and not isinstance(inner, int):
                    _read_graph(inner, header)
                elif attribute in (5, 10) and not isinstance(inner, int):
                    _read_tensor(inner, header)
                elif attribute in (22, 23) and not isinstance(inner, int):
                    _read_sparse_tensor(inner, header)
    header.operators.add((domain, name))


def _read_sparse_tensor(sparse: memoryview, header: OnnxHeader) -> None:
    for number, value in wire_fields(sparse):
        if number in (1, 2) and not isinstance(value, int):  # its values and their places, both tensors
            _read_tensor(value, header)


def _read_tensor(tensor: memoryview, header: OnnxHeader) -> None:
    for number, value in wire_fields(tensor):
        if number == 13 or (number == 14 and value == 1):
            header.external_data = True


def _text(value: int | memoryview) -> str:
    if isinstance(value, int):
        raise TypeError("a number where a name should be")
    return bytes(value).decode()


def wire_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Protobuf wire format: (field number, varint value or the bytes of a length-delimited or fixed field)."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = read_varint(data, at)
            yield number, value
            continue
        if kind == 2:
            length, at = read_varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
        if at + length > len(data):
            raise ValueError(f"truncated at byte {at}")
        yield number, data[at : at + length]
        at += length


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of 64 bits and where the next field begins. Raises ValueError and IndexError for what is none."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"number too long at byte {at}")
