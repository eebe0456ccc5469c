"""The forest inside an ONNX file, where it is nothing but a sum of small trees: what the compiled kernel runs.

In: the bytes of a model that `onnx_header` has let pass. Out: a `Forest`, or None for a model that is anything else,
which onnxruntime then runs. Attributes are those of ai.onnx.ml's TreeEnsembleRegressor. Whoever uses the forest proves
it by the bundle's golden rows, against onnxruntime, too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.forest import MOST_LEAVES, Forest
from edge.core.onnx_header import read_varint, wire_fields

_NODES = ("treeids", "nodeids", "featureids", "values", "truenodeids", "falsenodeids", "modes")
_TARGETS = ("treeids", "nodeids", "ids", "weights")
_KNOWN = frozenset(  # the last two speak of numbers that are missing, and of nothing
    {*(f"nodes_{name}" for name in _NODES), *(f"target_{name}" for name in _TARGETS), "n_targets", "base_values"}
    | {"post_transform", "aggregate_function", "nodes_missing_value_tracks_true", "nodes_hitrates"}
)
_NAME, _FLOAT, _INT, _TEXT, _FLOATS, _INTS, _TEXTS, _TYPE = 1, 2, 3, 4, 7, 8, 9, 20  # fields of an AttributeProto
_TYPES = {_FLOAT: 1, _INT: 2, _TEXT: 3, _FLOATS: 6, _INTS: 7, _TEXTS: 8}  # what its type then is
_SIGN = 1 << 63

_Values = list[Any]


@dataclass
class _Tree:
    """One tree: of each node its feature, limit, and where it leads to; of each leaf what it is worth."""

    root: int
    nodes: dict[int, tuple[int, float, int, int]] = field(default_factory=dict)
    leaves: dict[int, float] = field(default_factory=dict)


def read_forest(model: bytes, columns: int) -> Forest | None:
    """The forest over so many features, or None where the file holds anything but one plain forest."""
    try:
        told = _only_forest(memoryview(model))
        if told is None or not _plain(told):
            return None
        return _laid_out(_trees(told), columns, float(told.get("base_values", [0.0])[0]))
    except (LookupError, TypeError, ValueError, RecursionError):  # because onnxruntime judges what is damaged
        return None


def _only_forest(model: memoryview) -> dict[str, _Values] | None:
    """The attributes of the one forest of a graph in which nothing else does anything."""
    forests: list[memoryview] = []
    for number, graph in wire_fields(model):
        for part, node in wire_fields(graph) if number == 7 and not isinstance(graph, int) else ():
            if part != 1 or isinstance(node, int):
                continue
            operator = b"".join(bytes(name) for at, name in wire_fields(node) if at == 4 and not isinstance(name, int))
            if operator == b"TreeEnsembleRegressor":
                forests.append(node)
            elif operator != b"Identity":
                return None
    return _attributes(forests[0]) if len(forests) == 1 else None


def _attributes(node: memoryview) -> dict[str, _Values]:
    """By name. ValueError where one is of no forest, stands there twice or is of several types."""
    found: dict[str, _Values] = {}
    for number, attribute in wire_fields(node):
        if number != 5 or isinstance(attribute, int):
            continue
        name, values = _attribute(attribute)
        if name in found or name not in _KNOWN:
            raise ValueError(f"attribute {name!r}, or twice")
        found[name] = values
    return found


def _attribute(attribute: memoryview) -> tuple[str, _Values]:
    """Its name and values."""
    name, values, types = "", [], set[int]()
    for part, value in wire_fields(attribute):
        if part == _NAME and not isinstance(value, int):
            name = bytes(value).decode()
        elif part == _TYPE and isinstance(value, int):
            types.add(value)
        elif part in _TYPES:
            types.add(_TYPES[part])
            values += _values(part, value)
    if len(types) != 1:
        raise ValueError(f"attribute {name!r} of types {sorted(types)}")
    return name, values


def _values(part: int, value: int | memoryview) -> _Values:
    if part in (_INT, _INTS):
        return list(_numbers(value))
    if isinstance(value, int):
        raise TypeError("a number where bytes should be")
    return np.frombuffer(value, "<f4").tolist() if part in (_FLOAT, _FLOATS) else [bytes(value)]


def _numbers(value: int | memoryview) -> Iterator[int]:
    """One whole number, or as many as are packed together; the sign is the 64th bit."""
    at = 0
    while isinstance(value, memoryview) and at < len(value):
        number, at = read_varint(value, at)
        yield number - 2 * _SIGN if number >= _SIGN else number
    if isinstance(value, int):
        yield value - 2 * _SIGN if value >= _SIGN else value


def _plain(told: dict[str, _Values]) -> bool:
    """Whether it is a sum of trees that only ask whether a feature is at most a limit."""
    nodes = {len(told.get(f"nodes_{name}", ())) for name in _NODES}
    targets = {len(told.get(f"target_{name}", ())) for name in _TARGETS}
    return (
        len(nodes) == len(targets) == 1
        and 0 not in nodes | targets
        and set(told["nodes_modes"]) <= {b"BRANCH_LEQ", b"LEAF"}
        and set(told["target_ids"]) == {0}
        and told.get("n_targets", [1]) == [1]
        and told.get("post_transform", [b"NONE"]) == [b"NONE"]
        and told.get("aggregate_function", [b"SUM"]) == [b"SUM"]
        and len(told.get("base_values", [0.0])) == 1
        and not any(map(math.isnan, told["nodes_values"]))  # a limit of which nothing is above or below
    )


def _trees(told: dict[str, _Values]) -> list[_Tree]:
    """KeyError and ValueError for leaves that are not worth one number each."""
    trees: dict[int, _Tree] = {}
    leaves: set[tuple[int, int]] = set()
    for tree, node, feature, limit, true, false, mode in zip(*(told[f"nodes_{name}"] for name in _NODES), strict=True):
        trees.setdefault(tree, _Tree(root=node))  # the first of a tree's nodes is its root
        if mode == b"LEAF":
            leaves.add((tree, node))
        else:
            trees[tree].nodes[node] = (feature, limit, true, false)
    for tree, node, weight in zip(*(told[f"target_{name}"] for name in ("treeids", "nodeids", "weights")), strict=True):
        leaves.remove((tree, node))  # each once
        trees[tree].leaves[node] = weight
    if leaves:
        raise ValueError(f"{len(leaves)} leaves are worth nothing")
    return list(trees.values())


def _laid_out(trees: list[_Tree], columns: int, base: float) -> Forest | None:
    """The trees as the kernel reads them. KeyError and ValueError for trees that are none."""
    if max(len(tree.leaves) for tree in trees) > MOST_LEAVES:
        return None
    start, nodes = [0], []
    leaf = np.zeros((len(trees), max(len(tree.leaves) for tree in trees)), np.float32)
    for row, tree in enumerate(trees):
        worth: list[float] = []
        nodes += [(feature, limit, ~left) for feature, limit, left in _walked(tree, tree.root, worth)]
        leaf[row, : len(worth)] = worth
        start.append(len(nodes))
    features, limits, left = zip(*nodes, strict=True) if nodes else ((), (), ())
    ints: list[NDArray[np.int32]] = [np.array(one, np.int32) for one in (start, features, left)]
    return Forest(columns, ints[0], ints[1], np.array(limits, np.float32), ints[2], leaf, base)


def _walked(tree: _Tree, node: int, worth: list[float]) -> Iterator[tuple[int, float, int]]:
    """Feature, limit and the leaves on its left, as bits, of each node below; the leaves' worth from left to right."""
    if node in tree.leaves:
        worth.append(tree.leaves[node])
        return
    if len(worth) >= MOST_LEAVES:
        raise ValueError("a tree leads back to itself")
    feature, limit, true, false = tree.nodes[node]
    before = len(worth)
    yield from _walked(tree, true, worth)
    yield feature, limit, ((1 << len(worth)) - 1) & -(1 << before)
    yield from _walked(tree, false, worth)
