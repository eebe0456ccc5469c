"""Parts of the request path made by hand, for tests that work answers out: a model, a ranker, a catalogue."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from onnx import TensorProto, helper

from edge.catalogue import Catalogue
from edge.core.bundle import Golden, Manifest
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from edge.picks import SCALE, Picks, ServedBy, Shelf
from edge.reasons import CODE, REASONS
from edge.scoring import Model, Ranker

CATEGORIES = {
    "tea": "Drinks > Hot",
    "coffee": "Drinks > Hot",
    "cola": "Drinks > Cold",
    "bread": "Bakery > Bread",
    "cake": "Bakery > Cakes",
    "soap": "Home",
    "odd": "",
    "green": "Drinks > Hot",
}
EIGHT = tuple(Product(id_, id_.title(), 5.0, category=category) for id_, category in CATEGORIES.items())


def linear_ranker(*, names: Sequence[str] = FEATURE_NAMES, columns: int | None = None, **weights: float) -> Ranker:
    """A real ONNX session whose score is the weighted sum of the features named."""
    columns = len(names) if columns is None else columns
    matrix = np.zeros((columns, 1), np.float32)
    for name, weight in weights.items():
        matrix[names.index(name)] = weight
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, columns])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    tensor = helper.make_tensor("w", TensorProto.FLOAT, matrix.shape, matrix.ravel())
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return Ranker.from_bytes(made.SerializeToString())


def model_of(index: Index, ranker: Ranker | None = None, version: str = "v1") -> Model:
    """A model over an index; its ranker finds the dear products best."""
    manifest = Manifest(version, "demo", "", FEATURE_NAMES, {}, {}, Golden([], []), {}, {}, {})
    return Model(manifest, index, ranker or linear_ranker(price=1))


def catalogue_of(directory: Path, products: Iterable[Product] = EIGHT) -> Catalogue:
    """A catalogue read from a snapshot file of these products."""
    path = directory / "demo.cat"
    write_snapshot(path, products, as_of=0)
    catalogue = Catalogue("demo", path)
    catalogue.reload()
    return catalogue


class Pick(NamedTuple):
    """One of `Picks`, as a reader would put it."""

    id: str
    score: float
    reason: str


def picks_of(*picks: Pick) -> Picks:
    """The same in columns, by id."""
    scores, said = [round(one.score * SCALE) for one in picks], [CODE[one.reason] for one in picks]
    return Picks(np.array(scores, np.int32), np.array(said, np.int32), None, tuple(one.id for one in picks))


class Told(NamedTuple):
    """A shelf before the live rules, as a reader would put it."""

    slot: str
    served_by: ServedBy
    picks: list[Pick]
    newcomers: list[Pick]


def told(shelf: Shelf, index: Index) -> Told:
    """The way back."""
    return Told(shelf.slot, shelf.served_by, told_picks(shelf.picks, index), told_picks(shelf.newcomers, index))


def told_picks(picks: Picks, index: Index) -> list[Pick]:
    """The way back, of one list."""
    ids = picks.ids if picks.positions is None else index.ids.take(picks.positions)
    said = zip(ids, picks.scores.tolist(), picks.reasons.tolist(), strict=True)
    return [Pick(id_, score / SCALE, REASONS[reason]) for id_, score, reason in said]
