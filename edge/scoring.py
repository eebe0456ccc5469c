"""The model that serves: verified whole off the request path, swapped as one reference, run inline.

In: `live.json` and a bundle directory. Out: `Model` (index, ranker, version) or BundleError with the reason, while the
last good model serves on. Forests of the size we ship score 100 rows in some thirty microseconds, compiled, so a thread
would cost more than the run (see docs/decisions.md).
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as _binding

from edge.core.bundle import (
    INDEX,
    RANKERS,
    SESSIONS,
    Golden,
    Manifest,
    read_arrays,
    read_live,
    read_manifest,
    verify_files,
)
from edge.core.compiled.forest import Forest
from edge.core.errors import BundleError
from edge.core.features import FEATURE_NAMES
from edge.core.forest import read_forest
from edge.core.index import Index
from edge.core.onnx_header import check_header, read_header
from edge.core.sessions import features as sessions
from edge.core.sessions.index import SessionIndex
from edge.core.signature import check_signature, signature_path
from edge.core.switches import bucket
from edge.metrics import BUNDLES_LOADED, BUNDLES_REFUSED

logger = logging.getLogger("endcap.scoring")

_CANARY_SALT = "canary\0"  # so that who gets the canary has nothing to do with who is served at all
# All that onnxruntime raises: its own kinds, which have no base in common but Exception, and what its binding makes of
# C++'s and of arguments that do not fit.
ONNX_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(_binding).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    IndexError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


class RankerError(Exception):
    """The ranker failed on one request; its candidates are served in retrieval order."""


@dataclass(frozen=True)
class Ranker:
    """Turns feature rows into scores: an ONNX session and, where it holds one plain forest, the same compiled."""

    session: ort.InferenceSession
    forest: Forest | None = None

    @classmethod
    def from_bytes(cls, model: bytes) -> "Ranker":
        """Build a session for small inline runs. Raises BundleError when the model is refused."""
        check_header(read_header(model))
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # the LightGBM export declares a label shape that draws a warning per run
        try:
            session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except ONNX_ERRORS as error:
            raise BundleError(f"onnxruntime refuses the ranker: {error}") from error
        if len(session.get_inputs()) != 1:
            raise BundleError(f"the ranker wants {len(session.get_inputs())} inputs, one feature matrix is given")
        columns = session.get_inputs()[0].shape[-1]
        return cls(session, read_forest(model, columns) if isinstance(columns, int) else None)

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """One raw score per row. Raises RankerError, also when a score is not finite."""
        try:
            scores = self.run(rows) if self.forest is None else self.forest.scores(rows)
        except (TypeError, ValueError) as error:  # because rows of another width or layout degrade, as with onnxruntime
            raise RankerError(str(error)) from error
        # Finite just when all are, short of scores beyond 1e18, which no ranker gives; the cheapest pass over them.
        if len(scores) != len(rows) or not math.isfinite(scores.dot(scores)):
            raise RankerError(f"{len(scores)} scores for {len(rows)} rows, or not all finite")
        return scores

    def run(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """What onnxruntime makes of the rows. Raises RankerError."""
        input_, outputs = self._names
        try:
            (out,) = self.session.run(outputs, {input_: rows})
        except ONNX_ERRORS as error:
            raise RankerError(str(error)) from error
        scores: NDArray[np.float32] = np.asarray(out, np.float32).reshape(-1)
        return scores

    @cached_property
    def _names(self) -> tuple[str, list[str]]:
        """The input's name and the outputs': asking the session for them costs as much as a small run."""
        return self.session.get_inputs()[0].name, [output.name for output in self.session.get_outputs()]


@dataclass(frozen=True, eq=False)
class NextClicks:
    """The next-click model of a bundle."""

    index: SessionIndex
    ranker: Ranker


@dataclass(frozen=True, eq=False)
class Model:
    """One bundle, ready to serve; `next_clicks` is None where visits were too few to learn from."""

    manifest: Manifest
    index: Index
    ranker: Ranker
    next_clicks: NextClicks | None = None

    @property
    def version(self) -> str:
        """The bundle's name, as answers carry it."""
        return self.manifest.version


def load_model(directory: Path) -> Model:
    """Read and verify a bundle: checksums, features, operators, golden vectors. Raises BundleError with the reason."""
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    ranker = _ranker(directory, INDEX, manifest.feature_names, manifest.golden, FEATURE_NAMES)
    index = Index.from_arrays(read_arrays(directory))
    if (told := manifest.sessions) is None:
        return Model(manifest, index, ranker)
    next_ranker = _ranker(directory, SESSIONS, told.feature_names, told.golden, sessions.FEATURE_NAMES)
    next_index = SessionIndex.from_arrays(read_arrays(directory, SESSIONS), index.ids)
    return Model(manifest, index, ranker, NextClicks(next_index, next_ranker))


def _ranker(directory: Path, part: str, made_for: Sequence[str], golden: Golden, wanted: Sequence[str]) -> Ranker:
    """One ranker of a bundle, warmed up and proven by its golden rows."""
    name = f"bundle {directory.name}, {RANKERS[part]}"
    if tuple(made_for) != tuple(wanted):
        odd = sorted(set(made_for) ^ set(wanted)) or ["their order"]
        raise BundleError(f"{name} was made for other features ({', '.join(odd[:5])}); train again")
    try:
        ranker = Ranker.from_bytes((directory / RANKERS[part]).read_bytes())
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}; copy the bundle again") from error
    _check_golden(name, ranker, golden, len(wanted))
    return ranker


def _check_golden(name: str, ranker: Ranker, golden: Golden, width: int) -> None:
    rows = np.array(golden.rows, np.float32)
    if rows.ndim != 2 or rows.shape != (len(golden.scores), width) or not len(rows):
        raise BundleError(f"{name}: golden rows have shape {rows.shape}; train again")
    try:
        scores = ranker.scores(rows), ranker.run(rows)  # this is the warm-up, too
    except RankerError as error:
        raise BundleError(f"{name}: the ranker fails on its golden rows: {error}") from error
    worst = float(np.abs(np.array(scores) - np.array(golden.scores)).max())
    if not worst <= golden.tolerance:
        raise BundleError(
            f"{name}: golden scores differ by {worst:.2g}, allowed is {golden.tolerance:.2g}; "
            "the ranker is not the one that was measured"
        )


class Place:
    """One version to hold ready: the model, and why what `live.json` names for this place was refused, if it was."""

    def __init__(self) -> None:
        self.version: str | None = None  # as named, whether or not it could be loaded
        self.model: Model | None = None
        self.refused: str | None = None
        self.seen: object = None


class LiveModel:
    """The models of a shop: the one that serves, and a canary and a shadow where `live.json` names them.

    The live place keeps its last good model when a newer one is refused; the others are on trial and stay empty then.
    """

    def __init__(
        self, bundles: Path, shop: str, prepare: Callable[[Model], object] = lambda _: None, keys: Sequence[bytes] = ()
    ) -> None:
        self.places = {"live": Place(), "canary": Place(), "shadow": Place()}
        self.percent = 0
        self.current: Model | None = None  # attributes, not properties: every request reads them
        self.canary: Model | None = None
        self.shadow: Model | None = None
        self._unread: str | None = None
        self._bundles = bundles
        self._shop = shop
        self._keys = keys  # that sign bundles; none where any may serve
        self._prepare = prepare  # called with a model before it serves

    @property
    def refused(self) -> str | None:
        """Why the version that should be live is not, or None."""
        return self._unread or self.places["live"].refused

    def canary_for(self, shopper: str | None) -> Model | None:
        """The canary, if this shopper (a pseudonym) is among those who get it; the nameless never are.

        A shopper stays on one side, and growing the percentage moves nobody out.
        """
        if self.canary is None or shopper is None or bucket(shopper, _CANARY_SALT) >= self.percent:
            return None
        return self.canary

    def refresh(self) -> bool:
        """Load what `live.json` names, if that has changed. Returns whether a model was swapped in. Never raises."""
        try:
            named = read_live(self._bundles, self._shop)
        except BundleError as error:
            if str(error) != self._unread:
                self._unread = self._refused("live", error)
            return False
        self._unread = None
        swapped = [self._fill("live", named.live)]
        for role, version in (("canary", named.canary), ("shadow", named.shadow)):
            if version is None or version == named.live:
                if self.places[role].version is not None:
                    self.places[role] = Place()
            else:
                swapped.append(self._fill(role, version))
        self.percent = named.percent
        self.current, self.canary, self.shadow = (self.places[role].model for role in ("live", "canary", "shadow"))
        return any(swapped)

    def _fill(self, role: str, version: str) -> bool:
        place, directory = self.places[role], self._bundles / self._shop / version
        if (stamp := _stamp(directory)) == place.seen:
            return False
        place.version = version
        place.seen = stamp  # the same bytes are judged once, whatever the verdict
        try:
            ready = [one.model for one in self.places.values() if one.seen == stamp and one.model and one is not place]
            # A canary that is promoted is in memory already, verified from the same files.
            check_signature(directory, self._keys)
            model = ready[0] if ready else load_model(directory)
            self._prepare(model)
        except BundleError as error:
            if role != "live":
                place.model = None
            if str(error) != place.refused:
                place.refused = self._refused(role, error)
            return False
        place.model, place.refused = model, None
        BUNDLES_LOADED.labels(self._shop).inc()
        logger.info("model %s is %s for shop %s", model.version, role, self._shop)
        return True

    def _refused(self, role: str, error: BundleError) -> str:
        serves = self.places["live"].model
        BUNDLES_REFUSED.labels(self._shop, role).inc()
        state = f"{serves.version} serves on" if serves else "none serves"
        logger.error("bundle refused as %s, %s: %s", role, state, error)
        return str(error)


def _stamp(directory: Path) -> object:
    try:
        files = sorted(p for p in directory.rglob("*") if p.is_file())
        files += [path for path in (signature_path(directory),) if path.exists()]
        return directory, tuple((p, p.stat().st_mtime_ns, p.stat().st_size) for p in files)
    except OSError:
        return directory, None


async def poll(step: Callable[[], object], every_s: float = 1.0) -> None:
    """Call `step` for ever, in a thread: reading and verifying must not hold up requests."""
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(step)
