"""The commands of a release, as a person types them; and what the scheduler calls."""

import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend import audit
from backend.release import drift, review, scheduler, steps
from backend.release.scheduler import check_and_retrain, events_since, look
from backend.release.state import Candidate, ReleaseError
from backend.release.triggers import learned_until
from backend.release.verdict import Verdict
from edge.core.bundle import read_live, read_manifest
from edge.core.keys import counts_key
from edge.profiles import connect
from tests.backend.program import backend
from training.dataset import DataError, Dataset

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(releases: Any) -> Command:
    """`python -m backend ...` on the releases' data directory."""
    return partial(backend, ENDCAP_DATA_DIR=str(releases.settings.data_dir))


@pytest.fixture
def waiting(releases: Any) -> str:
    """The newer bundle is the candidate and waits."""
    note = Candidate(releases.newer, "2026-11-01T00:00:00+00:00", "f", "2026-10-30", stage="waiting")
    steps.state_of(releases.settings).put_candidate(note)
    version: str = releases.newer
    return version


def live_of(releases: Any) -> str:
    """What serves."""
    return read_live(releases.settings.bundles_dir, "demo").live


def test_from_gate_to_rollback(releases: Any, command: Command, waiting: str) -> None:
    """Judge, look at it, approve, roll back: what a person does, and what the log says of it afterwards."""
    judged = command("gate", waiting, "--json", ENDCAP_GATE_SLOWER="50")
    assert judged.returncode == 0, judged.stderr
    assert msgspec.json.decode(judged.stdout, type=Verdict).passed
    shown = command("review")
    assert shown.returncode == 0, shown.stderr
    assert "shelves change" in shown.stdout
    assert "ndcg@10 for_you" in shown.stdout
    page = review.page_of(releases.settings, waiting).read_text()
    assert "Passed." in page
    assert "Shelves that change" in page
    assert not re.search(r"<script|src=|url\(", page)
    approved = command("approve", "--by", "ann")
    assert approved.returncode == 0, approved.stderr
    assert f"{waiting} is live" in approved.stdout
    assert live_of(releases) == waiting
    back = command("rollback", "--by", "ann")
    assert back.returncode == 0, back.stderr
    assert live_of(releases) == releases.live
    entries = audit.read(releases.settings.data_dir)
    assert [entry.action for entry in entries] == ["gate", "wait", "approve", "publish", "rollback"]
    assert {entry.actor for entry in entries[2:]} == {"command:ann"}
    assert command("audit", "--verify").returncode == 0


def test_a_refused_candidate_exits_with_1(releases: Any, command: Command, waiting: str) -> None:
    """The table names what failed; approving it is refused with the reasons; `publish` is the door past the gate."""
    refused = command("gate", waiting, ENDCAP_GATE_LEAST_SHOPPERS="100000")
    assert refused.returncode == 1
    assert "FAIL" in refused.stdout
    assert "refused:" in refused.stdout
    no = command("approve")
    assert no.returncode == 2
    assert "nothing to judge by" in no.stderr
    assert "past the gate" in no.stderr
    assert live_of(releases) == releases.live
    assert command("publish", waiting, "--by", "ann").returncode == 0
    assert live_of(releases) == waiting
    assert audit.read(releases.settings.data_dir)[-1].action == "publish"


def test_reject(releases: Any, command: Command, waiting: str) -> None:
    """With the reason in the log; then nothing waits any more."""
    assert command("reject", "--why", "odd shelves").returncode == 0
    last = audit.read(releases.settings.data_dir)[-1]
    assert (last.action, last.details["why"]) == ("reject", "odd shelves")
    again = command("approve")
    assert again.returncode == 2
    assert "it is rejected: odd shelves" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("approve",), "no candidate waits"),
        (("reject",), "no candidate waits"),
        (("review",), "there is no candidate"),
        (("review", "nothing"), "no bundle"),
        (("rollback", "nothing"), "kept of shop"),
        (("publish", "nothing"), "kept of shop"),
        (("gate", "nothing"), "kept of shop"),
    ],
)
def test_what_cannot_be_done_is_said(command: Command, arguments: tuple[str, ...], words: str) -> None:
    """Exit status 2 and a line with the remedy, no traceback."""
    done = command(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_another_version_than_the_candidate_is_not_approved(releases: Any, waiting: str) -> None:
    """What was looked at is what is approved, even if a newer candidate came meanwhile."""
    with pytest.raises(ReleaseError, match="is not the candidate"):
        steps.approve(releases.settings, "test", "20260101T000000Z-0000")
    steps.approve(releases.settings, "test", waiting)
    assert live_of(releases) == waiting


def test_publishing_prunes(releases: Any) -> None:
    """The oldest bundles go, with a line for each."""
    extra = [releases.add() for _ in range(2)]
    settings = releases.settings.model_copy(update={"keep_bundles": 2})
    steps.publish(settings, "test", extra[-1])
    assert steps.state_of(settings).kept() == sorted([releases.live, extra[-1]])
    assert [entry.action for entry in audit.read(settings.data_dir)] == ["publish", "prune", "prune"]


def test_the_review_names_pairs_and_shelves(releases: Any) -> None:
    """By the names people know; with the same index nothing changes."""
    found = review.compare(releases.settings, releases.newer, None)
    assert found.live == releases.live
    assert 0 < found.changed <= found.compared
    assert 0 < found.overlap < 1
    assert found.new_pairs or found.gone_pairs or found.moved_pairs
    for change in found.shelves:
        assert change.comes or change.goes
        assert not change.place.startswith("p0")
    twin = releases.add()
    steps.state_of(releases.settings).publish(releases.newer)
    same = review.compare(releases.settings, twin, None)
    assert (same.changed, same.overlap, same.shelves, same.moved_pairs) == (0, 1, [], [])


def test_the_review_of_a_damaged_bundle_is_a_remark(releases: Any) -> None:
    """The page is written all the same: it has the verdict."""
    path = releases.shop / releases.newer / "ranker.onnx"
    path.write_bytes(b"?")
    (releases.settings.data_dir / "catalogue" / "demo.cat").unlink()
    page = review.write(releases.settings, releases.newer).read_text()
    assert "Nothing can be compared" in page
    assert "There is no training report" in page
    (releases.shop / "live.json").unlink()
    assert "no live model to compare with" in review.write(releases.settings, releases.newer).read_text()


@pytest.fixture
def store(session_store: str, redis: "Redis") -> "AsyncRedis":
    """A client as the backend has one."""
    return connect(session_store, timeout_s=5, connections=2)


@pytest.mark.store
async def test_events_are_counted_since_a_day(store: "AsyncRedis", redis: "Redis") -> None:
    """Of all types, other counts aside; days before do not count."""
    for day, count in ((100, 5), (101, 7), (102, 11)):
        redis.hset(counts_key("demo", day), mapping={"events:search": count, "events:return": 1, "orders": 99})
    assert await events_since(store, "demo", 101 * 86_400, 102 * 86_400 + 5) == 20
    await store.aclose()


@pytest.mark.store
async def test_the_scheduler_trains_for_a_reason_and_then_rests(
    releases: Any, store: "AsyncRedis", redis: "Redis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reason: nothing. Many new events: a run, whose reason is told. After it: nothing for a while."""
    clock = tmp_path / "clock"
    monkeypatch.setattr("edge.core.clock.simulated", str(clock))
    learned = learned_until(read_manifest(releases.shop / releases.live))
    clock.write_text(str(learned + 3_600))
    settings = releases.settings.model_copy(update={"retrain_on_drift": False})
    asked: list[str] = []

    def prepare() -> Dataset:
        asked.append("prepared")
        raise DataError("not today")

    assert await check_and_retrain(settings, store, prepare=prepare) is None
    assert asked == []
    redis.hset(counts_key("demo", int(learned // 86_400)), "events:search", 1_000_000)
    known = await look(settings, store, learned + 3_600)
    assert known.new_events == 1_000_000
    attempt = await check_and_retrain(settings, store, prepare=prepare)
    assert attempt is not None
    assert attempt.message == "not today"
    assert attempt.reasons[0].startswith("new data: 1,000,000 new events")
    assert await check_and_retrain(settings, store, prepare=prepare) is None
    clock.write_text(str(learned + 3_600 + 7 * 3_600))
    assert await check_and_retrain(settings, store, prepare=prepare) is not None
    assert asked == ["prepared"] * 2
    await store.aclose()


@pytest.mark.store
async def test_the_scheduler_measures_drift(
    releases: Any, store: "AsyncRedis", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a day; what drifted is a reason to train; a measurement that fails is not tried at every look."""
    clock = tmp_path / "clock"
    monkeypatch.setattr("edge.core.clock.simulated", str(clock))
    clock.write_text(str(learned_until(read_manifest(releases.shop / releases.newer))))
    quiet = releases.settings.model_copy(update={"retrain_interval_h": 0, "retrain_new_share": 0})
    prepared: list[str] = []

    def prepare() -> Dataset:
        prepared.append("prepared")
        if len(prepared) > 2:
            raise DataError("enough")
        return steps_dataset(releases)

    assert await check_and_retrain(quiet, store, prepare=prepare) is None
    reports = steps.reports_dir(quiet)
    report = drift.read_report(reports)
    assert report is not None
    assert report.enough
    assert await check_and_retrain(quiet, store, prepare=prepare) is None
    assert prepared == ["prepared"]
    drift.path_of(reports).unlink()
    touchy = quiet.model_copy(update={"drift_psi": 0.0001, "drift_natural": 0.0})
    attempt = await check_and_retrain(touchy, store, prepare=prepare)
    assert attempt is not None
    assert attempt.reasons[0].startswith("drift: ")
    assert attempt.message == "enough"
    assert [entry.action for entry in audit.read(quiet.data_dir)] == ["drift", "drift", "train-start", "train"]
    (releases.shop / releases.live / "ranker.onnx").write_bytes(b"?")
    assert await scheduler.measure_drift(quiet, "scheduler") is None
    failed = drift.read_report(reports)
    assert failed is not None
    assert "damaged" in failed.note
    assert audit.read(quiet.data_dir)[-1].outcome == "fail"
    await store.aclose()


def steps_dataset(releases: Any) -> Dataset:
    """The prepared data of the shop."""
    from backend.release.retrain import opened

    return opened(releases.settings)
