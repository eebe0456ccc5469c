"""A bundle of any size as one edge process sees it: how long it loads, and what a page costs inside.

In: a data directory made by `training.growth`, how many pages. Out: JSON on standard output. No server and no store:
what `edge.recommend` does between the two, with the profiles the store would have given.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it is started by its path

from edge.catalogue import Catalogue
from edge.core.codec import decode_columns
from edge.core.context import History
from edge.core.errors import CodecError
from edge.core.ids import Ids
from edge.profiles import Known
from edge.ranking import find, gather_evidence, score
from edge.scoring import LiveModel, Model
from edge.slots import order_for
from edge.wire import Query

SHOP = "growth"
Visitor = tuple[str, bytes, list[str], list[str]]  # customer, profile, visit, basket: `training.growth.build.Visitor`
SURFACES = ("home", "pdp", "cart")
_UNIFORM = 0.25  # share of product pages drawn from the whole catalogue, most of which hardly sells
_WARM = 200


def main(directory: Path, pages: int) -> None:
    """Load cold, load warm, ask."""
    evicted = _evict(directory)
    cold_s, model = _load(directory)
    warm_s, model = _load(directory)
    began = time.monotonic()
    catalogue = Catalogue(SHOP, directory / "catalogue" / f"{SHOP}.cat")
    catalogue.reload()
    catalogue_s = time.monotonic() - began
    visitors: list[Visitor] = msgspec.msgpack.decode((directory / "shoppers.msgpack").read_bytes(), type=list[Visitor])
    drawn = list(questions(visitors, model.index.ids, pages + _WARM))
    measured = [(query.surface, *_ask(model, query, known)) for query, known in drawn][_WARM:]
    result = {
        "load_cold_s": round(cold_s, 3) if evicted else None,
        "load_s": round(warm_s, 3),
        "catalogue_s": round(catalogue_s, 3),
        "pages": {name: _summary([one for one in measured if name in ("all", one[0])]) for name in ("all", *SURFACES)},
        "candidates": round(float(np.mean([one[3] for one in measured])), 1),
    }
    print(json.dumps(result))


def questions(visitors: Sequence[Visitor], ids: Ids, count: int) -> Iterator[tuple[Query, Known]]:
    """Pages of shoppers drawn at random, home, product and cart in turn, with what the store knows of each shopper."""
    drawn = random.Random(7)
    for at in range(count):
        customer, profile, visit, basket = drawn.choice(visitors)
        surface = SURFACES[at % len(SURFACES)]
        product = ids[drawn.randrange(len(ids))] if drawn.random() < _UNIFORM else drawn.choice(basket)
        query = Query(
            surface,  # type: ignore[arg-type]  # because it is one of three texts
            product_id=product if surface == "pdp" else None,
            product_ids=tuple(basket[:5]) if surface == "cart" else (),
            session=tuple(visit[-8:]),
            customer_id=customer,
            consent=("personalization",),
        )
        try:
            known = Known(decode_columns(profile), None, frozenset(["personalization"]), None, None)
        except CodecError as error:
            raise SystemExit(f"the shoppers were written by another version: {error}") from error
        yield query, known


def _ask(model: Model, query: Query, known: Known) -> tuple[float, float, int]:
    """Milliseconds of wall clock and of processor, and candidates: retrieval, features and ranking of one page."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    history = History.of(model.index, known.profile)
    evidence = gather_evidence(model, query, known, history)
    slots = order_for(query.surface, orders=history.orders, visiting=bool(evidence.visit))
    found = find(model, slots, evidence)
    score(model, found, evidence.context)
    spent = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return spent[0] / 1e6, spent[1] / 1e6, sum(len(some.items) for some in found.values())


def _summary(measured: list[tuple[str, float, float, int]]) -> dict[str, float]:
    wall, cpu = (np.array([one[column] for one in measured]) for column in (1, 2))
    found = {"pages": float(len(measured))}
    for name, values in (("", wall), ("cpu_", cpu)):
        found |= {f"{name}p{at}_ms": round(float(np.percentile(values, at)), 3) for at in (50, 95, 99)}
        found[f"{name}mean_ms"] = round(float(values.mean()), 3)
    return found


def _load(directory: Path) -> tuple[float, Model]:
    """As an edge does: live.json, checksums, golden rows, all checks."""
    began = time.monotonic()
    live = LiveModel(directory / "bundles", SHOP)
    live.refresh()
    if live.current is None:
        raise SystemExit(f"the bundle was refused: {live.refused}")
    return time.monotonic() - began, live.current


def _evict(directory: Path) -> bool:
    """Have the system forget the files, so that the first load reads the disk. Whether it can be asked to."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in (directory / "bundles").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
