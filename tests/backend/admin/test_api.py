"""What the API shows and does, over real HTTP and a real store; each deed leaves a line under the key that did it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from redis import Redis

from backend import audit
from backend.admin.jobs import Job
from backend.release.state import Candidate, ShopState
from backend.settings import Settings
from edge.core import keys, tasks
from edge.core.access import read_keys
from edge.core.bundle import Live, read_live, write_live
from edge.core.keys import PseudonymKey, pseudonym
from edge.core.switches import Switches, read_switches
from tests.backend.admin.conftest import Panel, StartPanel
from tests.backend.admin.test_access import csrf_of
from tests.bundles import another
from tests.serving import KEY, Serve, until

pytestmark = pytest.mark.store


def wait_for_decision(panel: Panel, version: str) -> None:
    """A candidate that passed the gate."""
    state = ShopState(panel.settings.bundles_dir, "demo")
    state.put_candidate(
        Candidate(version, "2026-11-22T05:00:00+00:00", "f", "2026-10-31", "waiting", ("a week is over",))
    )


def did(panel: Panel) -> list[tuple[str, str]]:
    """The lines of the audit log: who did what."""
    return [(line.action, line.actor) for line in audit.read(panel.settings.data_dir)]


def actor(panel: Panel) -> str:
    """The key of the panel's client, as the log names it."""
    return f"key:{read_keys(panel.settings.data_dir)[-1].id}"


def post(panel: Panel, path: str, **fields: Any) -> dict[str, Any]:
    """Do something and expect it to be done."""
    answer = panel.client.post(path, json=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_status_names_the_models(panel: Panel) -> None:
    """Live, canary, shadow, candidate with its gate, and what is kept."""
    live = read_live(panel.settings.bundles_dir, "demo").live
    second, third = another(panel.settings.bundles_dir), another(panel.settings.bundles_dir, "third")
    post(panel, "/canary", version=second, percent=15)
    post(panel, "/shadow", version=third)
    wait_for_decision(panel, second)
    found = panel.status()
    models = found["models"]
    assert (models["live"], models["canary"], models["percent"], models["shadow"]) == (live, second, 15, third)
    assert models["candidate"]["stage"] == "waiting"
    assert set(models["kept"]) == {live, second, third}
    assert (found["canary"]["action"], found["canary"]["percent"]) == ("keep", 15)
    assert found["shadow"] == {
        "version": third,
        "compared": 0,
        "failed": 0,
        "time_ratio": None,
        "mean_us": None,
        "overlap": {},
    }
    assert found["store"] == "ok"
    assert found["faults"] == []


def test_status_follows_the_events(serve: Serve, panel: Panel, redis: "Redis", event: Callable[..., Any]) -> None:
    """What waits, how old it is, what was counted today; the samples become a rate."""
    edge = serve()
    edge.send(*(event("detail-page-view", "p004") for _ in range(5)))
    stream = panel.status()["stream"]
    assert (stream["profiles"]["waiting"], stream["log"]["waiting"], stream["dead_letters"]) == (5, 5, 0)
    day = int(time.time() // 86_400)
    redis.hset(keys.counts_key("demo", day), mapping={"events:search": 3, "orders": 2, "impressions:x:y": 9})
    assert panel.status()["today"] == {"events:search": 3, "orders": 2}
    until(lambda: panel.status()["stream"]["events_per_s"] is not None)


def test_approve_and_reject(panel: Panel) -> None:
    """The waiting candidate serves, or does not; nothing waits any more then, which is said with 409."""
    second, third = another(panel.settings.bundles_dir), another(panel.settings.bundles_dir, "third")
    wait_for_decision(panel, second)
    assert panel.client.post("/approve", json={"version": third}).status_code == 409
    assert post(panel, "/approve")["live"] == second
    assert read_live(panel.settings.bundles_dir, "demo") == Live(second)
    wait_for_decision(panel, third)
    post(panel, "/reject", version=third, why="odd shelves")
    answer = panel.client.post("/approve", json={})
    assert answer.status_code == 409
    assert "rejected: odd shelves" in answer.json()["detail"]
    who = actor(panel)
    assert did(panel) == [("approve", who), ("publish", who), ("reject", who)]


def test_rollback_returns_to_the_version_before(panel: Panel) -> None:
    """Or to any kept one; one that is not there is refused."""
    first = read_live(panel.settings.bundles_dir, "demo").live
    second = another(panel.settings.bundles_dir)
    wait_for_decision(panel, second)
    post(panel, "/approve")
    assert post(panel, "/rollback")["live"] == first
    assert post(panel, "/rollback", version=second)["live"] == second
    assert panel.client.post("/rollback", json={"version": "nowhere"}).status_code == 409
    assert [action for action, _ in did(panel)] == ["approve", "publish", "rollback", "rollback"]


def test_a_canary_from_beginning_to_end(panel: Panel) -> None:
    """Begun, withdrawn, begun again, promoted; one thing at a time."""
    second = another(panel.settings.bundles_dir)
    post(panel, "/canary", version=second)
    assert read_live(panel.settings.bundles_dir, "demo").percent == 10
    assert post(panel, "/canary", withdraw=True)["version"] == second
    post(panel, "/canary", version=second, percent=50)
    assert post(panel, "/canary", promote=True)["live"] == second
    for wrong in ({}, {"promote": True, "withdraw": True}, {"version": second, "promote": True}):
        assert panel.client.post("/canary", json=wrong).status_code == 409
    assert [action for action, _ in did(panel)] == ["canary", "withdraw", "canary", "promote", "publish"]


def test_erase_asks_for_it_in_pseudonyms(panel: Panel, redis: "Redis") -> None:
    """The task names nobody; neither does the audit log."""
    told = post(panel, "/erase", customer_id="anna", email="Anna@Example.com ", orders=["1001"])
    found: Any = redis.xrange(keys.tasks_key("demo"))
    [(_, fields)] = found
    task = tasks.decode_task(fields[b"t"])
    assert isinstance(task, tasks.Erase)
    key = PseudonymKey.from_hex(KEY)
    assert task.shoppers[0] == pseudonym(key, "demo", "customer", "anna")
    assert (task.id, task.orders, len(task.shoppers)) == (told["task"], ("1001",), 2)
    assert b"anna" not in fields[b"t"].lower()
    log = (panel.settings.data_dir / audit.FILE).read_text()
    assert "erase-asked" in log
    assert "anna" not in log.lower()
    assert panel.client.post("/erase", json={}).status_code == 409


def test_switches(panel: Panel) -> None:
    """Surfaces off and on again, and the share served; what is not named stays."""
    bundles = panel.settings.bundles_dir
    post(panel, "/switch", off=["pdp", "home"])
    post(panel, "/switch", serve_percent=40)
    assert read_switches(bundles, "demo") == Switches(("pdp", "home"), 40)
    post(panel, "/switch", off=[])
    assert read_switches(bundles, "demo") == Switches((), 40)
    assert panel.client.post("/switch", json={"off": ["moon"]}).status_code == 409
    assert panel.client.post("/switch", json={"serve_percent": 101}).status_code == 400


def test_dead_letters_are_shown_and_replayed(panel: Panel, redis: "Redis") -> None:
    """With their reasons; back in the stream they are dead no more."""
    for number in range(2):
        redis.xadd(keys.dead_key("demo"), {"e": b"{bad", "r": "unreadable", "i": f"{number}-1", "n": 3})
    letters = panel.client.get("/dead-letters").json()["dead_letters"]
    assert [(one["reason"], one["deliveries"], one["event"]) for one in letters] == [("unreadable", 3, "{bad")] * 2
    assert panel.status()["stream"]["dead_letters"] == 2
    assert post(panel, "/dead-letters/replay", ids=[letters[0]["id"]])["events"] == 1
    assert post(panel, "/dead-letters/replay")["events"] == 1
    assert redis.xlen(keys.events_key("demo")) == 2
    assert redis.xlen(keys.dead_key("demo")) == 0


def test_a_job_runs_when_a_person_asks(start_panel: StartPanel, tmp_path: Path) -> None:
    """Also one that never runs by itself; its outcome shows in the status."""

    async def work(settings: Settings, redis: object) -> str:
        return f"worked for {settings.shop}"

    panel = start_panel(jobs=(Job("work", 0, "for a test", run=work),))
    assert panel.status()["jobs"][0]["last"] is None
    assert post(panel, "/run", job="work")["started"] is True
    until(lambda: panel.status()["jobs"][0]["last"])
    last = panel.status()["jobs"][0]["last"]
    assert (last["ok"], last["outcome"]) == (True, "worked for demo")
    assert panel.client.post("/run", json={"job": "nothing"}).status_code == 409


def test_the_audit_log_is_shown_and_checked(panel: Panel) -> None:
    """200 while it holds, 409 once a line was changed; the status says so, too."""
    post(panel, "/switch", serve_percent=40)
    shown = panel.client.get("/audit")
    assert (shown.status_code, shown.json()["verified"]) == (200, True)
    assert shown.json()["lines"][0]["details"] == {"off": [], "serve_percent": 40}
    post(panel, "/switch", serve_percent=41)
    path = panel.settings.data_dir / audit.FILE
    path.write_text(path.read_text().replace('"serve_percent":40', '"serve_percent":90'))
    broken = panel.client.get("/audit")
    assert (broken.status_code, broken.json()["verified"]) == (409, False)
    assert panel.status()["audit"]["verified"] is False


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/switch", b"[1, 2]", 400),
        ("/switch", b"{", 400),
        ("/switch", b"\xff", 400),
        ("/switch", b'{"serve_percent": "many"}', 400),
        ("/switch", b'{"colour": "red"}', 400),
        ("/canary", b'{"version": "x", "percent": 0}', 400),
        ("/canary", b'{"version": "../../etc"}', 409),
        ("/run", b"{}", 400),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(panel: Panel, path: str, body: bytes, code: int) -> None:
    """As a problem; nothing is done and nothing is noted."""
    answer = panel.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"
    assert did(panel) == []


def test_a_program_may_call_its_json_what_it_likes(panel: Panel) -> None:
    """curl -d says that it sends a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert panel.client.post("/switch", content=b'{"serve_percent": 30}', headers=headers).status_code == 200
    assert panel.client.post("/switch", content=b"serve_percent=30", headers=headers).status_code == 400


def test_a_body_larger_than_any_needs_is_not_read(panel: Panel) -> None:
    """413."""
    assert panel.client.post("/switch", content=b" " * 70_000).status_code == 413


def test_a_damaged_file_hides_nothing_else(panel: Panel) -> None:
    """The fault is named; the rest of the status and the page are there."""
    (panel.settings.bundles_dir / "demo" / "candidate.json").write_text("{")
    found = panel.status()
    assert "candidate.json is damaged" in found["faults"][0]
    assert found["models"] is None
    assert found["stream"] is not None
    assert "candidate.json is damaged" in panel.browser().get("/").text


def test_a_store_that_is_away_leaves_the_rest(start_panel: StartPanel, tmp_path: Path) -> None:
    """Status and page answer and say so; what needs the store is 503, what does not is done."""
    panel = start_panel(redis_url=f"unix://{tmp_path}/nobody.sock", store_timeout_s=0.2)
    found = panel.status()
    assert found["store"] == "away"
    assert found["models"]["live"]
    assert "does not answer" in panel.browser().get("/").text
    assert panel.client.get("/dead-letters").status_code == 503
    assert panel.client.post("/erase", json={"customer_id": "c"}).status_code == 503
    post(panel, "/switch", serve_percent=40)


def test_metrics_and_the_unknown(panel: Panel) -> None:
    """Prometheus text; no picture yet; no other route."""
    assert "# HELP endcap_consume_lag" in panel.client.get("/metrics").text
    for name in ("drift.html", "..%2F..%2Faudit.jsonl", "drift.json", ".hidden.html"):
        assert panel.client.get(f"/reports/{name}").status_code == 404
    assert panel.client.get("/nowhere").status_code == 404
    assert panel.client.get("/switch").status_code == 405


def test_the_page_shows_it_all(panel: Panel, redis: "Redis") -> None:
    """Candidate with gate and buttons, canary, shadow, drift, dead letters; strange values are shown, not run."""
    bundles, reports = panel.settings.bundles_dir, panel.settings.data_dir / "reports" / "demo"
    second, third = another(bundles), another(bundles, "third")
    write_live(bundles, "demo", Live(read_live(bundles, "demo").live, second, 10, third))
    wait_for_decision(panel, third)
    reports.mkdir(parents=True)
    check = {
        "name": "NDCG@10",
        "passed": False,
        "reason": "<script>alert(1)</script>",
        "live": 0.2,
        "candidate": 0.1,
        "limit": "",
    }
    gate = {
        "version": third,
        "live": "x",
        "passed": False,
        "checks": [check],
        "window": ["2026-10-01", "2026-10-31"],
        "orders": 9,
    }
    (reports / f"{third}-gate.json").write_bytes(msgspec.json.encode(gate))
    finding = {"group": "scores", "name": "for_you", "psi": 0.5, "psi_limit": 0.2, "ks": None, "ks_limit": 0.2}
    finding |= {"drifted": True, "unwatched": "", "bins": ["a"], "before": [1], "now": [1]}
    drift = {"version": "x", "time": "t", "first_day": "2026-10-01", "last_day": "2026-10-14", "orders": 80}
    drift |= {"reference_orders": 90, "enough": True, "note": "", "findings": [finding]}
    (reports / "drift.json").write_bytes(msgspec.json.encode(drift))
    (reports / "drift.html").write_text("<p>then and now")
    (reports / f"{third}-review.html").write_text("<p>pairs")
    redis.xadd(keys.dead_key("demo"), {"e": b"{", "r": "unreadable", "i": "1-1", "n": 3})
    panel.client.post("/reject", json={"version": "x", "why": ""})
    page = panel.browser().get("/").text
    for words in ("Approve", "Reject", "Roll back", "NDCG@10", "1 drifted", "for_you", "Withdraw", "Promote", "Shadow"):
        assert words in page, words
    assert "1 events could not be applied" in page
    assert f"Candidate {third} waits for a decision" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    for name in ("drift.html", f"{third}-review.html"):
        assert f'href="/reports/{name}"' in page
        report = panel.client.get(f"/reports/{name}")
        assert report.status_code == 200
        assert "script" not in report.headers["content-security-policy"]


def test_buttons_lead_back_to_the_page_with_what_was_done(panel: Panel) -> None:
    """Or with why it was not; each notice is shown once."""
    browser = panel.browser()
    token = csrf_of(browser)
    done = browser.post("/switch", data={"csrf": token, "off[]": ["-", "home"], "serve_percent": "70"})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "off: home; shoppers served: 70 %" in browser.get("/").text
    assert "off: home; shoppers served: 70 %" not in browser.get("/").text
    assert browser.post("/approve", data={"csrf": token, "version": ""}).status_code == 303
    assert "no candidate waits" in browser.get("/").text
    browser.post("/canary", data={"csrf": token, "withdraw": "true"})
    assert "nothing is withdrawn" in browser.get("/").text
    assert browser.post("/switch", data={"csrf": token, "serve_percent": "many"}).status_code == 400
    watching = browser.get("/?watch=1").text
    assert 'http-equiv="refresh"' in watching
    assert 'http-equiv="refresh"' not in browser.get("/").text


def test_a_form_with_too_many_fields_is_refused(panel: Panel) -> None:
    """Before anything is made of it."""
    many = "&".join(f"a{n}=1" for n in range(200))
    with httpx.Client(base_url=panel.url) as stranger:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert stranger.post("/login", content=many, headers=headers).status_code == 400
