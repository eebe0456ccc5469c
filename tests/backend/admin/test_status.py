"""The status gathered over a real store: each damaged file is named once and hides nothing but its own part."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend import audit
from backend.admin import page, status
from backend.admin.jobs import Job, Record, run_job
from backend.admin.scheduler import Scheduler
from backend.admin.state import Backend, Sample, assemble
from backend.release import drift, verdict
from backend.release.drift import Finding, Report
from backend.release.state import Attempt, Candidate, ShopState
from backend.release.verdict import Check, Verdict
from backend.settings import Settings
from edge.core import clock, keys
from edge.core.bundle import Live, write_live
from edge.profiles import connect
from tests.serving import KEY

pytestmark = pytest.mark.store


async def nothing(settings: Settings, redis: object) -> str:
    """A job that has nothing to do."""
    return "done"


JOB = Job("work", 60, "for a test", run=nothing)


@pytest.fixture
async def backend(tmp_path: Path, session_store: str, redis: "Redis") -> AsyncIterator[Backend]:
    """An app of a shop that has no model, no report and no event yet."""
    settings = Settings(data_dir=tmp_path, shop="demo", redis_url=session_store, pseudonym_key=KEY)
    client: AsyncRedis = connect(session_store, timeout_s=10, connections=4)
    yield assemble(settings, client, [], Scheduler(settings, client, (JOB,)))
    await client.aclose()


def reports(backend: Backend) -> Path:
    """Where what is said about models lies."""
    directory = backend.settings.data_dir / "reports" / "demo"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def candidate(backend: Backend, version: str = "v2") -> ShopState:
    """A candidate that waits."""
    state = ShopState(backend.settings.bundles_dir, "demo")
    state.put_candidate(Candidate(version, "2026-11-22T05:00:00+00:00", "f", "2026-10-31", "waiting", ("first",)))
    return state


async def both(backend: Backend) -> tuple[dict[str, Any], str]:
    """The status, which must be JSON, and the page made of it, which must be whole."""
    found = await status.gather(backend)
    html = page.status(found, backend, "token", (), "nonce", watch=False)
    assert html.rstrip().endswith("</html>")
    told: dict[str, Any] = json.loads(json.dumps(found))
    return told, html


async def test_a_shop_at_its_very_beginning(backend: Backend) -> None:
    """No model, no report, no event, no job run: no fault."""
    found, html = await both(backend)
    assert (found["faults"], found["store"]) == ([], "ok")
    assert (found["drift"], found["canary"], found["shadow"], found["today"]) == (None, None, None, {})
    assert found["models"]["live"] is None
    assert found["stream"]["events_per_s"] is None
    (job,) = found["jobs"]
    assert (job["last"], job["running"], job["every_s"]) == (None, False, 60)
    assert job["next"] <= clock.now()
    assert "all well" in html


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"live": 7}', b""])
async def test_a_damaged_live_json_hides_models_and_trials_only(backend: Backend, content: bytes) -> None:
    """Jobs, stream and the rest are there; the fault is named once, with the remedy, though several parts need it."""
    write_live(backend.settings.bundles_dir, "demo", Live("v1"))
    (backend.settings.bundles_dir / "demo" / "live.json").write_bytes(content)
    found, html = await both(backend)
    (fault,) = found["faults"]
    assert "live.json is damaged" in fault
    assert "python -m backend publish" in fault
    assert (found["models"], found["canary"], found["shadow"]) == (None, None, None)
    assert [job["name"] for job in found["jobs"]] == ["work"]
    assert found["stream"] is not None
    assert found["store"] == "ok"
    assert "live.json is damaged" in html


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"null", b'{"findings": 3}', b"\xff"])
async def test_a_damaged_report_on_drift_is_named(backend: Backend, content: bytes) -> None:
    """Also one that is JSON but no report; the page is whole."""
    drift.path_of(reports(backend)).write_bytes(content)
    found, html = await both(backend)
    (fault,) = found["faults"]
    assert "drift.json is damaged" in fault
    assert "python -m backend drift" in fault
    assert found["models"] is not None
    assert "Not measured yet" in html


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"version": "v2"}'])
async def test_a_damaged_verdict_is_named(backend: Backend, content: bytes) -> None:
    """With the command that judges again; drift is still shown."""
    candidate(backend)
    verdict.path_of(reports(backend), "v2").write_bytes(content)
    found, _ = await both(backend)
    (fault,) = found["faults"]
    assert "python -m backend gate v2" in fault
    assert found["models"] is None


async def test_verdict_and_drift_are_shown(backend: Backend) -> None:
    """Refused checks with their figures; drift without its distributions; links only to pages that are there."""
    candidate(backend)
    write_live(backend.settings.bundles_dir, "demo", Live("v1"))
    check = Check("latency", False, "too slow", 100.0, 200.0, "1.3 times")
    verdict.write(reports(backend), Verdict("v2", "v1", False, (check,), ("2026-10-01", "2026-10-07"), 9))
    one = Finding("inputs", "price", 0.5, 0.2, None, 0.2, True, "", ("a",), (1.0,), (1.0,))
    report = Report("v1", "2026-11-03T00:00:00+00:00", "2026-11-01", "2026-11-02", 80, 90, True, findings=(one,))
    drift.write(reports(backend), report)
    (reports(backend) / "drift.html").write_text("<p>")
    found, html = await both(backend)
    assert found["faults"] == []
    assert found["drift"]["drifted"] == ["price"]
    assert found["drift"]["page"] == "/reports/drift.html"
    assert not {"bins", "before", "now"} & set(found["drift"]["findings"][0])
    assert found["models"]["gate"]["checks"][0]["reason"] == "too slow"
    assert found["models"]["review"] is None
    assert "too slow" in html
    assert "9 orders of 2026-10-01 to 2026-10-07" in html


@pytest.mark.parametrize(
    "name", ["../secret.html", "..", ".html", ".hidden.html", "a/b.html", "drift.json", "a.html\n", "drift.html/", ""]
)
async def test_only_pages_beside_the_reports_are_pages(backend: Backend, name: str) -> None:
    """No way out of the directory, no hidden file, nothing that is no HTML, and no directory either."""
    (reports(backend) / "drift.json").write_text("{}")
    (reports(backend) / ".hidden.html").write_text("<p>")
    (reports(backend).parent / "secret.html").write_text("<p>")
    (reports(backend) / "directory.html").mkdir()
    assert status.report_page(backend, name) is None
    assert status.report_page(backend, "directory.html") is None
    (reports(backend) / "v1-review.html").write_text("<p>")
    assert status.report_page(backend, "v1-review.html") == reports(backend) / "v1-review.html"


async def test_a_run_shows_with_its_next(backend: Backend) -> None:
    """Its interval after its last start; a run of the last training is told with its message."""
    record = await run_job(JOB, backend.settings, backend.redis)
    assert isinstance(record, Record)
    candidate(backend).put_attempt(Attempt(1.0, ("first",), 2.0, "failed", None, "no room"))
    found, html = await both(backend)
    (job,) = found["jobs"]
    assert job["next"] == pytest.approx(record.started + 60)
    assert job["last"]["outcome"] == "done"
    assert found["models"]["training"]["message"] == "no room"
    assert "the last training run failed: no room" in html


async def test_today_counts_events_and_orders_only(backend: Backend, redis: "Redis") -> None:
    """Sorted; impressions and clicks by version belong to the trial, yesterday to yesterday."""
    day = int(clock.now() // 86_400)
    redis.hset(keys.counts_key("demo", day), mapping={"orders": 2, "events:search": 3, "clicks:a:v": 9, "ordersx": 1})
    redis.hset(keys.counts_key("demo", day - 1), mapping={"orders": 7})
    assert list((await status.today(backend)).items()) == [("events:search", 3), ("orders", 2)]


async def test_the_rate_is_that_of_the_last_half_minute(backend: Backend) -> None:
    """The mean of six looks, not of the hour."""
    backend.samples.extend(Sample(5.0 * at, 1, 0 if at < 4 else 50 * (at - 3), 0) for at in range(10))
    assert (await status.stream(backend))["events_per_s"] == 10.0


async def test_the_audit_tail_is_the_shops_own(backend: Backend) -> None:
    """Newest first, so many lines and no more; another shop's lines are checked, not shown."""
    for number in range(4):
        audit.append(backend.settings.data_dir, "demo", f"deed-{number}", "key:1", "done")
    audit.append(backend.settings.data_dir, "elsewhere", "other", "key:2", "done")
    tail = status.audit_tail(backend, lines=2)
    assert (tail["verified"], [line["action"] for line in tail["lines"]]) == (True, ["deed-3", "deed-2"])
    path = backend.settings.data_dir / audit.FILE
    path.write_text(path.read_text().replace("deed-1", "deed-9"))
    tail = status.audit_tail(backend)
    assert (tail["verified"], tail["lines"]) == (False, [])
    assert tail["fault"]
