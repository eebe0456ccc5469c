"""Whole runs: real Locust in a process of its own, against a small shop and against the real server."""

import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from loadtests import run as runs
from loadtests.budget import Budget, read_budget
from loadtests.discover import Found
from loadtests.run import run
from loadtests.server import ROOT, RunError

BUDGET = read_budget()


@pytest.fixture
def promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits as promised, after a shorter warm-up."""
    changed = replace(BUDGET, run=replace(BUDGET.run, warm_up_s=1.0))
    monkeypatch.setattr(runs, "read_budget", lambda: changed)


def test_a_good_shop_passes(tmp_path: Path, shop: Any, lenient: Budget, options: Any) -> None:
    """All surfaces are asked about as often as was asked for, and the report lies where it was wanted."""
    out = io.StringIO()
    broken = run(options(tmp_path, host=shop.url), Console(file=out, width=100))
    assert broken == []
    summary = json.loads((tmp_path / "reports" / "load.json").read_text())
    assert summary["passed"] is True
    assert summary["answered_rate"] == pytest.approx(40, rel=0.3)
    assert summary["surfaces"]["all"]["requests"] == pytest.approx(120, rel=0.2)
    assert all(summary["surfaces"][surface]["requests"] > 0 for surface in ("pdp", "home", "cart", "events"))
    assert "<title>" in (tmp_path / "reports" / "load.html").read_text()
    assert "PASSED" in out.getvalue()
    assert shop.seen_ids  # events arrived
    assert {kind["type"] for body in shop.posted for kind in body["events"]} >= {"detail-page-view", "add-to-cart"}


def test_a_shop_that_answers_wrongly_fails(tmp_path: Path, shop: Any, lenient: Budget, options: Any) -> None:
    """However fast it is, and each reason is named."""
    shop.model_version, shop.events_status = None, 503
    broken = run(options(tmp_path, host=shop.url), Console(file=io.StringIO()))
    (failures,) = [rule for rule in broken if "failed requests" in rule]
    assert "pdp: no model version" in failures
    assert "events: status 503" in failures


def test_a_slow_shop_fails(tmp_path: Path, shop: Any, promised: None, options: Any) -> None:
    """By the budget as promised: every answer takes 150 ms, or more where the machine is busy."""
    shop.delay_s = 0.15
    broken = run(options(tmp_path, host=shop.url, rate=20.0), Console(file=io.StringIO()))
    assert any(rule.startswith("pdp: p99 is ") for rule in broken), broken


def test_a_shop_that_stalls_cannot_hide_it(tmp_path: Path, shop: Any, lenient: Budget, options: Any) -> None:
    """With one shopper at a time a stall is one slow request; from the schedule, all that had to wait are slow."""

    def stall() -> None:
        while not shop.seen_ids:
            time.sleep(0.05)
        shop.delay_s = 1.0
        time.sleep(0.3)
        shop.delay_s = 0.0

    thread = threading.Thread(target=stall)
    thread.start()
    run(options(tmp_path, host=shop.url, users=1, rate=30.0, duration_s=4.0), Console(file=io.StringIO()))
    thread.join()
    summary = json.loads((tmp_path / "reports" / "load.json").read_text())
    assert summary["sent_late_p99_ms"] > 300


def test_a_host_that_does_not_serve_is_refused(tmp_path: Path, shop: Any, options: Any) -> None:
    """With what it said; nothing is measured."""
    shop.status = 500
    with pytest.raises(RunError, match="does not serve: status 500"):
        run(options(tmp_path, host=shop.url), Console(file=io.StringIO()))


def test_unknown_customers_are_noted(tmp_path: Path, shop: Any, lenient: Budget, options: Any) -> None:
    """The run is made, but nobody was served personally: the reader must know."""
    out = io.StringIO()
    run(options(tmp_path, host=shop.url, customers=("77",), duration_s=1.0), Console(file=out, width=100))
    assert "Note: none of the customers" in out.getvalue()


def test_the_outage_lies_in_the_middle() -> None:
    """Of a run of a minute: 8 s from second 31, counted with the warm-up; a short run has a shorter one."""
    window = runs.plan_outage(60.0, BUDGET)
    assert (window.starts_s, window.ends_s, window.calm_s) == (31.0, 39.0, 44.0)
    assert window.degraded_allowed == ("profile",)
    short = runs.plan_outage(6.0, BUDGET)
    assert (short.starts_s, short.ends_s) == (7.0, 9.0)


def found(*personal: str) -> Found:
    """A shop whose given customers were served personally before the outage."""
    return Found(("p1",), (), personal)


def test_a_shop_that_recovered_breaks_nothing(shop: Any) -> None:
    """It is whole, and personal for a customer who was served personally before."""
    assert runs.recovery(shop.url, found("1"), 5.0) == []
    assert "customer_id=1&" in shop.asked[-1]


def test_a_shop_that_is_still_recovering_is_given_time(shop: Any) -> None:
    """It is asked until it is well, not once."""
    shop.degraded = ["profile"]

    def heal() -> None:
        while len(shop.asked) < 3:
            time.sleep(0.02)
        shop.degraded = []

    thread = threading.Thread(target=heal)
    thread.start()
    assert runs.recovery(shop.url, found("1"), 10.0) == []
    thread.join()


@pytest.mark.parametrize(
    ("attribute", "value", "state"),
    [
        ("degraded", ["profile"], r"degraded \['profile'\]"),
        ("known_customers", set(), "personal: False"),
        ("status", 503, "status 503"),
    ],
)
def test_a_shop_that_does_not_recover_is_broken(shop: Any, attribute: str, value: object, state: str) -> None:
    """What its homepage was like at the end is said."""
    setattr(shop, attribute, value)
    (broken,) = runs.recovery(shop.url, found("1"), 0.2)
    assert re.search(f"no recovery within 0.2 s.*customer 1 is .*{state}", broken)


def test_without_known_customers_recovery_means_not_degraded(shop: Any) -> None:
    """Nothing personal can be expected of a shop that knew nobody before."""
    assert runs.recovery(shop.url, found(), 1.0) == []
    assert shop.asked[-1] == "/v1/recommendations/home"


def test_a_fault_needs_a_server_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any) -> None:
    """With --host, or with a store named by REDIS_URL, there is nothing that may be killed; the message says why."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    runs.check_fault(options(tmp_path))
    with pytest.raises(RunError, match="cannot be had with --host"):
        runs.check_fault(options(tmp_path, host="http://127.0.0.1:1"))
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    with pytest.raises(RunError, match="unset it"):
        runs.check_fault(options(tmp_path))


def test_a_fault_never_hits_the_store_of_another_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Any
) -> None:
    """A demo that runs on the same data would be hit."""
    from edge.embedded import EmbeddedStore

    monkeypatch.delenv("REDIS_URL", raising=False)
    with (
        EmbeddedStore(tmp_path / "data" / "store"),
        pytest.raises(RunError, match=r"in use \(process \d+\)"),
    ):
        runs.check_fault(options(tmp_path))


def test_sigterm_ends_everything(tmp_path: Path, shop: Any) -> None:
    """The run ends, and with it Locust: the shop hears no more of it."""
    command = [
        sys.executable,
        "-m",
        "loadtests",
        "run",
        "--host",
        shop.url,
        "--rate",
        "20",
        "--report-dir",
        str(tmp_path),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        ends = time.monotonic() + 40
        while len(shop.asked) < 60:
            assert time.monotonic() < ends, "no load arrived"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    heard = len(shop.asked)
    time.sleep(0.5)
    assert len(shop.asked) == heard


def test_the_real_server_is_started_loaded_and_ended(
    tmp_path: Path, trained: Path, lenient: Budget, options: Any
) -> None:
    """Server, store, model, profiles: with the store killed and restored meanwhile. No process stays behind."""
    customers = tuple(f"customer-{number:04d}" for number in range(60))
    out = io.StringIO()
    made = options(tmp_path, data_dir=trained, customers=customers, rate=20.0, duration_s=6.0, fault=True)
    broken = run(made, Console(file=out, width=100))
    # A machine that is busy with other tests may miss deadlines; nothing else may go wrong.
    assert [rule for rule in broken if "deadline" not in rule and "degraded: profile" not in rule] == [], out.getvalue()
    assert "none of the customers" not in out.getvalue()
    summary = json.loads((tmp_path / "reports" / "load.json").read_text())
    assert summary["surfaces"]["all"]["degraded_share"] > 0
    assert summary["events"]["lost"] == 0
    assert not (trained / "store" / "store.pid").exists()
