"""The page: everything a bundle says of itself, as one HTML file that needs nothing else.

In: a bundle's directory, the catalogue, the bundle to compare with. Out: HTML. Titles come from shops and are hostile
until escaped: Jinja escapes every value, and the page's own policy forbids scripts and requests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from edge.core.bundle import MANIFEST, Manifest, read_arrays, read_manifest, replace_file, verify_files
from edge.core.errors import BundleError, EndcapError
from edge.core.products import Product
from edge.core.snapshot import read_snapshot
from training import showcase
from training.page import names
from training.page.changes import Changes, compare, newest_before
from training.page.features import importances
from training.page.measures import breadths, slot_tables
from training.page.reliability import plots
from training.page.shelves import groups

_TEMPLATE = "page.html.jinja"


class ReportError(EndcapError):
    """A page that cannot be written where it was asked for."""


@dataclass(frozen=True)
class _Bundle:
    """A whole bundle: its files are as their checksums say."""

    directory: Path
    manifest: Manifest
    sizes: dict[str, float]

    @classmethod
    def read(cls, directory: Path) -> "_Bundle":
        manifest = read_manifest(directory)
        verify_files(directory, manifest)
        return cls(directory, manifest, dict(_sizes(directory, read_arrays(directory))))


def write(html: str, out: Path) -> int:
    """Write the page, replacing an older one whole; returns its bytes. Raises ReportError naming the remedy."""
    data = html.encode()
    if out.is_dir():
        raise ReportError(f"cannot write {out}: it is a directory; name a file in it with --out")
    try:
        replace_file(out, data)
    except OSError as error:
        raise ReportError(f"cannot write {out}: {error.strerror}; name another file with --out") from error
    return len(data)


def render(directory: Path, catalogue: Path, previous: Path | None = None) -> str:
    """The page about this bundle. Raises BundleError when it, or the `previous` named, is missing or damaged.

    Without `previous` the newest older bundle beside it is compared with, if there is one.
    """
    bundle = _Bundle.read(directory)
    manifest = bundle.manifest
    changes, remarks = _changes(bundle, previous)
    products, missing = _products(catalogue)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = names.number
    return environment.get_template(_TEMPLATE).render(
        manifest=manifest,
        tables=slot_tables(manifest.metrics),
        plots=plots(manifest.calibration),
        breadths=breadths(manifest.metrics),
        sizes=bundle.sizes,
        importances=importances(manifest),
        groups=groups(showcase.read(directory).examples, products),
        missing_catalogue=missing,
        changes=changes,
        remarks=remarks,
        facts=[(names.fact(name), value) for name, value in manifest.data.items() if "gain:" not in name],
        readiness=[(names.slot(slot), sentence) for slot, sentence in manifest.readiness.items()],
    )


def _changes(bundle: _Bundle, previous: Path | None) -> tuple[Changes | None, list[str]]:
    remarks: list[str] = []
    if previous is None:
        previous, remarks = newest_before(bundle.directory, bundle.manifest)
    if previous is None:
        return None, remarks
    before = _Bundle.read(previous)
    return compare(bundle.manifest, before.manifest, bundle.sizes, before.sizes), remarks


def _products(catalogue: Path) -> tuple[Mapping[str, Product], str]:
    """The cards by id; without a catalogue none, and why."""
    try:
        return {product.id: product for product in read_snapshot(catalogue).products}, ""
    except BundleError as error:
        return {}, str(error)


def _sizes(directory: Path, arrays: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, float]]:
    """What the index reaches, as far as this bundle has the arrays for it."""
    if "ids" in arrays:
        yield "products known", len(arrays["ids"])
    for name, label in (("sold", "products ever sold"), ("sold_recently", "products with recent sales")):
        if name in arrays:
            yield label, int((arrays[name] > 0).sum())
    if "pair_ptr" in arrays:
        yield "products with pairs", int((np.diff(arrays["pair_ptr"]) > 0).sum())
        yield "pairs beyond chance", len(arrays["pair_items"])
    if "category_paths" in arrays:
        yield "categories", len(arrays["category_paths"])
    # What serves, without the manifest, whose own size follows what is said in it.
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != MANIFEST)
    yield "MiB on disk", round(sum(path.stat().st_size for path in files) / 2**20, 1)
