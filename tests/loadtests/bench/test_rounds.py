"""Rates by wrk: rotated rounds over servers that answer, and checks that refuse what is not what is measured."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from loadtests.bench.counters import Counted
from loadtests.bench.rounds import Load, Rounds, check_answer, check_counts, close
from loadtests.bench.servers import Server
from loadtests.bench.wrk import Burst, burst
from loadtests.server import RunError

PDP = "/v1/recommendations/pdp?product_id=p1&customer_id=1&consent=personalization"
BURST = Burst(1_000, 1.0, 1, 0, 0, 1.0, 2.0)


def load(shop: Any, tmp_path: Path, path: str = PDP, **kinds: Any) -> Load:
    """One page of the small shop."""
    file = tmp_path / "paths"
    file.write_text(f"{path}\n")
    return Load(kinds.pop("name", "one"), Server("shop", shop.url, os.getpid(), 0.1), file, **kinds)


def counted(**grown: float) -> Counted:
    """What the server says it did."""
    names = {"ranked": "endcap_ranked_candidates_count", "whole": "endcap_ranked_candidates_sum"}
    readings = {(names[name], 'part="shop"'): value for name, value in grown.items() if name in names}
    readings[("endcap_ranked_candidates_bucket", 'le="99.0",part="shop"')] = grown.get("few", 0.0)
    readings[("endcap_degraded_total", 'what="deadline"')] = grown.get("late", 0.0)
    return Counted({}, readings)


def test_wrk_counts_answers(wrk: None, shop: Any, tmp_path: Path) -> None:
    """And sends the paths in turn from where it is told, with the method it is told."""
    file = tmp_path / "paths"
    file.write_text("".join(f"/v1/recommendations/pdp?product_id=p{number}\n" for number in range(5)))
    told = burst(shop.url, file, seconds=1, connections=1, core=min(os.sched_getaffinity(0)), offset=3)
    assert told.requests > 3
    assert told.rate == pytest.approx(told.requests / told.seconds)
    first = [path[-2:] for path in shop.asked[:4]]
    assert first in (["p3", "p4", "p0", "p1"], ["p4", "p0", "p1", "p2"])
    assert 0 < told.p50_ms <= told.p99_ms


def test_wrk_refuses_to_count_errors(wrk: None, shop: Any, tmp_path: Path) -> None:
    """A server that answers 500, or is not there, has no rate."""
    one = load(shop, tmp_path)
    shop.status = 500
    with pytest.raises(RunError, match="refused"):
        burst(shop.url, one.paths, seconds=1, connections=1, core=min(os.sched_getaffinity(0)))
    with pytest.raises(RunError, match="wrk failed against"):
        burst("http://127.0.0.1:1", one.paths, seconds=1, connections=1, core=min(os.sched_getaffinity(0)))


def test_rounds_alternate(wrk: None, shop: Any, tmp_path: Path) -> None:
    """Each round begins with another server, and every server is measured in each."""
    loads = [load(shop, tmp_path, name=name) for name in ("a", "b", "c")]
    heard: list[str] = []
    rounds = Rounds(loads, 1.0, 1, min(os.sched_getaffinity(0)))
    samples = rounds.run(3, lambda name, *_: heard.append(name))
    assert heard == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert all(len(found) == 3 for found in samples.values())
    assert all(sample.rate > 0 and sample.told()["degraded"] == 0 for sample in samples["a"])


def test_an_answer_is_checked_before_it_is_timed(shop: Any, tmp_path: Path) -> None:
    """Bytes, scores, cache, or a personal page: what is not as promised is no measurement."""
    body = check_answer(load(shop, tmp_path))
    assert check_answer(load(shop, tmp_path), body=body) == body
    with pytest.raises(RunError, match="not the bytes"):
        check_answer(load(shop, tmp_path), body=b"other")
    with pytest.raises(RunError, match="not from the cache"):
        check_answer(load(shop, tmp_path, cached=True))
    shop.status = 503
    with pytest.raises(RunError, match="answered 503"):
        check_answer(load(shop, tmp_path))


def test_a_personal_page_must_be_whole(shop: Any, tmp_path: Path) -> None:
    """Personal, not degraded, with its shelves; the first such page of some is enough."""
    personal = load(shop, tmp_path, personal=True)
    assert json.loads(check_answer(personal))["slots"][0]["served_by"] == "personal"
    with pytest.raises(RunError, match="lacks a shelf: for_you by personal"):
        check_answer(load(shop, tmp_path, personal=True, reference=True))
    stranger = load(shop, tmp_path, PDP.replace("customer_id=1", "customer_id=99"), personal=True)
    with pytest.raises(RunError, match="not personal"):
        check_answer(stranger)
    shop.degraded = ["deadline"]
    with pytest.raises(RunError, match=r"degraded \['deadline'\]"):
        check_answer(load(shop, tmp_path, personal=True))
    shop.status = 500
    with pytest.raises(RunError, match="answered 500"):
        check_answer(load(shop, tmp_path, personal=True))


def test_scores_must_be_the_models(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a hundred-thousandth, and as many."""
    assert close([1.0, 2.0], [1.000001, 2.0])
    assert not close([1.0, 2.0], [1.001, 2.0])
    assert not close([1.0], [1.0, 2.0])
    monkeypatch.setattr(shop, "page", lambda *_: {"scores": [0.5, 0.25]})
    assert check_answer(load(shop, tmp_path), scores=[0.5, 0.25])
    with pytest.raises(RunError, match="not the model's"):
        check_answer(load(shop, tmp_path), scores=[0.5, 0.75])


def test_counts_must_fit_what_is_measured(shop: Any, tmp_path: Path) -> None:
    """Cached pages are not ranked; personal ones are, each over a hundred candidates or more."""
    cached = load(shop, tmp_path, cached=True)
    check_counts(cached, BURST, counted(ranked=2))
    with pytest.raises(RunError, match="3 of 1,000 answers were not from the cache"):
        check_counts(cached, BURST, counted(ranked=3))
    reference = load(shop, tmp_path, personal=True, reference=True)
    check_counts(reference, BURST, counted(ranked=1_000, whole=100_000))
    check_counts(reference, BURST, counted(ranked=950, late=50))
    with pytest.raises(RunError, match="the ranker ran 900 times for 1,000 answers"):
        check_counts(reference, BURST, counted(ranked=900))
    with pytest.raises(RunError, match="2 of 1,000 runs ranked fewer than 100"):
        check_counts(reference, BURST, counted(ranked=1_000, few=2))
    check_counts(load(shop, tmp_path, personal=True), BURST, counted(ranked=1_000, few=1_000))
