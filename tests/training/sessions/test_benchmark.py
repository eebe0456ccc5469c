"""The benchmark: figures that can be worked out again from the bundle, and a test file that decides nothing."""

import os
import threading
from math import log2
from pathlib import Path

import numpy as np
import pytest

from edge.core.bundle import RANKERS, SESSIONS, read_arrays, read_manifest, verify_files
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.ranking import rank
from tests.visits import Files, Sessions, quiet, ring, write_questions, write_sessions
from training.export import TOLERANCE
from training.scorer import Scorer
from training.sessions import benchmark
from training.sessions.benchmark import Result, run
from training.sessions.clicks import Question, SessionsError, read_questions

RATES = ("hr@20", "mrr@20", "ndcg@20")


def plain_rates(lists: list[tuple[list[str], str]]) -> dict[str, float]:
    """HR, MRR and NDCG at 20 of lists and their answers, as the textbook has them."""
    hits = [(ids[:20].index(answer) + 1) if answer in ids[:20] else 0 for ids, answer in lists]
    count = len(hits)
    return {
        "hr@20": 100 * sum(hit > 0 for hit in hits) / count,
        "mrr@20": 100 * sum(1 / hit for hit in hits if hit) / count,
        "ndcg@20": 100 * sum(1 / log2(hit + 1) for hit in hits if hit) / count,
    }


def answers(bundle: Path, questions: list[Question]) -> tuple[list[list[str]], list[list[str]]]:
    """What the bundle answers to each question, by the ranker and as found."""
    index = SessionIndex.from_arrays(read_arrays(bundle, SESSIONS))
    score = Scorer((bundle / RANKERS[SESSIONS]).read_bytes()).score
    ranked, found = [], []
    for question in questions:
        given = rank(index, score, index.positions(question.clicks))
        ranked.append([index.ids[item] for item in (given.items if given else index.popular)])
        found.append([index.ids[item] for item in (given.found.items if given else index.popular)])
    return ranked, found


def test_the_figures_are_those_of_the_bundle(ring_files: Files, ring_result: Result) -> None:
    """Worked out again from the files on disk, in plain Python: ranker's order, retrieval's, recall, coverage."""
    questions = read_questions(ring_files.test)
    ranked, found = answers(ring_result.bundle, questions)
    wanted = [question.answer for question in questions]
    endcap = plain_rates(list(zip(ranked, wanted, strict=True)))
    assert {name: ring_result.endcap[name] for name in RATES} == pytest.approx(endcap)
    assert ring_result.retrieval_order == pytest.approx(plain_rates(list(zip(found, wanted, strict=True))))
    recall = sum(answer in ids for ids, answer in zip(found, wanted, strict=True)) / len(wanted)
    assert ring_result.endcap["candidate_recall"] == pytest.approx(100 * recall)
    shown = {id_ for ids in ranked for id_ in ids[:20]}
    products = {id_ for session in ring_files.sessions for id_ in session}
    assert ring_result.endcap["catalogue_coverage"] == pytest.approx(100 * len(shown) / len(products))


def test_visits_are_told_apart_by_their_clicks(ring_files: Files, ring_result: Result) -> None:
    """Of one click, two, and more: each part's figures are its own, and the parts make up the whole."""
    questions = read_questions(ring_files.test)
    ranked, _ = answers(ring_result.bundle, questions)
    parts = {"1": (1, 1), "2": (2, 2), "3 or more": (3, 999)}
    assert set(ring_result.by_clicks) == set(parts)
    for name, (least, most) in parts.items():
        part = [
            (ids, question.answer)
            for ids, question in zip(ranked, questions, strict=True)
            if least <= len(question.clicks) <= most
        ]
        assert ring_result.by_clicks[name] == pytest.approx(plain_rates(part) | {"questions": len(part)})
    assert sum(row["questions"] for row in ring_result.by_clicks.values()) == len(questions)


def test_popularity_is_measured_on_the_same_questions(ring_files: Files, ring_result: Result) -> None:
    """Worked out again from the sessions: the same list for everyone."""
    counts: dict[str, int] = {}
    for session in ring_files.sessions:
        for id_ in session:
            counts[id_] = counts.get(id_, 0) + 1
    popular = sorted(counts, key=lambda id_: (-counts[id_], len(id_), id_))[:20]
    questions = read_questions(ring_files.test)
    row = ring_result.baselines["popularity"]
    assert {name: row[name] for name in RATES} == pytest.approx(
        plain_rates([(popular, question.answer) for question in questions])
    )
    alone = plain_rates([(popular, question.answer) for question in questions if len(question.clicks) == 1])
    assert {name: row[f"one_click_{name}"] for name in RATES} == pytest.approx(alone)
    assert row["catalogue_coverage"] == pytest.approx(100 * 20 / len(counts))


def test_structure_is_found(ring_result: Result) -> None:
    """Where next clicks follow from clicks, Endcap foresees them far better than popularity, from one click on."""
    for name in RATES:
        assert ring_result.endcap[name] > 1.5 * ring_result.baselines["popularity"][name]
        assert ring_result.by_clicks["1"][name] > 1.5 * ring_result.baselines["popularity"][f"one_click_{name}"]


def test_rates_are_percentages_and_costs_are_there(ring_result: Result) -> None:
    """Every rate within 0 and 100; times, memory and size above nothing."""
    for row in (ring_result.endcap, ring_result.retrieval_order, *ring_result.baselines.values()):
        for name, value in row.items():
            if "@20" in name or name in {"candidate_recall", "catalogue_coverage"}:
                assert 0 <= value <= 100, name
    for name in ("p50_ms", "p99_ms", "training_seconds", "training_peak_mib", "bundle_mib"):
        assert ring_result.endcap[name] > 0
    assert ring_result.endcap["p50_ms"] <= ring_result.endcap["p99_ms"]
    assert ring_result.endcap["hr@20"] <= ring_result.endcap["candidate_recall"]


def test_the_data_are_counted(ring_files: Files, ring_result: Result) -> None:
    """Sessions, clicks, products, questions; and the bundle weighs what its files weigh."""
    data = ring_result.data
    assert data["training_sessions"] == len(ring_files.sessions)
    assert data["training_clicks"] == sum(map(len, ring_files.sessions))
    assert data["questions"] == sum(len(session) - 1 for session in ring_files.asked)
    assert data["questions_of_unknown_items"] == 0
    size = sum(path.stat().st_size for path in ring_result.bundle.rglob("*") if path.is_file())
    assert ring_result.endcap["bundle_mib"] == pytest.approx(size / 2**20)


def test_the_bundle_is_whole(ring_result: Result) -> None:
    """Verified file by file; a part for visits, none for shelves; golden rows that its ranker scores as told."""
    manifest = read_manifest(ring_result.bundle)
    verify_files(ring_result.bundle, manifest)
    assert manifest.sessions is not None
    assert manifest.sessions.feature_names == FEATURE_NAMES
    assert manifest.feature_names == ()
    assert not (ring_result.bundle / "ranker.onnx").exists()
    scores = Scorer((ring_result.bundle / "sessions.onnx").read_bytes()).score(
        np.array(manifest.sessions.golden.rows, np.float32)
    )
    assert scores == pytest.approx(manifest.sessions.golden.scores, abs=TOLERANCE)


def scored(bundle: Path, root: Path, lines: str) -> tuple[dict[str, float], dict[str, float]]:
    """Figures of these questions: the ranker's, retrieval's."""
    path = root / "questions.txt"
    path.write_text(lines)
    endcap, order, _ = benchmark._score_bundle(bundle, read_questions(path), quiet())
    return endcap, order


def test_a_visit_nothing_is_known_of_gets_what_is_popular(ring_result: Result, tmp_path: Path) -> None:
    """Its second most popular product is the answer: one half by MRR, whichever order is asked."""
    index = SessionIndex.from_arrays(read_arrays(ring_result.bundle, SESSIONS))
    second = index.ids[index.popular[1]]
    endcap, order = scored(ring_result.bundle, tmp_path, f"nobody nothing\t{second}\n")
    assert (endcap["hr@20"], endcap["mrr@20"]) == (100, 50)
    assert order == {name: endcap[name] for name in RATES}


def test_unknown_clicks_are_passed_over(ring_result: Result, tmp_path: Path) -> None:
    """Between known ones they change nothing."""
    for name in RATES:
        one, _ = scored(ring_result.bundle, tmp_path, "p1 p2\tp3\n")
        other, _ = scored(ring_result.bundle, tmp_path, "p1 nobody p2 nothing\tp3\n")
        assert one[name] == other[name]


def test_an_unknown_answer_counts_as_missed(ring_result: Result, tmp_path: Path) -> None:
    """It stays in the denominator: half of two."""
    known, _ = scored(ring_result.bundle, tmp_path, "p1\tp2\n")
    both, _ = scored(ring_result.bundle, tmp_path, "p1\tp2\np1\tnobody\n")
    assert known["hr@20"] == 100
    assert both["hr@20"] == 50
    assert both["mrr@20"] == pytest.approx(known["mrr@20"] / 2)


def toy(root: Path, train: Sessions, test: str) -> Result:
    """The benchmark over a data set whose answer is plain."""
    asked = root / "toy-test.txt"
    asked.write_text(test)
    return run(write_sessions(root / "toy.txt", train), asked, root / "bundles", 1, quiet())


@pytest.mark.usefixtures("quick")
def test_a_toy_whose_next_click_is_always_the_same(tmp_path: Path) -> None:
    """After tea always comes milk: 100 for Endcap. Worked out by hand for the baselines.

    Of 60 sessions `tea milk` and 20 `bread`: popular are milk, tea, bread (equals by length of the id, then text):
    tea 60, milk 60, bread 20 -> tea, milk, bread. So popularity has milk second: HR 100, MRR 50, NDCG 1/log2 3.
    Cosine and rules know of tea only milk: 100. S-KNN lists tea itself as high as milk and before it: MRR 50.
    """
    train = [["tea", "milk"]] * 60 + [["bread"]] * 20 + [["tea", "milk"]] * 20
    result = toy(tmp_path, train, "tea\tmilk\n" * 5)
    assert {result.endcap[name] for name in RATES} == {100.0}
    second = {"hr@20": 100, "mrr@20": 50, "ndcg@20": 100 / log2(3)}
    wanted = {
        "popularity": second,
        "item_cosine": dict.fromkeys(RATES, 100.0),
        "sequential_rules": dict.fromkeys(RATES, 100.0),
        "session_knn": second,
    }
    for method, row in wanted.items():
        assert {name: result.baselines[method][name] for name in RATES} == pytest.approx(row), method
    assert result.endcap["candidate_recall"] == 100
    assert result.data["questions"] == 5


@pytest.mark.usefixtures("quick")
def test_a_toy_with_one_question_of_four_that_can_be_answered(tmp_path: Path) -> None:
    """Milk after tea; never bread after tea, an unknown product, or tea after an unknown one that is not popular."""
    train = [["tea", "milk"]] * 100
    result = toy(tmp_path, train, "tea\tmilk\ntea\tbread\ntea\tnobody\nnobody\tnothing\n")
    assert {result.endcap[name] for name in RATES} == {25.0}
    assert result.by_clicks["1"] == {"hr@20": 25, "mrr@20": 25, "ndcg@20": 25, "questions": 4}
    assert result.by_clicks["2"] == {"hr@20": 0, "mrr@20": 0, "ndcg@20": 0, "questions": 0}
    assert result.data["questions_of_unknown_items"] == 3
    assert result.baselines["sequential_rules"]["hr@20"] == 25


@pytest.mark.usefixtures("quick")
def test_the_test_file_is_opened_only_when_the_bundle_is_written(tmp_path: Path) -> None:
    """It is a pipe: whoever writes into it is held until it is opened for reading, and then finds the bundle there."""
    train = write_sessions(tmp_path / "train.txt", ring(100, seed=3, products=20))
    pipe, bundles = tmp_path / "test.txt", tmp_path / "bundles"
    os.mkfifo(pipe)
    seen: list[list[str]] = []

    def feed() -> None:
        with pipe.open("w") as file:
            seen.append([path.name for path in bundles.glob("benchmark/*/manifest.json")])
            file.write("p1\tp2\n")

    writer = threading.Thread(target=feed, daemon=True)
    writer.start()
    result = run(train, pipe, bundles, 1, quiet())
    writer.join(timeout=60)
    assert seen == [["manifest.json"]]
    assert result.data["questions"] == 1


@pytest.mark.usefixtures("quick")
def test_a_missing_test_file_is_missed_only_after_the_bundle(tmp_path: Path) -> None:
    """The bundle is whole and can be used all the same."""
    train = write_sessions(tmp_path / "train.txt", ring(100, seed=3, products=20))
    with pytest.raises(SessionsError, match=r"nowhere\.txt cannot be read"):
        run(train, tmp_path / "nowhere.txt", tmp_path / "bundles", 1, quiet())
    (bundle,) = (tmp_path / "bundles" / "benchmark").iterdir()
    verify_files(bundle, read_manifest(bundle))


@pytest.mark.usefixtures("quick")
def test_the_test_file_decides_nothing(ring_files: Files, ring_result: Result, tmp_path: Path) -> None:
    """Another one, with quite other answers: the same settings, the same forest, the same arrays, byte for byte."""
    backwards = write_questions(tmp_path / "test.txt", [session[::-1] for session in ring_files.sessions[:30]])
    other = run(ring_files.train, backwards, tmp_path / "bundles", 1, quiet())
    assert other.endcap["hr@20"] != ring_result.endcap["hr@20"]
    assert read_manifest(other.bundle).files == read_manifest(ring_result.bundle).files
    chosen = {name: value for name, value in other.data.items() if name.startswith("session")}
    assert chosen == {name: value for name, value in ring_result.data.items() if name.startswith("session")}
    for forest, row in other.tried.items():
        assert {rate: row[rate] for rate in RATES} == {rate: ring_result.tried[forest][rate] for rate in RATES}
