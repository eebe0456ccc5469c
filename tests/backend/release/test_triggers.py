"""When a model is trained again: each reason, and the rest between runs."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from backend.release.drift import Finding, Report
from backend.release.state import Attempt
from backend.release.triggers import Known, drift_due, due, learned_until, resting
from backend.settings import Settings
from edge.core.bundle import Golden, Manifest

HOUR, DAY = 3_600, 86_400
UNTIL = datetime(2026, 11, 1, tzinfo=UTC).timestamp()  # the end of the last day learned from
SETTINGS = Settings(retrain_interval_h=100, retrain_new_share=0.1, retrain_rest_h=6)


def manifest(**data: Any) -> Manifest:
    """A model that learned from 1,000 events until the end of October."""
    told: dict[str, Any] = {"last_day": "2026-10-31", "events": 1_000} | data
    return Manifest("v1", "demo", "2026-11-05T00:00:00+00:00", (), {}, {}, Golden([], []), {}, {},
                    {name: value for name, value in told.items() if value is not None})  # fmt: skip


def finding(name: str, *, drifted: bool) -> Finding:
    """One quantity."""
    return Finding("inputs", name, 0.4, 0.2, None, 0.2, drifted, "", ("a",), (1.0,), (1.0,))


def report(*names: str, last_day: str = "2026-11-02", version: str = "v1") -> Report:
    """A report in which these drifted."""
    findings = tuple(finding(name, drifted=True) for name in names)
    return Report(version, "2026-11-03T00:00:00+00:00", "2026-11-01", last_day, 100, 100, True, findings=findings)


def kinds(known: Known, now: float, **changed: Any) -> list[str]:
    """The kinds of the reasons."""
    return [reason.kind for reason in due(known, now, SETTINGS.model_copy(update=changed))]


def test_without_a_model_the_first_is_due() -> None:
    """At once."""
    assert kinds(Known(None, 0), UNTIL) == ["first"]


def test_nothing_new_is_no_reason() -> None:
    """Fresh model, few events, no drift."""
    assert kinds(Known(manifest(), 99, "v1", drift=report()), UNTIL + HOUR) == []


def test_old_data_are_a_reason() -> None:
    """When the last day learned from is as old as allowed; 0 switches it off."""
    assert kinds(Known(manifest(), 0), UNTIL + 100 * HOUR - 1) == []
    assert kinds(Known(manifest(), 0), UNTIL + 100 * HOUR) == ["interval"]
    assert kinds(Known(manifest(), 0), UNTIL + 1_000 * HOUR, retrain_interval_h=0) == []
    (reason,) = due(Known(manifest(), 0), UNTIL + 100 * HOUR, SETTINGS)
    assert str(reason) == "interval: v1 learned from data 100 h old, 100 are allowed"


def test_new_events_are_a_reason() -> None:
    """As a share of those learned from; a model that does not say how many these were gives none."""
    assert kinds(Known(manifest(), 99), UNTIL) == []
    assert kinds(Known(manifest(), 100), UNTIL) == ["new data"]
    assert kinds(Known(manifest(), 100), UNTIL, retrain_new_share=0) == []
    assert kinds(Known(manifest(events=None), 10_000), UNTIL) == []
    (reason,) = due(Known(manifest(), 150), UNTIL, SETTINGS)
    assert "150 new events, 15.0% of the 1,000" in reason.text


def test_drift_is_a_reason() -> None:
    """Of the model that serves, by days the newest model has not learned from; it names what drifted."""
    assert kinds(Known(manifest(), 0, "v1", drift=report("price")), UNTIL) == ["drift"]
    assert kinds(Known(manifest(), 0, "v1", drift=report("price", version="v0")), UNTIL) == []
    assert kinds(Known(manifest(), 0, "v1", drift=report("price", last_day="2026-10-31")), UNTIL) == []
    assert kinds(Known(manifest(), 0, "v1", drift=report("price")), UNTIL, retrain_on_drift=False) == []
    (reason,) = due(Known(manifest(), 0, "v1", drift=report(*"abcdefg")), UNTIL, SETTINGS)
    assert "inputs/a PSI 0.40" in reason.text
    assert "and 2 more" in reason.text


def test_reasons_come_together() -> None:
    """All that hold are told."""
    known = Known(manifest(), 500, "v1", drift=report("price"))
    assert kinds(known, UNTIL + 200 * HOUR) == ["interval", "new data", "drift"]


@pytest.mark.parametrize("outcome", ["failed", "refused", "waiting", "published"])
def test_after_a_run_there_is_rest(outcome: Any) -> None:
    """However it ended; from its end on."""
    ran = Attempt(started=UNTIL, reasons=(), ended=UNTIL + HOUR, outcome=outcome)
    known = Known(None, 0, attempt=ran)
    assert kinds(known, UNTIL + 7 * HOUR - 1) == []
    assert kinds(known, UNTIL + 7 * HOUR) == ["first"]


def test_a_run_that_never_ended_counts_from_its_start() -> None:
    """The backend was killed with it."""
    assert resting(Attempt(UNTIL, ()), UNTIL + 5 * HOUR, SETTINGS)
    assert not resting(Attempt(UNTIL, ()), UNTIL + 6 * HOUR, SETTINGS)


def test_when_drift_is_measured() -> None:
    """Never measured, of another model, or too long ago; not without a live model, nor where it is switched off."""
    at = datetime(2026, 11, 3, tzinfo=UTC).timestamp()
    assert drift_due(None, "v1", at, SETTINGS)
    assert drift_due(report(), "v2", at, SETTINGS)
    assert not drift_due(report(), "v1", at + 23 * HOUR, SETTINGS)
    assert drift_due(report(), "v1", at + 24 * HOUR, SETTINGS)
    assert not drift_due(None, None, at, SETTINGS)
    assert not drift_due(None, "v1", at, SETTINGS.model_copy(update={"retrain_on_drift": False}))


def test_how_far_a_model_has_learned() -> None:
    """To the end of its last day; a bundle that does not say, to when it was made."""
    assert learned_until(manifest()) == UNTIL
    assert learned_until(msgspec.structs.replace(manifest(), data={})) == UNTIL + 4 * DAY


def test_odd_counts_of_events_are_no_reason() -> None:
    """A bundle that learned from nothing, or says it in words, gives no share to compare with."""
    for events in (0, -5, "many", 10.5):
        assert kinds(Known(manifest(events=events), 10_000), UNTIL) == []


def test_a_clock_set_back_is_rest() -> None:
    """A run that ends in the future is not followed by another one at once."""
    assert resting(Attempt(UNTIL, (), UNTIL + HOUR, "failed"), UNTIL - DAY, SETTINGS)
    assert not resting(None, UNTIL, SETTINGS)
    assert not resting(Attempt(UNTIL, ()), UNTIL, SETTINGS.model_copy(update={"retrain_rest_h": 0}))


def test_exactly_five_drifted_are_all_named() -> None:
    """More is told from the sixth on; a model that says no last day has not learned from these days."""
    (reason,) = due(Known(manifest(), 0, "v1", drift=report(*"abcde")), UNTIL, SETTINGS)
    assert "more" not in reason.text
    assert kinds(Known(manifest(last_day=None), 0, "v1", drift=report("a")), UNTIL) == ["drift"]
