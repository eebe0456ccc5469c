"""The model bundle: one immutable directory per version, written whole, verified before it serves.

In: arrays, ONNX files, a manifest. Out: `<bundles>/<shop>/<version>/` with `manifest.json`, `ranker.onnx` and
`index/*.npy`, where visits were learned from `sessions.onnx` and `sessions/*.npy`, and `<bundles>/<shop>/live.json`
that says which version serves. No pickle, ever.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.errors import UNREADABLE, BundleError

SCHEMA = 1
MANIFEST = "manifest.json"
INDEX, SESSIONS = "index", "sessions"  # the parts of a bundle: directories of arrays
RANKERS = {INDEX: "ranker.onnx", SESSIONS: "sessions.onnx"}


class Golden(msgspec.Struct, frozen=True):
    """Inputs with the scores they must give: proves that this machine computes what the trainer measured."""

    rows: list[list[float]]
    scores: list[float]
    tolerance: float = 1e-5


class Part(NamedTuple):
    """One model of a bundle: an ONNX file and the arrays beside it."""

    ranker: bytes
    arrays: Mapping[str, NDArray[Any]]


class SessionsPart(msgspec.Struct, frozen=True):
    """What a manifest says of the next-click model."""

    feature_names: tuple[str, ...]
    onnx: dict[str, int]
    golden: Golden


class Bin(msgspec.Struct, frozen=True):
    """Candidates of neighbouring scores: how many, the scores served (0..1), and the share that was bought."""

    rows: int
    low: float
    high: float
    score: float  # mean
    bought: float


class Calibration(msgspec.Struct, frozen=True):
    """What became of the scores of one slot in weeks never learned from, lowest scores first."""

    bins: tuple[Bin, ...]
    version: int = 1


class Manifest(msgspec.Struct, frozen=True):
    """What a bundle is and where it came from. `files` maps relative path to SHA-256."""

    version: str
    shop: str
    created: str
    feature_names: tuple[str, ...]
    files: dict[str, str]
    onnx: dict[str, int]  # ir_version, and opset by domain
    golden: Golden
    metrics: dict[str, dict[str, dict[str, float]]]  # slot -> method -> metric -> value
    readiness: dict[str, str]
    data: dict[str, str | int | float]  # window, sizes, the dataset's fingerprint
    calibration: dict[str, Calibration] = {}  # by slot; bundles of before it was measured have none
    sessions: SessionsPart | None = None  # none where visits are too few to learn from
    schema: int = SCHEMA


class Live(msgspec.Struct, frozen=True):
    """`live.json`: the serving version, a canary with its share of shoppers in percent, and a shadow.

    The shadow serves nobody: it is asked what it would have answered, after the answer has gone out.
    """

    live: str
    canary: str | None = None
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    shadow: str | None = None


def new_version() -> str:
    """A sortable, unique name: UTC time and four random hex digits."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def write_bundle(
    root: Path, manifest: Manifest, parts: Mapping[str, Part], beside: Mapping[str, bytes] | None = None
) -> Path:
    """Write a bundle under `root/<shop>/<version>`: temporary name, fsync, rename. Fills in `manifest.files`.

    `parts` are keyed by INDEX and SESSIONS; `beside` holds further files by name that serving does not read.
    """
    final = root / manifest.shop / manifest.version
    if final.exists():
        raise BundleError(f"bundle {final} exists already; bundles are never rewritten, take a new version")
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        for part, (ranker, arrays) in parts.items():
            (temporary / RANKERS[part]).write_bytes(ranker)
            (temporary / part).mkdir()
            for name, array in arrays.items():
                np.save(temporary / part / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        for name, body in (beside or {}).items():
            (temporary / name).write_bytes(body)
        files = {str(p.relative_to(temporary)): _sha256(p) for p in sorted(temporary.rglob("*")) if p.is_file()}
        told = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(manifest, files=files)))
        (temporary / MANIFEST).write_bytes(told)
        for path in (*temporary.rglob("*"), temporary):
            _fsync(path)
        temporary.rename(final)
        _fsync(final.parent)
    except BaseException:  # also on Ctrl-C: no half bundle stays behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return final


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a bundle. Raises BundleError when it is missing, unreadable or of another schema."""
    path = directory / MANIFEST
    try:
        raw = msgspec.json.decode(path.read_bytes())
        schema = raw["schema"]
    except OSError as error:
        raise BundleError(f"no bundle at {directory}: {error.strerror}; train one with `python -m training`") from error
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise BundleError(f"{path} is not a bundle manifest: {error!r}") from error
    if schema != SCHEMA:
        raise BundleError(f"{path} has schema {schema!r}, this program reads {SCHEMA}; train again with this version")
    try:
        return msgspec.convert(raw, Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(f"{path} is incomplete: {error}") from error


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Compare every file with its checksum; neither a missing nor an extra file passes. Raises BundleError."""
    present = {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()} - {MANIFEST}
    if present != set(manifest.files):
        odd = sorted(present ^ set(manifest.files))
        raise BundleError(f"bundle {manifest.version}: files missing or unlisted: {', '.join(odd[:5])}")
    for name, expected in manifest.files.items():
        if _sha256(directory / name) != expected:
            raise BundleError(f"bundle {manifest.version}: {name} is damaged (checksum differs); copy the bundle again")


def read_arrays(directory: Path, part: str = INDEX) -> dict[str, NDArray[Any]]:
    """The arrays of one part, memory-mapped read-only: several processes share one copy in the page cache."""
    try:
        return {
            path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
            for path in sorted((directory / part).glob("*.npy"))
        }
    except Exception as error:  # any: NumPy reads headers with Python's tokenizer and parser, and lets their errors out
        raise BundleError(f"bundle {directory.name}: an index array cannot be read: {error}") from error


def read_live(root: Path, shop: str) -> Live:
    """Which version serves. Raises BundleError when there is none yet or the file is damaged."""
    path = root / shop / "live.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Live)
    except OSError as error:
        raise BundleError(f"shop {shop!r} has no live model ({path}: {error.strerror}); train one first") from error
    except UNREADABLE as error:
        raise BundleError(f"{path} is damaged: {error}; name a version with `python -m backend publish`") from error


def write_live(root: Path, shop: str, live: Live) -> None:
    """Name the serving version, atomically."""
    replace_file(root / shop / "live.json", msgspec.json.encode(live))


def replace_file(path: Path, *data: bytes) -> None:
    """Replace a file whole: readers see the old bytes or the new ones (given in parts), never a mixture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with temporary.open("wb") as file:
        file.writelines(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
