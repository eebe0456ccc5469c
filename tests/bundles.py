"""Bundles for the tests: variants of the small shop's, with checksums that fit."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.core.bundle import INDEX, Part, read_arrays, read_live, read_manifest, write_bundle
from edge.core.ids import id_arrays


def another(bundles: Path, version: str = "second", **arrays: Any) -> str:
    """A bundle like the live one, but for some arrays."""
    first = bundles / "demo" / read_live(bundles, "demo").live
    manifest = msgspec.structs.replace(read_manifest(first), version=version, sessions=None)
    keys = id_arrays(arrays["ids"]) if "ids" in arrays else {}
    part = Part((first / "ranker.onnx").read_bytes(), dict(read_arrays(first)) | arrays | keys)
    write_bundle(bundles, manifest, {INDEX: part})
    return version


def muddled(bundles: Path, version: str = "muddled") -> str:
    """A bundle that takes each product for another one: it passes all checks, and its shelves make no sense."""
    ids = read_arrays(bundles / "demo" / read_live(bundles, "demo").live)["ids"]
    return another(bundles, version, ids=np.random.default_rng(7).permutation(ids))
