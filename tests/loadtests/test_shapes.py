"""Whole runs in a shape: a spike against a small shop, a soak and a network round the real server."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from loadtests import run as runs
from loadtests import shapes
from loadtests.ask import Asker
from loadtests.budget import Budget, read_budget
from loadtests.discover import Found
from loadtests.run import Options, check_shape, run
from loadtests.server import RunError
from loadtests.site import Site, Staging, cores_for, staged

BUDGET = read_budget()


def told(tmp_path: Path) -> dict[str, Any]:
    """The report of the run."""
    return dict(json.loads((tmp_path / "reports" / "load.json").read_text()))


def test_a_spike_is_asked_for_and_told(
    tmp_path: Path, shop: Any, lenient: Budget, options: Callable[..., Options]
) -> None:
    """Three times the named knee, by Locust and the throng; the picture lies beside the report."""
    out = io.StringIO()
    made = options(tmp_path, host=shop.url, shape="spike", knee=30.0, duration_s=12.0)
    assert run(made, Console(file=out, width=110)) == [], out.getvalue()
    spike = told(tmp_path)["spike"]
    assert (spike["knee"], spike["regulars"], spike["begins_s"], spike["ends_s"]) == (30.0, 8.0, 3.0, 8.0)
    assert spike["phases"]["before"]["asked_rate"] == pytest.approx(24, rel=0.4)
    assert spike["phases"]["spike"]["asked_rate"] == pytest.approx(90, rel=0.3)
    assert spike["phases"]["spike"]["excess"] == 0
    assert (tmp_path / "reports" / "spike.svg").read_text().startswith("<svg")
    assert "Spike to 3 times the knee of 30 pages/s" in out.getvalue()
    assert "Of these Locust sends 8/s" in out.getvalue()


def test_a_spike_that_is_not_served_fails(
    tmp_path: Path, shop: Any, lenient: Budget, options: Callable[..., Options]
) -> None:
    """Whoever gives everybody the popular list has no useful answers; 500 is no answer at all."""
    shop.degraded = ["overload"]
    broken = run(
        options(tmp_path, host=shop.url, shape="spike", knee=30.0, duration_s=8.0), Console(file=io.StringIO())
    )
    assert any("in the spike 0 useful answers/s, 27 needed" in rule for rule in broken)
    assert any("before the spike 100.00% of the answers had less" in rule for rule in broken)


def test_the_knee_is_looked_for(
    tmp_path: Path, shop: Any, lenient: Budget, options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By real tries against what serves; a shop that gives nobody enough has none."""
    shop.degraded = ["overload"]
    monkeypatch.setattr("loadtests.knee._TRY_S", 1.0)
    out = io.StringIO()
    with pytest.raises(RunError, match="does not keep up with 100"):
        run(options(tmp_path, host=shop.url, shape="spike"), Console(file=out, width=110))
    assert "100 requests/s: 0 useful" in out.getvalue()


@pytest.mark.store
def test_a_soak_over_a_network(
    tmp_path: Path, trained: Path, lenient: Budget, options: Callable[..., Options], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real server with both ways made long: every answer takes them, its store is asked, its memory is watched."""
    generous = replace(lenient, soak=replace(BUDGET.soak, max_growth_mb=500.0, warm_up_share=0.5))
    monkeypatch.setattr(runs, "read_budget", lambda: generous)
    customers = tuple(f"customer-{number:04d}" for number in range(60))
    made = options(
        tmp_path, data_dir=trained, customers=customers, rate=20.0, duration_s=6.0, shape="soak", network=True
    )
    out = io.StringIO()
    broken = run(made, Console(file=out, width=110))
    assert [rule for rule in broken if "degraded" not in rule] == [], out.getvalue()
    assert "none of the customers" not in out.getvalue(), "the store is asked by its long way"
    report = told(tmp_path)
    assert all(report["surfaces"][surface]["p50_ms"] >= 40 for surface in ("pdp", "home", "cart", "events"))
    (memory,) = report["soak"]["memory"].values()
    assert memory["first_mb"] > 20
    assert "resident memory, MB" in out.getvalue()
    assert (tmp_path / "reports" / "soak.svg").exists()
    assert not (trained / "store" / "store.pid").exists()


@pytest.mark.store
def test_the_site_is_staged_and_struck(tmp_path: Path, trained: Path) -> None:
    """Each thing is there while the block lasts, asked by the way that was wanted, and gone afterwards."""
    with staged(Staging(trained, tmp_path)) as site:
        assert site.pid is not None
        with Asker(site.url) as asker:
            answer = asker.get("/v1/recommendations/home?customer_id=customer-0001&consent=personalization").answer()
        assert answer.personal
        assert (trained / "store" / "store.pid").exists()
    with Asker(site.url) as asker:
        assert asker.get("/readyz").status == 0
    assert not (trained / "store" / "store.pid").exists()


def test_what_cannot_start_is_told_with_its_log(tmp_path: Path, shop: Any) -> None:
    """A data directory without anything, a port that is taken."""
    port = int(shop.url.rpartition(":")[2])
    with pytest.raises(RunError, match=f"port {port} is taken"), staged(Staging(tmp_path, tmp_path, port=port)):
        pass
    (tmp_path / "data").write_text("no directory")
    with pytest.raises(RunError, match="the store did not start"), staged(Staging(tmp_path / "data", tmp_path)):
        pass


def test_one_worker_gets_a_core_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are two; several workers share all of them, and so does everybody on one core."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 5, 7}, raising=False)
    for workers in (None, 1):
        cores = cores_for(workers)
        assert cores is not None
        assert (cores.server, cores.client) == (7, 2)
    assert cores_for(2) is None
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3}, raising=False)
    assert cores_for(1) is None
    assert Site("", cores=None).beside("a", 1) == ["a", "1"]
    assert Site("", cores=cores).beside("a")[-2:] == ["2", "a"]
    assert Site("", cores=cores).asking("a", 1)[-5:] == ["nice", "-n", "10", "a", "1"]
    assert Site("", cores=None).asking("a", 1) == ["a", "1"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": "spike", "fault": True}, "nobody could say what broke"),
        ({"knee": 100.0}, "needs --shape spike"),
        ({"shape": "spike", "network": True}, "would measure the proxies"),
        ({"network": True, "host": "http://127.0.0.1:1"}, "cannot be had with --host"),
        ({"shape": "soak", "host": "http://127.0.0.1:1"}, "cannot be had with --host"),
        ({"shape": "spike", "host": "https://shop.example"}, "the knee is the network's"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, options: Callable[..., Options], changes: dict[str, Any], said: str
) -> None:
    """Before anything is started; the message says why."""
    with pytest.raises(RunError, match=said):
        check_shape(options(tmp_path, **changes))


def test_each_shape_that_can_be_had_is_let_through(tmp_path: Path, options: Callable[..., Options]) -> None:
    """With a server of our own, and a spike also against one that runs here."""
    check_shape(options(tmp_path, shape="spike", knee=100.0, host="http://127.0.0.1:8000"))
    check_shape(options(tmp_path, shape="soak", network=True))


def test_the_throng_asks_for_what_locusts_shoppers_do(tmp_path: Path, options: Callable[..., Options]) -> None:
    """Pages in the shares of the mix, of visits mixed up; no events, and the same pages for the same seed."""
    found = Found(tuple(f"p{number}" for number in range(50)), (), ())
    plan = runs.make_plan(options(tmp_path), BUDGET, found, tmp_path)
    paths = shapes.pages(plan, 4_000)
    assert len(paths) == 4_000
    share = sum("/pdp?" in path for path in paths) / 4_000
    assert share == pytest.approx(BUDGET.mix.pdp / (1 - BUDGET.mix.events), rel=0.1)
    assert not [path for path in paths if "/events" in path]
    assert sum("customer_id=" in path for path in paths) > 2_000
    assert paths == shapes.pages(plan, 4_000)
