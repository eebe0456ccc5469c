"""The page from plain values: what a person should look at, figures in words, and hostile values shown as text."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.admin import page
from backend.admin.state import Backend, Sample

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=y>"


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    """An app with two looks at the stream behind it; the page asks it for nothing but these."""
    samples = (Sample(0.0, 1, 10, 3), Sample(5.0, 1, 60, 2))
    whole = Backend(SimpleNamespace(), SimpleNamespace(), [], SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]  # because only the samples are read
    whole.samples.extend(samples)
    return whole


def quiet(**changed: Any) -> dict[str, Any]:
    """A status in which all is well and nothing was done yet."""
    stream = {"waiting": 0, "pending": 0, "oldest_s": 0.0, "dead": 0}
    models = {"live": "v1", "canary": None, "percent": 0, "shadow": None, "candidate": None, "gate": None}
    return {
        "shop": "demo", "time": 1_792_000_000.0, "drift": None, "services": [], "faults": [], "jobs": [],
        "models": models | {"review": None, "training": None, "kept": []},
        "switches": {"off": [], "serve_percent": 100},
        "audit": {"verified": True, "fault": None, "lines": []},
        "store": "ok", "today": {}, "canary": None, "shadow": None,
        "stream": {"profiles": stream, "log": stream, "dead_letters": 0, "events_per_s": None},
    } | changed  # fmt: skip


def drawn(found: dict[str, Any], backend: Backend, *notices: str, watch: bool = False) -> str:
    """The page's HTML."""
    return page.status(found, backend, "token", notices, "nonce", watch=watch)


def finding(name: str, psi: float, limit: float = 0.2, *, drifted: bool = False) -> dict[str, Any]:
    """One quantity of the drift report."""
    return {"group": "inputs", "name": name, "psi": psi, "psi_limit": limit, "ks": None, "drifted": drifted}


def drift(*findings: dict[str, Any], enough: bool = True) -> dict[str, Any]:
    """A report on drift as the status has it."""
    told = {"first_day": "2026-10-01", "last_day": "2026-10-14", "orders": 80, "note": "", "page": None}
    drifted = [one["name"] for one in findings if one["drifted"]]
    return told | {"findings": list(findings), "drifted": drifted, "enough": enough}


def test_where_all_is_well_the_page_says_so(backend: Backend) -> None:
    """No trouble, no button for a decision, no answer to a question nobody asked."""
    html = drawn(quiet(), backend)
    assert page.troubles(quiet()) == []
    for words in ("all well", "Not measured yet", "nothing yet", "Nothing yet.", "shop demo", "events a second"):
        assert words in html, words
    for words in ("Approve", "Promote", "Roll back", "Replay", "refresh"):
        assert words not in html, words


def test_watching_loads_the_page_again(backend: Backend) -> None:
    """By the browser itself, without a script; and it can be ended."""
    html = drawn(quiet(), backend, watch=True)
    assert '<meta http-equiv="refresh" content="5">' in html
    assert "stop watching" in html


def test_every_trouble_is_a_sentence() -> None:
    """Services, jobs, late events, dead letters, training, the audit log: each by its own name."""
    found = quiet(faults=["a file is damaged"])
    found["services"] = [{"name": "consume", "state": "waiting", "error": "no store"},
                         {"name": "log", "state": "running", "error": "long ago"}]  # fmt: skip
    found["jobs"] = [{"name": "facts", "last": {"ok": False}}, {"name": "retrain", "last": {"ok": True}},
                     {"name": "compact", "last": None}]  # fmt: skip
    found["stream"]["profiles"]["oldest_s"] = 7_200.0
    found["stream"]["dead_letters"] = 3
    found["models"]["training"] = {"outcome": "failed", "message": "x" * 500}
    found["audit"]["verified"] = False
    told = page.troubles(found)
    assert told[:4] == [
        "a file is damaged",
        "consume is down: no store",
        "job facts failed last time",
        "events wait for 2 h",
    ]
    assert told[4] == "3 events could not be applied and wait as dead letters"
    assert told[5] == "the last training run failed: " + "x" * 300
    assert told[6:] == ["the audit log was changed"]


def test_a_store_and_models_that_are_away_are_no_error() -> None:
    """Parts that could not be read are None; the faults beside them say why."""
    assert page.troubles(quiet(stream=None, models=None, faults=["away"])) == ["away"]


def test_a_page_without_models_and_stream_is_whole(backend: Backend) -> None:
    """The damage is named and the rest is there."""
    html = drawn(quiet(stream=None, models=None, switches=None, today=None, faults=["live.json is damaged"]), backend)
    assert "The store does not answer." in html
    assert "live.json is damaged" in html
    assert "1 to look at" in html
    assert html.rstrip().endswith("</html>")
    assert 'value="100"' in html, "without a file everybody is served"


def test_hostile_values_are_text_wherever_they_stand(backend: Backend) -> None:
    """Names of shops, versions, jobs, services, people and reasons come from outside: no tag of theirs is a tag."""
    found = quiet(shop=HOSTILE, faults=[HOSTILE], today={f"events:{HOSTILE}": 3})
    candidate = {"version": HOSTILE, "stage": "waiting", "reasons": [HOSTILE]}
    check = {"name": HOSTILE, "passed": False, "reason": HOSTILE, "live": None, "candidate": 0.5, "limit": HOSTILE}
    gate = {"version": HOSTILE, "live": HOSTILE, "passed": False, "checks": [check], "window": [HOSTILE] * 2}
    found["models"] |= {
        "live": HOSTILE, "canary": HOSTILE, "shadow": HOSTILE, "candidate": candidate, "kept": [HOSTILE + "2"],
        "gate": gate | {"orders": 9}, "review": f"/reports/{HOSTILE}",
        "training": {"outcome": "failed", "message": HOSTILE, "started": 0.0, "reasons": [HOSTILE]},
    }  # fmt: skip
    record = {"ok": False, "started": 0.0, "finished": 1.0, "outcome": HOSTILE}
    found["jobs"] = [{"name": HOSTILE, "about": HOSTILE, "every_s": 60, "running": False, "last": record, "next": 5.0}]
    found["services"] = [{"name": HOSTILE, "state": "waiting", "error": HOSTILE, "restarts": 1, "detail": {HOSTILE: 1}}]
    line = {"time": HOSTILE, "action": HOSTILE, "actor": HOSTILE, "outcome": HOSTILE, "details": {HOSTILE: [HOSTILE]}}
    found["audit"] = {"verified": False, "fault": HOSTILE, "lines": [line]}
    found["drift"] = drift(finding(HOSTILE, 1.0, drifted=True)) | {"note": HOSTILE, "page": HOSTILE}
    names = ("answers", "degraded", "failed", "p95_ms", "shelves_seen", "clicks", "click_rate")
    figures = {f"{side}_{name}": 1 for side in ("canary", "live") for name in names}
    found["canary"] = {"action": HOSTILE, "reasons": [HOSTILE], "figures": figures}
    found["shadow"] = {"compared": 1, "failed": 0, "time_ratio": 1.5, "overlap": {HOSTILE: 0.5}}
    html = drawn(found, backend, HOSTILE)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") > 30
    attributes = re.findall(r'="([^"]*)"', html)
    assert not [value for value in attributes if "<" in value or ">" in value]


def test_the_login_repeats_a_fault_as_text() -> None:
    """Whatever the shop is called and the fault says."""
    html = page.login(HOSTILE, "nonce", HOSTILE)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 2
    assert '<style nonce="nonce">' in html


def test_drift_is_shown_worst_first_and_not_all_of_it(backend: Backend) -> None:
    """By how far each is beyond its own limit; a limit that was rounded to nothing divides nothing."""
    quantities = [finding(f"q{at}", 0.1 * at) for at in range(9)]
    html = drawn(quiet(drift=drift(finding("tiny", 0.1, 0.0, drifted=True), *quantities)), backend)
    shown = re.findall(r"<tr><td>(\w+) <span", html)
    assert shown == ["tiny", "q8", "q7", "q6", "q5", "q4", "q3", "q2"]
    assert "1 drifted" in html
    assert "steady" in drawn(quiet(drift=drift()), backend)
    assert "too little to say" in drawn(quiet(drift=drift(enough=False)), backend)


def test_only_a_waiting_candidate_has_buttons(backend: Backend) -> None:
    """A refused one is shown with why it was trained; without a live model there is nothing to try it beside."""
    for stage, words in (("waiting", True), ("refused", False), ("published", False)):
        found = quiet()
        found["models"]["candidate"] = {"version": "v2", "stage": stage, "reasons": ["new data"]}
        html = drawn(found, backend)
        assert (">Approve<" in html, "Candidate v2 waits" in html) == (words, words)
        assert "new data" in html
    found["models"] |= {"live": None, "candidate": {"version": "v2", "stage": "waiting", "reasons": []}}
    html = drawn(found, backend)
    assert ">Approve<" in html
    assert "Try on 10 %" not in html


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.25, "0.25 s"), (59, "59 s"), (60, "1 min"), (90, "1.5 min"), (3_600, "1 h"),
        (86_399, "24 h"), (86_400, "1 d"), (604_800, "7 d"),
    ],
)  # fmt: skip
def test_ages_are_told_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    """Three digits are enough."""
    assert page._age(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (0.123456, "0.1235"), (12_345.6, "1.235e+04"), (12_345, "12,345"), ("–", "–")]
)
def test_figures(value: object, words: str) -> None:
    """Four digits of a measure, every digit of a count, a dash for what is not known."""
    assert page._figure(value) == words


def test_a_bar_stays_within_its_frame() -> None:
    """Shares below nothing and beyond the limit are cut off; the latter is marked."""
    assert 'width="0.0"' in page._bar(-1.0)
    assert 'width="100.0"' in page._bar(7.5, over=True)
    assert 'class="bar over"' in page._bar(7.5, over=True)
    assert 'width="33.3"' in page._bar(1 / 3)


def test_a_line_needs_two_points_and_starts_at_nothing() -> None:
    """The largest value is at the top, nothing at the bottom; a flat line of nothing divides nothing."""
    assert "a moment, please" in page._line([1.0])
    line = page._line([0.0, 2.0, 1.0])
    assert 'points="0.0,58.0 150.0,4.0 300.0,31.0"' in line
    assert "now 1.0, most 2.0" in line
    assert 'points="0.0,58.0 300.0,58.0"' in page._line([0.0, 0.0])


def test_rates_begin_anew_with_a_day(backend: Backend) -> None:
    """Counts are of one day each: after midnight the new day's count is all that came. Never below nothing."""
    assert backend.rates() == [10.0]
    backend.samples.extend([Sample(10.0, 2, 20, 0), Sample(15.0, 2, 5, 0)])
    assert backend.rates() == [10.0, 4.0, 0.0]
