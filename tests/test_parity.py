"""Train and serve agree: a row learned from is the row serving builds, and ONNX scores it as LightGBM does."""

import numpy as np
import onnxruntime as ort
import pytest

from edge.core import features, retrieval
from edge.core.bundle import INDEX, RANKERS, SESSIONS, read_arrays
from edge.core.codec import decode_profile, encode_profile
from edge.core.index import Index
from edge.core.profile import Profile, apply
from edge.core.sessions import features as session_features
from edge.core.sessions.index import SessionIndex
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from edge.scoring import Ranker
from tests.visits import Files
from training.dataset import Dataset
from training.examples import labelled, queries, rows, stack
from training.export import TOLERANCE, exact, export
from training.moments import Moment
from training.pipeline import Outcome
from training.ranker import train
from training.scorer import Scorer
from training.sessions.benchmark import Result
from training.sessions.clicks import read_sessions
from training.sessions.examples import asked
from training.sessions.examples import rows as session_rows
from training.sessions.ranker import Forest
from training.sessions.ranker import train as session_train


def test_a_training_row_is_the_serving_vector(shop_dir: Dataset, known: Index, moments: list[Moment]) -> None:
    """A shopper's events through apply, codec, candidates and features give the training rows, bit for bit."""
    moment = max(moments, key=lambda one: len(one.past))
    (events,) = [events for _, shopper, events in shop_dir.replay() if shopper == moment.shopper]
    stored = encode_profile(Profile(shop="demo", shopper=moment.shopper))
    for event in events:
        if event.id == moment.order:
            break
        # As the backend does it: read, change, write.
        profile = decode_profile(stored)
        apply(profile, event, event.time.timestamp())
        stored = encode_profile(profile)
    served = retrieval.History.of(known, decode_profile(stored))
    for query in queries(known, moment):
        context = retrieval.Context(query.context.anchors, query.context.recent, served, moment.day)
        found = retrieval.candidates(known, query.slot, context)
        trained, rows_, _ = labelled(known, query)
        np.testing.assert_array_equal(found.items, trained.items)
        np.testing.assert_array_equal(features.build(known, query.slot, context, found), rows_)


def test_onnx_scores_what_lightgbm_scores(known: Index, moments: list[Moment]) -> None:
    """Over at least a thousand real rows the exported forest differs by 1e-5 at most."""
    learned = stack(list(rows(known, moments)))
    booster = train(learned, threads=1)
    exported = export(booster, learned.features)
    assert exported.rows >= 1_000
    assert exported.parity <= TOLERANCE
    difference = Scorer(exported.ranker).score(learned.features) - booster.predict(learned.features, num_threads=1)
    assert np.abs(difference).max() <= TOLERANCE


def test_values_on_a_threshold_go_the_same_way(known: Index, moments: list[Moment]) -> None:
    """Rows that lie exactly on the forest's thresholds, where rounding would flip them, score the same too."""
    learned = stack(list(rows(known, moments)))
    booster = train(learned, threads=1)
    nodes = booster.trees_to_dataframe().dropna(subset=["threshold"])
    nodes = nodes[nodes["threshold"].abs() > 1e-30]  # LightGBM's own stand-in for zero is no value a feature takes
    base = np.repeat(learned.features[:1], len(nodes), axis=0)
    column = [features.FEATURE_NAMES.index(name) for name in nodes["split_feature"]]
    base[np.arange(len(nodes)), column] = nodes["threshold"].to_numpy().astype(np.float32)
    np.testing.assert_array_equal(exact(booster).predict(base, num_threads=1), booster.predict(base, num_threads=1))
    assert export(booster, base).parity <= TOLERANCE


def test_a_shipped_bundle_scores_its_golden_rows(outcome: Outcome) -> None:
    """The manifest's golden rows, put through the shipped file, give the manifest's scores."""
    golden = outcome.manifest.golden
    assert len(golden.rows) >= 16
    session = ort.InferenceSession(str(outcome.directory / RANKERS[INDEX]), providers=["CPUExecutionProvider"])
    scores = Scorer((outcome.directory / RANKERS[INDEX]).read_bytes()).score(np.array(golden.rows, np.float32))
    assert session.get_inputs()[0].shape[1] == len(features.FEATURE_NAMES)
    assert scores == pytest.approx(golden.scores, abs=golden.tolerance)


def test_a_shipped_index_answers_from_the_memory_map(outcome: Outcome, moments: list[Moment]) -> None:
    """Arrays mapped from disk give candidates for every measured shelf, without one being copied or changed."""
    mapped = read_arrays(outcome.directory)
    index = Index.from_arrays(mapped)
    answered = {query.slot for moment in moments for query in queries(index, moment) if len(labelled(index, query)[1])}
    assert answered == {"bought_together", "cart_complements", "for_you", "buy_again"}
    assert np.shares_memory(index.pair_items, mapped["pair_items"])
    assert not index.pair_items.flags.writeable


def test_a_row_of_next_clicks_is_the_serving_vector(ring_files: Files, ring_result: Result) -> None:
    """Rows learned from equal those built through the bundle's arrays, mapped from disk, for every question."""
    clicks = read_sessions(ring_files.train)
    mapped = SessionIndex.from_arrays(read_arrays(ring_result.bundle, SESSIONS))
    copied = {name: np.array(array) for name, array in read_arrays(ring_result.bundle, SESSIONS).items()}
    kept = SessionIndex.from_arrays(copied)
    questions = asked(clicks, 0, 40)
    learned = session_rows(kept, questions, negatives=10**6)
    start = 0
    for given, answer in questions:
        names = [clicks.ids[item] for item in given]
        visit = Visit.of(mapped.positions(names))
        found = candidates(mapped, visit)
        if answer not in found.items:
            continue
        served = session_features.build(mapped, visit, found)
        np.testing.assert_array_equal(learned.features[start : start + len(served)], served)
        start += len(served)
    assert start == len(learned.features) > 0
    assert not mapped.session_items.flags.writeable


def test_onnx_scores_next_clicks_as_lightgbm_does(ring_files: Files, ring_result: Result) -> None:
    """Over the rows of all sessions, a forest grown on them differs by 1e-5 at most, also on its thresholds."""
    clicks = read_sessions(ring_files.train)
    index = SessionIndex.from_arrays(read_arrays(ring_result.bundle, SESSIONS))
    learned = session_rows(index, asked(clicks, 0, 150))
    booster = session_train(learned, Forest(30, 15), threads=1)
    exported = export(booster, learned.features)
    assert exported.rows >= 1_000
    difference = Scorer(exported.ranker).score(learned.features) - booster.predict(learned.features, num_threads=1)
    assert np.abs(difference).max() <= TOLERANCE
    nodes = booster.trees_to_dataframe().dropna(subset=["threshold"])
    nodes = nodes[nodes["threshold"].abs() > 1e-30]
    base = np.repeat(learned.features[:1], len(nodes), axis=0)
    column = [session_features.FEATURE_NAMES.index(name) for name in nodes["split_feature"]]
    base[np.arange(len(nodes)), column] = nodes["threshold"].to_numpy().astype(np.float32)
    np.testing.assert_array_equal(exact(booster).predict(base, num_threads=1), booster.predict(base, num_threads=1))
    assert export(booster, base).parity <= TOLERANCE


def test_the_edge_scores_next_clicks_as_the_trainer_does(ring_result: Result) -> None:
    """The runtime's two set-ups, the edge's and the trainer's, give the same bits for one row and for many."""
    model = (ring_result.bundle / RANKERS[SESSIONS]).read_bytes()
    rows_ = np.random.default_rng(3).uniform(-1, 50, (120, len(session_features.FEATURE_NAMES))).astype(np.float32)
    served = Ranker.from_bytes(model).scores(rows_)
    np.testing.assert_array_equal(served, Scorer(model).score(rows_))
    np.testing.assert_array_equal(served[:1], Ranker.from_bytes(model).scores(rows_[:1]))
