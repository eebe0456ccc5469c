"""The benchmark of next clicks: train on one file, score another through the bundle, beside baselines.

In: a training and a test file (`training.sessions.clicks`). Out: `Result`. The test file is read only when the bundle
is written: everything is chosen on the newest sessions of the training file.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from edge.core.bundle import (
    RANKERS,
    SESSIONS,
    Golden,
    Manifest,
    Part,
    new_version,
    read_arrays,
    read_manifest,
    verify_files,
    write_bundle,
)
from edge.core.index import Ints
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.ranking import rank
from training.memory import peak_mib
from training.scorer import Scorer
from training.sessions import model
from training.sessions.baselines import Baselines
from training.sessions.clicks import Clicks, Question, read_questions, read_sessions
from training.sessions.measure import LISTED, place_of, rates
from training.stages import Stages

_READ, _SCORE = "reading the training file", "scoring the test file through the bundle"
STAGES = {_READ: 2.0, **model.STAGES, _SCORE: 60.0, "scoring the baselines": 120.0}
_BASELINES = "scoring the baselines"

Row = dict[str, float]


@dataclass(frozen=True)
class Result:
    """Rates in percent, times in milliseconds, sizes in MiB; what training chose is in `data`."""

    endcap: Row
    retrieval_order: Row
    by_clicks: dict[str, Row]  # questions of one click, of two, of more
    baselines: dict[str, Row]
    data: dict[str, str | int | float]
    tried: dict[str, Row]  # forests on the newest part of the training file
    bundle: Path


def run(train: Path, test: Path, bundles: Path, threads: int, stages: Stages) -> Result:
    """Train, write the bundle under `bundles`, score it and the baselines. Raises EndcapError naming what is wrong."""
    with stages.stage(_READ):
        clicks = read_sessions(train)
    began = time.monotonic()
    trained = model.train(clicks, threads, stages)
    seconds = time.monotonic() - began
    directory = write_bundle(
        bundles, model.told(_manifest(), trained), {SESSIONS: Part(trained.exported.ranker, trained.arrays)}
    )
    memory = peak_mib()
    questions = read_questions(test)
    known = set(clicks.ids)
    endcap, order, by_clicks = _score_bundle(directory, questions, stages)
    endcap |= {
        "training_seconds": seconds,
        "training_peak_mib": memory,
        "bundle_mib": sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 2**20,
    }
    return Result(
        endcap=endcap,
        retrieval_order=order,
        by_clicks=by_clicks,
        baselines=_score_baselines(clicks, questions, stages),
        data={
            "training_sessions": len(clicks),
            "training_clicks": len(clicks.items),
            "items": len(clicks.ids),
            "questions": len(questions),
            "questions_of_unknown_items": sum(question.answer not in known for question in questions),
            **model.said(trained),
        },
        tried={f"{forest.trees} x {forest.leaves}": row for forest, row in trained.tried.items()},
        bundle=directory,
    )


def _score_bundle(directory: Path, questions: list[Question], stages: Stages) -> tuple[Row, Row, dict[str, Row]]:
    """The test file through what serves: the bundle's own files, read back and verified."""
    verify_files(directory, read_manifest(directory))
    index = SessionIndex.from_arrays(read_arrays(directory, SESSIONS))
    score = Scorer((directory / RANKERS[SESSIONS]).read_bytes()).score
    places = np.empty(len(questions), np.int64)
    unranked, seconds = np.empty_like(places), np.empty(len(questions))
    found, shown = 0, np.zeros(len(index.ids), np.bool_)
    # One core, as an edge worker serves: for matrices this small a second BLAS thread costs more than it gives.
    with stages.stage(_SCORE, len(questions)) as advance, threadpool_limits(limits=1):
        for at, question in enumerate(questions):
            clicks, answer = index.positions(question.clicks), index.position.get(question.answer, -1)
            start = time.perf_counter()
            ranked = rank(index, score, clicks)
            seconds[at] = time.perf_counter() - start
            items, order = (ranked.items, ranked.found.items) if ranked else (index.popular, index.popular)
            places[at], unranked[at] = place_of(answer, items), place_of(answer, order)
            found += bool((order == answer).any())
            shown[items[:LISTED]] = True
            if not at % 500:
                advance(at)
    p50, p99 = np.quantile(seconds * 1000, (0.5, 0.99))
    reach = {
        "candidate_recall": 100 * found / len(questions),
        "catalogue_coverage": 100 * float(shown.mean()),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
    }
    lengths = np.array([len(question.clicks) for question in questions])
    parts = {"1": lengths == 1, "2": lengths == 2, "3 or more": lengths > 2}
    by_clicks = {name: rates(places[part]) | {"questions": float(part.sum())} for name, part in parts.items()}
    return rates(places) | reach, rates(unranked), by_clicks


def _score_baselines(clicks: Clicks, questions: list[Question], stages: Stages) -> dict[str, Row]:
    baselines = Baselines.of(clicks)
    methods = baselines.methods()
    position = {id_: at for at, id_ in enumerate(clicks.ids)}
    rows = {}
    with stages.stage(_BASELINES, len(questions) * len(methods)) as advance:
        for done, (name, method) in enumerate(methods.items()):
            rows[name] = _score_baseline(method, baselines.popular, questions, position, clicks)
            advance(len(questions) * (done + 1))
    return rows


def _score_baseline(
    method: Callable[[Ints], Ints], popular: Ints, questions: list[Question], position: dict[str, int], clicks: Clicks
) -> Row:
    places, one_click, shown = [], [], np.zeros(len(clicks.ids), np.bool_)
    for question in questions:
        given = np.array([position[id_] for id_ in question.clicks if id_ in position], np.int32)
        items = method(given) if len(given) else popular
        places.append(place_of(position.get(question.answer, -1), items))
        shown[items] = True
        if len(question.clicks) == 1:
            one_click.append(places[-1])
    alone = {f"one_click_{name}": value for name, value in rates(one_click).items()}
    return rates(places) | {"catalogue_coverage": 100 * float(shown.mean())} | alone


def _manifest() -> Manifest:
    return Manifest(
        version=new_version(),
        shop="benchmark",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        feature_names=(),  # no shop was learned: this bundle foresees clicks and serves no shelves
        files={},
        onnx={},
        golden=Golden([], []),
        metrics={},
        readiness={},
        data={},
    )
