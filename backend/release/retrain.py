"""Retraining: a run in a process of its own, under limits; then the gate; then a person, or publishing.

In: the reasons, and what prepares the data. Out: `Attempt`, the candidate in `candidate.json`, lines in the audit log.
Training and gate run as programs of their own, so that the backend goes on consuming events, and a run that eats memory
or hangs takes nothing along.
"""

import asyncio
import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from backend.release import steps, verdict
from backend.release.limits import Ended, Limits, run_limited
from backend.release.settings import ReleaseSettings
from backend.release.state import Attempt, Candidate, ReleaseError, ShopState
from backend.settings import Settings
from edge.core import clock
from edge.core.errors import UNREADABLE, EndcapError
from training.dataset import Dataset, open_dataset

Prepare = Callable[[], Dataset]
Progress = Callable[[str, float], None]
_PREPARING = "preparing the data"
_TRAINED = 0.8  # of the whole, the rest is the gate


class TrainingError(EndcapError):
    """A training run or a gate that did not come to an end of its own."""


def opened(settings: Settings) -> Dataset:
    """The data set as it was prepared last: what `prepare` is where nobody gives another."""
    return open_dataset(settings.dataset_dir)


async def retrain(
    settings: Settings,
    actor: str,
    reasons: Sequence[str],
    *,
    prepare: Prepare | None = None,
    progress: Progress = lambda _stage, _done: None,
) -> Attempt:
    """Train, judge, then wait for a person or publish. Raises ReleaseError while another run goes on.

    Failures of the run itself are no exceptions: the attempt says what went wrong, and so does the audit log.
    """
    state = steps.state_of(settings)
    with _alone(state):
        attempt = Attempt(clock.now(), tuple(reasons))
        state.put_attempt(attempt)
        steps.note(settings, "train-start", actor, "done", reasons=list(reasons))
        try:
            progress(_PREPARING, 0.0)
            dataset = await asyncio.to_thread(prepare or (lambda: opened(settings)))
            version = await _train(settings, actor, dataset, attempt.reasons, progress)
            attempt = msgspec.structs.replace(attempt, version=version)
            outcome = await _judge(settings, actor, dataset, version, progress)
            attempt = msgspec.structs.replace(attempt, outcome=outcome)
        except EndcapError as error:
            steps.note(settings, "train", actor, "fail", why=str(error)[:2_000])
            attempt = msgspec.structs.replace(attempt, outcome="failed", message=str(error))
        except asyncio.CancelledError:
            steps.note(settings, "train", actor, "fail", why="the backend was told to stop")
            state.put_attempt(msgspec.structs.replace(attempt, ended=clock.now(), outcome="failed", message="stopped"))
            raise
        attempt = msgspec.structs.replace(attempt, ended=clock.now())
        state.put_attempt(attempt)
    return attempt


async def _train(settings: Settings, actor: str, dataset: Dataset, reasons: tuple[str, ...], progress: Progress) -> str:
    """Run the trainer; note the candidate it leaves. Raises TrainingError when it was ended or failed."""
    told: dict[str, object] = {}
    command = [sys.executable, "-m", "training", "run", "--no-publish", "--json-lines"]
    ended = await _program(settings, [*command, "--dataset", str(dataset.directory)], told, progress, 0.0, _TRAINED)
    state = steps.state_of(settings)
    if not ended.done or not isinstance(told.get("version"), str):
        # A run that was killed while it wrote leaves a hidden directory that ends in its process id.
        for leftover in state.directory.glob(f".*.{ended.pid}"):
            shutil.rmtree(leftover, ignore_errors=True)
        raise TrainingError(
            f"the training run did not end well: {ended.why(limits_of(settings)) or 'it told no version'}"
        )
    manifest = state.manifest(str(told["version"]))
    candidate = Candidate(
        version=manifest.version,
        trained=manifest.created,
        fingerprint=dataset.fingerprint,
        last_day=str(manifest.data["last_day"]),
        reasons=reasons,
    )
    state.put_candidate(candidate)
    seconds, peak = round(ended.seconds, 1), round(ended.peak_mib)
    steps.note(settings, "train", actor, "done", version=manifest.version, seconds=seconds, peak_mib=peak)
    return manifest.version


async def _judge(settings: Settings, actor: str, dataset: Dataset, version: str, progress: Progress) -> steps.Settled:
    """Run the gate; it notes its verdict itself. Publishes where the settings say so."""
    command = [sys.executable, "-m", "backend", "gate", version, "--json-lines", "--by", actor]
    ended = await _program(settings, [*command, "--dataset", str(dataset.directory)], {}, progress, _TRAINED, 1.0)
    if ended.stopped or ended.code not in (0, 1):
        raise TrainingError(f"the gate did not come to a verdict: {ended.why(limits_of(settings))}")
    judged = verdict.read(steps.reports_dir(settings), version)
    if judged is None or not judged.passed:
        return "refused"
    if settings.publish == "wait":
        return "waiting"
    live = steps.state_of(settings).live()
    if (live.live if live else None) != judged.live:
        # Somebody published or rolled back meanwhile: the candidate was never compared with what serves now.
        steps.note(settings, "wait", actor, "waiting", version=version, why="the live model changed since the gate")
        return "waiting"
    steps.publish(settings, actor, version)
    return "published"


async def _program(
    settings: Settings, command: Sequence[str], told: dict[str, object], progress: Progress, start: float, end: float
) -> Ended:
    """Run a program of ours that tells its progress as lines of JSON, on the data directory of these settings."""

    def hear(line: str) -> None:
        try:
            fields = msgspec.json.decode(line, type=dict[str, object])
        except UNREADABLE:
            return  # a library's chatter
        told.update(fields)
        stage, done = fields.get("stage"), fields.get("done")
        if isinstance(stage, str) and isinstance(done, int | float):
            progress(stage, start + (end - start) * float(done))

    return await run_limited(command, limits_of(settings), hear, environment_of(settings))


def environment_of(settings: Settings) -> dict[str, str]:
    """These settings as a program of ours reads them, also where they were not given in our own environment."""
    names = ("shop", "data_dir", *ReleaseSettings.model_fields)
    told = {f"ENDCAP_{name.upper()}": str(getattr(settings, name)) for name in names}
    return told | {"ENDCAP_BUNDLES": str(settings.bundles_dir)}


def limits_of(settings: Settings) -> Limits:
    """What a run may take."""
    return Limits(settings.retrain_time_limit_s, settings.retrain_memory_mib)


@contextmanager
def _alone(state: ShopState) -> Iterator[None]:
    """One training run of a shop at a time, whoever started it."""
    state.directory.mkdir(parents=True, exist_ok=True)
    with (state.directory / ".train.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReleaseError(f"a training run of shop {state.shop!r} is under way; wait for its end") from error
        yield
