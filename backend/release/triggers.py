"""When to train again: pure decisions, each with its reason.

In: what is known of the shop's models, data and drift. Out: `Reason`s, none where nothing is due.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from backend.release.drift import Report
from backend.release.settings import ReleaseSettings
from backend.release.state import Attempt, Candidate
from edge.core.bundle import Manifest

_HOUR_S, _DAY_S = 3_600.0, 86_400.0
_NAMED = 5  # drifted quantities that a reason names


@dataclass(frozen=True)
class Known:
    """What decides. `learned` is the manifest of the model with the newest data: the candidate's, or the live one's.

    `new_events` came after the last day that one learned from; `drift` is the newest report, `live` what serves.
    """

    learned: Manifest | None
    new_events: int
    live: str | None = None
    candidate: Candidate | None = None
    attempt: Attempt | None = None
    drift: Report | None = None


@dataclass(frozen=True)
class Reason:
    """Why a model is trained."""

    kind: Literal["first", "interval", "new data", "drift"]
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def due(known: Known, now: float, settings: ReleaseSettings) -> list[Reason]:
    """The reasons to train at `now` (unix seconds); none while the last run is too recent or still goes on."""
    if resting(known.attempt, now, settings):
        return []
    if known.learned is None:
        return [Reason("first", "there is no model yet")]
    reasons = (_interval(known, now, settings), _new_data(known, settings), _drift(known, settings))
    return [reason for reason in reasons if reason]


def resting(attempt: Attempt | None, now: float, settings: ReleaseSettings) -> bool:
    """Whether the last run ended too lately for another one, however it ended."""
    if attempt is None:
        return False
    # One that never ended was killed with the backend: it counts from its start.
    return now - (attempt.ended or attempt.started) < settings.retrain_rest_h * _HOUR_S


def drift_due(report: Report | None, live: str | None, now: float, settings: ReleaseSettings) -> bool:
    """Whether drift of the live model should be measured (again)."""
    if live is None or not settings.retrain_on_drift:
        return False
    if report is None or report.version != live:
        return True
    return now - datetime.fromisoformat(report.time).timestamp() >= settings.drift_every_h * _HOUR_S


def learned_until(manifest: Manifest) -> float:
    """The end of the last day a model learned from, in unix seconds; of older bundles, when they were made."""
    told = manifest.data.get("last_day")
    if told is None:
        return datetime.fromisoformat(manifest.created).timestamp()
    return datetime.fromisoformat(str(told)).replace(tzinfo=UTC).timestamp() + _DAY_S


def _interval(known: Known, now: float, settings: ReleaseSettings) -> Reason | None:
    if known.learned is None or not settings.retrain_interval_h:
        return None
    age_h = (now - learned_until(known.learned)) / _HOUR_S
    if age_h < settings.retrain_interval_h:
        return None
    limit = settings.retrain_interval_h
    return Reason("interval", f"{known.learned.version} learned from data {age_h:.0f} h old, {limit:g} are allowed")


def _new_data(known: Known, settings: ReleaseSettings) -> Reason | None:
    if known.learned is None or not settings.retrain_new_share:
        return None
    before = known.learned.data.get("events")
    if not isinstance(before, int) or before <= 0:
        return None  # an older bundle does not say
    share = known.new_events / before
    if share < settings.retrain_new_share:
        return None
    told = f"{known.new_events:,} new events, {share:.1%} of the {before:,} learned from"
    return Reason("new data", f"{told}; {settings.retrain_new_share:.1%} are enough")


def _drift(known: Known, settings: ReleaseSettings) -> Reason | None:
    report = known.drift
    if report is None or not settings.retrain_on_drift or report.version != known.live or not report.drifted:
        return None
    if known.learned is not None and str(known.learned.data.get("last_day", "")) >= report.last_day:
        return None  # a candidate has learned from these days already
    worst = report.drifted[:_NAMED]
    more = f" and {len(report.drifted) - _NAMED} more" if len(report.drifted) > _NAMED else ""
    return Reason("drift", ", ".join(f"{one.group}/{one.name} PSI {one.psi:.2f}" for one in worst) + more)
