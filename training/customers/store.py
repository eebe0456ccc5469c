"""The models of customers on disk: one directory per version, written whole, verified before it is used.

In: fitted predictors with what was measured of them. Out: `<data>/customers/<shop>/<version>/` with `manifest.json` and
an ONNX file per target, `<data>/customers/<shop>/live.json` that names the version in use, and `Models` read from them.
They are no part of the bundle: the backend alone asks them, so edges need not load them, and either may be replaced
without the other.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from edge.core.bundle import MANIFEST, Golden, Live, read_live, write_live
from edge.core.errors import UNREADABLE, BundleError
from edge.core.onnx_header import check_header, read_header
from training.customers.bgnbd import BgNbd
from training.customers.counts import Floats
from training.customers.features import FEATURE_NAMES, Purchasing, matrix
from training.customers.fit import Link, LinkName, Predictor
from training.customers.gamma_gamma import GammaGamma
from training.customers.methods import Features, Kind
from training.customers.table import Seen
from training.scorer import ExportError, Scorer

SCHEMA = 1
KEPT = 5  # versions: to return to, and to compare with
YEAR = 365
LTV, CHURN, REPURCHASE = "customer_ltv_12m", "churn_risk_30d", "repurchase_14d"
_TOLERANCE = 2e-5  # of the score's size: single precision through a sum of features
_GOLDEN_ROWS = 16


class Tenth(msgspec.Struct, frozen=True):
    """Rows of neighbouring predictions in weeks never learned from: what was foretold and what came, as means."""

    rows: int
    predicted: float
    actual: float


class Measured(msgspec.Struct, frozen=True):
    """What a method was worth on days that nothing was learned from: `cuts` as unix days, figures by method."""

    cuts: tuple[int, ...]
    rows: int
    customers: int
    mean: float  # of the outcome
    methods: dict[str, dict[str, dict[str, float]]]
    tenths: tuple[Tenth, ...]  # of the method in use
    validation: dict[str, float]  # method -> cross-validated loss before those days, by which the method was chosen


class TargetModel(msgspec.Struct, frozen=True):
    """One model as kept: how to turn its scores into answers, and how good it was."""

    kind: Kind
    days: int
    absent: bool
    method: str
    link: LinkName
    scale: float
    shift: float
    rates: tuple[float, float, float, float]
    spends: tuple[float, float, float]
    golden: Golden
    measured: Measured


class Manifest(msgspec.Struct, frozen=True):
    """What the models are and where they came from."""

    version: str
    shop: str
    created: str
    fingerprint: str  # of the data set
    fitted_until: int  # unix day, exclusive
    window: int
    feature_names: tuple[str, ...]
    targets: dict[str, TargetModel]
    files: dict[str, str]
    schema: int = SCHEMA


@dataclass(frozen=True)
class Models:
    """Models read and verified."""

    manifest: Manifest
    scorers: Mapping[str, Scorer]

    def predict(self, seen: Seen) -> dict[str, Floats]:
        """By target the answer for each customer of `seen`; the value is scaled to twelve months."""
        answers = {}
        for name, model in self.manifest.targets.items():
            purchasing = Purchasing(BgNbd(*model.rates), GammaGamma(*model.spends))
            raw = self.scorers[name].score(matrix(seen, purchasing, model.days)).astype(np.float64)
            answers[name] = Link(model.link, model.scale, model.shift).apply(raw)
            if name == LTV:
                answers[name] = answers[name] * to_a_year(purchasing.rates, seen, model.days)
        return answers


def to_a_year(rates: BgNbd, seen: Seen, days: int) -> Floats:
    """How many times what the next `days` bring the next twelve months will: BG/NBD's ratio of expected purchases.

    Less than 365 / days, and least for those most likely to have left.
    """
    counts = seen.counts()
    return rates.expected(YEAR, counts) / np.maximum(rates.expected(days, counts), 1e-12)


def keep(predictor: Predictor, measured: Measured, features: Features) -> tuple[TargetModel, bytes]:
    """The predictor as record and ONNX bytes. Raises ExportError when ONNX and the model differ on these rows."""
    model = predictor.model.onnx()
    try:
        check_header(read_header(model))
    except BundleError as error:
        raise ExportError(f"{predictor.target.name} by {predictor.method} cannot be shipped: {error}") from error
    scores, wanted = Scorer(model).score(features), predictor.model.raw(features)
    off = np.abs(scores - wanted) / np.maximum(np.abs(wanted), 1)
    if not off.max() <= _TOLERANCE:
        raise ExportError(
            f"{predictor.target.name} by {predictor.method}: the ONNX model differs from the fitted one by "
            f"{off.max():.2g} of the score over {len(features)} rows, {_TOLERANCE:.0e} is allowed"
        )
    chosen = np.linspace(0, len(features) - 1, _GOLDEN_ROWS).astype(int)
    tolerance = _TOLERANCE * max(1.0, float(np.abs(scores[chosen]).max()))
    rates, spends = predictor.purchasing.rates, predictor.purchasing.spends
    record = TargetModel(
        kind=predictor.target.kind,
        days=predictor.target.days,
        absent=predictor.target.absent,
        method=predictor.method,
        link=predictor.link.name,
        scale=predictor.link.scale,
        shift=predictor.link.shift,
        rates=(rates.r, rates.alpha, rates.a, rates.b),
        spends=(spends.p, spends.q, spends.gamma),
        golden=Golden(features[chosen].tolist(), scores[chosen].tolist(), tolerance),
        measured=measured,
    )
    return record, model


def write(root: Path, manifest: Manifest, models: Mapping[str, bytes]) -> Path:
    """Write a version whole under `root/<shop>`, put it in use, and remove all but the newest few."""
    final = root / manifest.shop / manifest.version
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        files = {f"{name}.onnx": model for name, model in models.items()}
        manifest = msgspec.structs.replace(manifest, files={name: _sha256(data) for name, data in files.items()})
        for name, data in {**files, MANIFEST: msgspec.json.format(msgspec.json.encode(manifest))}.items():
            with (temporary / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        temporary.rename(final)
    except BaseException:  # also on Ctrl-C: no half version stays behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    write_live(root, manifest.shop, Live(manifest.version))
    versions = sorted(path for path in final.parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    for old in versions[:-KEPT]:
        if old != final:  # by a clock that was set back it may sort before the others
            shutil.rmtree(old, ignore_errors=True)
    return final


def read(root: Path, shop: str) -> Models:
    """The models in use. Raises BundleError when there are none, or they are damaged or do not score as they did."""
    directory = root / shop / read_live(root, shop).live
    try:
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, *UNREADABLE) as error:
        raise BundleError(f"{directory} holds no models of customers ({error}); {_REMEDY}") from error
    if manifest.schema != SCHEMA or manifest.feature_names != FEATURE_NAMES:
        raise BundleError(f"{directory} was made for other features or by another version; {_REMEDY}")
    return Models(manifest, {name: _scorer(directory, name, manifest) for name in manifest.targets})


_REMEDY = "fit them with `python -m training customers`"


def _scorer(directory: Path, name: str, manifest: Manifest) -> Scorer:
    try:
        data = (directory / f"{name}.onnx").read_bytes()
    except OSError as error:
        raise BundleError(f"{directory / name}.onnx cannot be read ({error.strerror}); {_REMEDY}") from error
    if _sha256(data) != manifest.files.get(f"{name}.onnx"):
        raise BundleError(f"{directory / name}.onnx is damaged (checksum differs); {_REMEDY}")
    check_header(read_header(data))
    scorer, golden = Scorer(data), manifest.targets[name].golden
    off = np.abs(scorer.score(np.array(golden.rows, np.float32)) - np.array(golden.scores)).max()
    if not off <= golden.tolerance:
        raise BundleError(f"{directory / name}.onnx scores its golden rows {off:.2g} away from what it gave; {_REMEDY}")
    return scorer


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
