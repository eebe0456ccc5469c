"""What a benchmark says: the document and the tables hold the figures of the result."""

import json

import pytest
from rich.console import Console

from training.sessions.benchmark import Result
from training.sessions.tables import document, show


@pytest.fixture(scope="module")
def shown(ring_result: Result) -> str:
    """The tables as text."""
    console = Console(width=200)
    with console.capture() as capture:
        console.print(show(ring_result))
    return capture.get()


def test_the_document_is_the_result(ring_result: Result) -> None:
    """Every figure under the key programs look for it, and nothing JSON cannot hold."""
    told = json.loads(json.dumps(document(ring_result), allow_nan=False))
    assert told["endcap"] == pytest.approx(ring_result.endcap)
    assert told["baselines"]["session_knn"] == pytest.approx(ring_result.baselines["session_knn"])
    assert told["data"] == ring_result.data
    assert set(told["endcap_by_clicks"]) == set(ring_result.by_clicks)
    assert told["forests_on_newest_training_sessions"].keys() == ring_result.tried.keys()
    assert told["endcap_retrieval_order"] == pytest.approx(ring_result.retrieval_order)


def test_every_method_has_its_row(ring_result: Result, shown: str) -> None:
    """With three rates, in percent with two digits."""
    rows = {"popularity": "popularity", "item-item cosine": "item_cosine", "sequential rules": "sequential_rules"}
    for words, name in rows.items():
        line = next(line for line in shown.splitlines() if words in line)
        for rate in ("hr@20", "mrr@20", "ndcg@20"):
            assert f"{ring_result.baselines[name][rate]:.2f}" in line


def test_short_visits_are_beside_their_baselines(ring_result: Result, shown: str) -> None:
    """Rows of one click: Endcap's and every baseline's."""
    line = next(line for line in shown.splitlines() if "1, session kNN" in line)
    assert f"{ring_result.baselines['session_knn']['one_click_hr@20']:.2f}" in line
    assert f"{ring_result.by_clicks['2']['hr@20']:.2f}" in shown


def test_every_forest_tried_is_shown(ring_result: Result, shown: str) -> None:
    """The trade is there to look at."""
    assert len(ring_result.tried) > 1
    for forest in ring_result.tried:
        assert forest in shown


def test_costs_and_choices_are_told(ring_result: Result, shown: str) -> None:
    """Latency, memory, size, settings; not the long list of what features gained."""
    assert f"p50 {ring_result.endcap['p50_ms']:.2f} ms" in shown
    assert f"{ring_result.endcap['bundle_mib']:.1f} MiB" in shown
    assert "sessions:decay" in shown
    assert "session gain" not in shown
