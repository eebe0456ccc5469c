"""The steps a person or the scheduler takes with a model, each with its line in the audit log.

In: the settings, a version, who does it. Out: a changed `live.json` or `candidate.json`. Commands and the admin API
call the same functions.
"""

from collections.abc import Callable
from typing import Literal

from backend import audit
from backend.release import review
from backend.release import verdict as verdicts
from backend.release.gate import judge
from backend.release.review import reports_dir as reports_dir
from backend.release.state import Candidate, Change, ReleaseError, ShopState
from backend.release.verdict import Verdict
from backend.settings import Settings
from training.dataset import Dataset


def state_of(settings: Settings) -> ShopState:
    """The state of the shop these settings name."""
    return ShopState(settings.bundles_dir, settings.shop, settings.signing_keys)


Settled = Literal["refused", "waiting", "published"]
Progress = Callable[[str, float], None]


def gate(
    settings: Settings, actor: str, dataset: Dataset, version: str, progress: Progress = lambda _stage, _done: None
) -> Verdict:
    """Judge a bundle beside the live one; keep verdict and review, and let the candidate wait or refuse it."""
    state = state_of(settings)
    verdict = judge(dataset, settings, version, progress)
    verdicts.write(reports_dir(settings), verdict)
    review.write(settings, version, verdict)
    refusals = list(verdict.refusals)
    note(settings, "gate", actor, "pass" if verdict.passed else "fail", version=version, live=verdict.live,
         reasons=refusals)  # fmt: skip
    candidate = state.candidate()
    if candidate and candidate.version == version and candidate.stage != "published":
        state.settle(version, "waiting" if verdict.passed else "refused", verdict.refusals)
        if verdict.passed and settings.publish == "wait":
            note(settings, "wait", actor, "waiting", version=version)
    return verdict


def approve(settings: Settings, actor: str, version: str | None = None) -> Change:
    """Let the waiting candidate serve. Raises ReleaseError when none waits, or another than `version`."""
    candidate = waiting(settings, version)
    note(settings, "approve", actor, "done", version=candidate.version)
    return publish(settings, actor, candidate.version)


def reject(settings: Settings, actor: str, version: str | None = None, why: str = "") -> Candidate:
    """The waiting candidate shall not serve; its bundle is pruned in time."""
    candidate = waiting(settings, version)
    state_of(settings).settle(candidate.version, "rejected", (why,) if why else ())
    note(settings, "reject", actor, "done", version=candidate.version, why=why)
    return candidate


def publish(settings: Settings, actor: str, version: str) -> Change:
    """Let any kept bundle serve, and prune the oldest ones. Raises BundleError when it is missing."""
    state = state_of(settings)
    change = state.publish(version)
    note(settings, "publish", actor, "done", version=version, before=change.before)
    for gone in state.prune(settings.keep_bundles):
        note(settings, "prune", actor, "done", version=gone)
    return change


def sign(settings: Settings, actor: str, version: str) -> str:
    """Sign a kept bundle, by hand. Raises ReleaseError where there is nothing to sign with."""
    if not settings.signing_keys:
        raise ReleaseError("ENDCAP_BUNDLE_KEYS is not set; make a secret with `openssl rand -hex 32`, for edges, too")
    state_of(settings).sign(version)
    note(settings, "sign", actor, "done", version=version)
    return version


def rollback(settings: Settings, actor: str, version: str | None = None) -> Change:
    """Return to a kept version, or to the one before. Raises ReleaseError or BundleError where there is none."""
    change = state_of(settings).rollback(version)
    note(settings, "rollback", actor, "done", version=change.live.live, before=change.before)
    return change


def waiting(settings: Settings, version: str | None = None) -> Candidate:
    """The candidate that waits for a person. Raises ReleaseError that says what there is instead."""
    candidate = state_of(settings).candidate()
    if candidate is None:
        raise ReleaseError(f"no candidate waits for shop {settings.shop!r}; `python -m backend retrain` makes one")
    if version is not None and version != candidate.version:
        raise ReleaseError(f"{version} is not the candidate, {candidate.version} is ({candidate.stage})")
    if candidate.stage != "waiting":
        why = f": {'; '.join(candidate.refusals)}" if candidate.refusals else ""
        raise ReleaseError(
            f"{candidate.version} does not wait, it is {candidate.stage}{why}; "
            "`python -m backend publish` lets any bundle serve, past the gate"
        )
    return candidate


def note(settings: Settings, action: str, actor: str, outcome: audit.Outcome, **details: audit.Detail) -> None:
    """A line in the audit log."""
    audit.append(settings.data_dir, settings.shop, action, actor, outcome, **details)
