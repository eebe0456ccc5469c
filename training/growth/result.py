"""What a size measured: how it was made, how it loads, what a page costs, what memory it takes; as a table.

In: what `training.growth.build`, `scripts/growth_probe.py` and `scripts/growth_server.py` found. Out: `Point`s, one per
size, a table for people, and the faults of the largest against the limit.
"""

from collections.abc import Sequence

import msgspec
from rich.table import Table

from training.growth.build import Built

LIMIT_MS = 5.0  # the issue's: p99 of retrieval, features and ranking of one page
JUDGED = 1_000_000  # products from which the limit is judged


class Pages(msgspec.Struct, frozen=True):
    """Retrieval, features and ranking of pages, in milliseconds of the wall clock and of the processor."""

    pages: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    cpu_p50_ms: float
    cpu_p95_ms: float
    cpu_p99_ms: float
    cpu_mean_ms: float


class Inside(msgspec.Struct, frozen=True):
    """One process, without server and store. Seconds to load the bundle from disk, from memory; the catalogue."""

    load_cold_s: float | None
    load_s: float
    catalogue_s: float
    pages: dict[str, Pages]  # by surface, and "all"
    candidates: float  # on average, scored or ordered for a page


class Served(msgspec.Struct, frozen=True):
    """The real server with so many worker processes; `memory_mib` by worker: rss, pss, private, anonymous."""

    workers: int
    ready_s: float
    personal: float  # share of pages with a personal shelf
    p50_ms: float
    p95_ms: float
    p99_ms: float
    memory_mib: list[dict[str, float]]

    def total(self, kind: str) -> float:
        """Of all workers; of `pss` that is what the machine really gives."""
        return sum(one[kind] for one in self.memory_mib)


class Point(msgspec.Struct, frozen=True):
    """One size."""

    built: Built
    inside: Inside
    served: list[Served]


def faults(points: Sequence[Point], *, busy: bool = False) -> list[str]:
    """What is above its limit, as sentences. On a `busy` machine the processor's time counts, not the wall clock's."""
    unit, judged = " of the processor" if busy else "", [one for one in points if one.built.products >= JUDGED]
    found = [(one.built.products, one.inside.pages["all"]) for one in judged]
    spent = [(products, pages.cpu_p99_ms if busy else pages.p99_ms) for products, pages in found]
    return [
        f"at {products:,} products p99 of retrieval, features and ranking is {p99:.2f} ms{unit}, "
        f"allowed are {LIMIT_MS:g}"
        for products, p99 in spent
        if p99 > LIMIT_MS
    ]


def table(points: Sequence[Point]) -> Table:
    """Sizes as columns."""
    out = Table(title="one edge process, by the size of the shop")
    out.add_column("")
    for point in points:
        out.add_column(f"{point.built.products:,} products", justify="right")
    for name, rows in _sections(points):
        out.add_section()
        out.add_row(f"[bold]{name}")
        for label, values in rows:
            out.add_row(label, *values)
    return out


_Rows = list[tuple[str, list[str]]]


def _sections(points: Sequence[Point]) -> list[tuple[str, _Rows]]:
    return [
        ("the shop", _shop(points)),
        ("loading, s", _loading(points)),
        ("a page, ms", _pages(points)),
        ("memory, MiB", _memory(points)),
    ]


def _shop(points: Sequence[Point]) -> _Rows:
    built = [point.built for point in points]
    return [
        ("sessions", [f"{one.sessions:,}" for one in built]),
        ("lines of events", [f"{one.lines:,}" for one in built]),
        ("bundle, MiB", [f"{one.bundle_mib:,.0f}" for one in built]),
        ("catalogue, MiB", [f"{one.catalogue_mib:,.0f}" for one in built]),
        ("made in, s of processor", [f"{sum(one.cpu_s.values()):,.0f}" for one in built]),
        ("peak memory of making it, MiB", [f"{one.peak_mib:,.0f}" for one in built]),
    ]


def _loading(points: Sequence[Point]) -> _Rows:
    inside = [point.inside for point in points]
    return [
        ("bundle, from disk", ["" if one.load_cold_s is None else f"{one.load_cold_s:.2f}" for one in inside]),
        ("bundle, in the page cache", [f"{one.load_s:.2f}" for one in inside]),
        ("catalogue", [f"{one.catalogue_s:.2f}" for one in inside]),
        ("start of the server until ready", [f"{point.served[0].ready_s:.2f}" for point in points]),
    ]


def _pages(points: Sequence[Point]) -> _Rows:
    rows: _Rows = []
    for surface in ("all", "home", "pdp", "cart"):
        found = [point.inside.pages[surface] for point in points]
        title = "retrieval + features + ranking" if surface == "all" else f"  {surface}"
        rows.append((f"{title}: p50 / p99", [f"{one.p50_ms:.2f} / {one.p99_ms:.2f}" for one in found]))
    cpu = [point.inside.pages["all"] for point in points]
    rows.append(("  processor: p50 / p99", [f"{one.cpu_p50_ms:.2f} / {one.cpu_p99_ms:.2f}" for one in cpu]))
    rows.append(("candidates of a page", [f"{point.inside.candidates:.0f}" for point in points]))
    served = [point.served[0] for point in points]
    rows.append(("whole page over HTTP: p50 / p99", [f"{one.p50_ms:.2f} / {one.p99_ms:.2f}" for one in served]))
    return rows


def _memory(points: Sequence[Point]) -> _Rows:
    rows: _Rows = []
    for at, served in enumerate(points[0].served):
        many = f"{served.workers} worker" + "s" * (served.workers > 1)
        of = [point.served[at] for point in points]
        rows.append((f"{many}: resident, sum", [f"{one.total('rss'):,.0f}" for one in of]))
        rows.append((f"{many}: proportional, sum", [f"{one.total('pss'):,.0f}" for one in of]))
        rows.append((f"{many}: of their own, each", [f"{one.total('anonymous') / one.workers:,.0f}" for one in of]))
    return rows
