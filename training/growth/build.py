"""One size of shop made ready to be served: data set, index, bundle, catalogue, shoppers; each step timed.

In: a directory, how many products and sessions, and the bundle of a forest trained elsewhere. Out: a data directory as
the edge reads it, `shoppers.msgpack` with people to ask for, and `built.json`: what each step took.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.core.bundle import INDEX, RANKERS, Live, Manifest, Part, new_version, read_manifest, write_bundle, write_live
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from edge.core.snapshot import write_snapshot
from training import dataset as datasets
from training import engine as engines
from training import examples, index, moments, ranker
from training import facts as numbered
from training.draws import fair_orders
from training.export import export
from training.memory import peak_mib
from training.pairs import count_meetings
from training.pipeline import Windows
from training.scale.shop import Shape, generate
from training.settings import Settings

SHOP = "growth"
DATASET, FOREST, BUILT, SHOPPERS = "dataset", "forest", "built.json", "shoppers.msgpack"
_SHOPPERS_DRAWN = 4_000
_DAYS_DRAWN = 28
_ENGINE_MIB = 6_144

Told = Callable[[str], None]


class Visitor(msgspec.Struct, frozen=True, array_like=True):
    """Somebody just before an order: who, the stored profile, what this visit looked at, what the order then held."""

    customer: str
    profile: bytes
    visit: tuple[str, ...]
    basket: tuple[str, ...]


class Built(msgspec.Struct, frozen=True):
    """What it took to make a size. Seconds by step, of the wall clock and of the processor (all threads)."""

    products: int
    sessions: int
    lines: int
    seconds: dict[str, float]
    cpu_s: dict[str, float]
    peak_mib: float
    bundle_mib: float
    catalogue_mib: float


def make_dataset(directory: Path, products: int, sessions: int, progress: Callable[[int, int], None]) -> None:
    """Generate the shop. `progress` hears of shoppers written and of how many there will be."""
    shape = Shape.of_sessions(products, sessions)
    generate(directory / DATASET, shape, progress=lambda done: progress(done, shape.shoppers))


def train_forest(directory: Path, orders: int, tell: Told) -> Path:
    """The ranker of the data set in `directory`, trained and exported as every run does; returns its bundle.

    It learns from `orders` orders of the label weeks. The bundle holds no index: it is never served.
    """
    settings = Settings()
    with engines.opened("duckdb", memory_mib=_ENGINE_MIB) as engine:
        made = datasets.open_dataset(directory / DATASET, engine)
        facts = numbered.collect(engine, made.lines(), made.products())
        windows = Windows.of(facts.first_day, facts.last_day, settings)
        tell("replaying shoppers for the forest")
        learned = moments.collect(made, SHOP, fair_orders(made, windows.label, windows.test, orders), lambda _: None)
        tell("candidates and features of their orders")
        known = Index.from_arrays(index.build(facts, count_meetings(facts, windows.label), windows.label))
        labelled = examples.stack(list(examples.rows(known, learned)))
    tell("growing the forest")
    exported = export(ranker.train(labelled, settings.threads), labelled.features)
    manifest = Manifest(
        version=new_version(),
        shop=SHOP,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        feature_names=FEATURE_NAMES,
        files={},
        onnx=exported.versions,
        golden=exported.golden,
        metrics={},
        readiness={},
        data={"shoppers": len(learned), "rows": len(labelled.labels)},
    )
    return write_bundle(directory / FOREST, manifest, {INDEX: Part(exported.ranker, {})})


def build(directory: Path, forest: Path, tell: Told) -> Built:
    """The index of all days, as a bundle with this forest; the catalogue; shoppers of the last weeks."""
    clock = _Clock(tell)
    with engines.opened("duckdb", memory_mib=_ENGINE_MIB) as engine:
        made = datasets.open_dataset(directory / DATASET, engine)
        with clock.step("numbering products, shoppers and orders"):
            facts = numbered.collect(engine, made.lines(), made.products())
        end = facts.last_day + 1
        with clock.step("counting meetings"):
            meetings = count_meetings(facts, end)
        with clock.step("building the index"):
            arrays = index.build(facts, meetings, end)
        with clock.step("writing the bundle"):
            manifest = msgspec.structs.replace(read_manifest(forest), version=new_version(), sessions=None)
            parts = {INDEX: Part((forest / RANKERS[INDEX]).read_bytes(), arrays)}
            bundle = write_bundle(directory / "bundles", manifest, parts)
            write_live(directory / "bundles", SHOP, Live(bundle.name))
        del arrays, meetings
        with clock.step("writing the catalogue"):
            catalogue = directory / "catalogue" / f"{SHOP}.cat"
            write_snapshot(catalogue, made.catalogue())
        with clock.step("replaying shoppers"):
            _write_shoppers(made, directory / SHOPPERS, end)
    built = Built(
        products=made.summary.products,
        sessions=made.summary.sessions,
        lines=made.summary.lines,
        seconds=clock.seconds,
        cpu_s=clock.cpu_s,
        peak_mib=round(peak_mib(), 1),
        bundle_mib=_mib(bundle),
        catalogue_mib=_mib(catalogue),
    )
    (directory / BUILT).write_bytes(msgspec.json.format(msgspec.json.encode(built)))
    shutil.rmtree(directory / DATASET)  # the largest part of it, and done with
    return built


def _write_shoppers(made: datasets.Dataset, path: Path, end: int) -> None:
    orders = fair_orders(made, end - _DAYS_DRAWN, end, _SHOPPERS_DRAWN)
    found = moments.collect(made, SHOP, orders, lambda _: None)
    drawn = [Visitor(one.shopper, one.profile, tuple(id_ for id_, _ in one.visit), one.basket) for one in found]
    path.write_bytes(msgspec.msgpack.encode(drawn))


class _Clock:
    def __init__(self, tell: Told) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}
        self._tell = tell

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tell(name)
        wall, cpu = time.monotonic(), time.process_time()
        yield
        self.seconds[name] = round(time.monotonic() - wall, 2)
        self.cpu_s[name] = round(time.process_time() - cpu, 2)


def _mib(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return round(sum(one.stat().st_size for one in files) / 2**20, 1)
