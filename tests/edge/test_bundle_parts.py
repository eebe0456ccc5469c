"""Bundles that foresee next clicks, too: both parts are verified before they serve, either may refuse the bundle."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edge.core.bundle import (
    INDEX,
    RANKERS,
    SESSIONS,
    Golden,
    Live,
    Manifest,
    Part,
    SessionsPart,
    read_arrays,
    read_manifest,
    write_bundle,
    write_live,
)
from edge.core.errors import BundleError
from edge.core.ids import id_arrays
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import ARRAYS
from edge.core.sessions.ranking import rank
from edge.scoring import LiveModel, load_model
from training.pipeline import Outcome
from training.scorer import Scorer
from training.sessions.benchmark import Result

ZERO = [0.0] * len(FEATURE_NAMES)


def stretched(arrays: Mapping[str, NDArray[Any]], ids: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The same arrays for more products, the further ones never clicked: both parts number products alike."""
    more = len(ids) - len(arrays["ids"])
    rows = {name: np.pad(arrays[name], ((0, more), (0, 0))) for name in ("vectors", "popularity")}
    starts = {name: np.pad(arrays[name], (0, more), "edge") for name in ("item_session_ptr", "next_ptr")}
    return {**arrays, **rows, **starts, "ids": ids}


@pytest.fixture
def both(outcome: Outcome, ring_result: Result, tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle with the small shop's shelves and the ring's visits; what is named is put in place of its own."""

    def write(version: str = "both", **changed: Any) -> Path:
        shop, clicks = read_manifest(outcome.directory), read_manifest(ring_result.bundle)
        told = clicks.sessions
        assert told is not None
        sessions = SessionsPart(
            changed.get("feature_names", told.feature_names), told.onnx, changed.get("golden", told.golden)
        )
        ranker = changed.get("ranker", (ring_result.bundle / RANKERS[SESSIONS]).read_bytes())
        shelves = read_arrays(outcome.directory)
        clicked = read_arrays(ring_result.bundle, SESSIONS)
        ids = np.concatenate([clicked["ids"], shelves["ids"][len(clicked["ids"]) :]])
        arrays = stretched(clicked, ids) | changed.get("arrays", {})
        parts = {
            INDEX: Part((outcome.directory / RANKERS[INDEX]).read_bytes(), shelves | {"ids": ids} | id_arrays(ids)),
            SESSIONS: Part(ranker, {name: array for name, array in arrays.items() if array is not None}),
        }
        values = {name: getattr(shop, name) for name in Manifest.__struct_fields__}
        manifest = Manifest(**(values | {"version": version, "sessions": sessions}))
        return write_bundle(tmp_path / "bundles", manifest, parts)

    return write


def test_a_bundle_of_both_parts_serves_both(both: Callable[..., Path]) -> None:
    """Shelves as before, and next clicks scored as measured."""
    model = load_model(both())
    assert model.next_clicks is not None
    assert model.manifest.sessions is not None
    golden = model.manifest.sessions.golden
    scores = model.next_clicks.ranker.scores(np.array(golden.rows, np.float32))
    assert np.abs(scores - golden.scores).max() <= golden.tolerance
    assert "p1" in model.next_clicks.index.position
    assert model.next_clicks.index.ids is model.index.ids, "held once"


def test_parts_that_number_products_differently_are_refused(both: Callable[..., Path]) -> None:
    """A position found by one part is looked up in the other."""
    ids = read_arrays(both("good"), SESSIONS)["ids"]
    with pytest.raises(BundleError, match="number products differently"):
        load_model(both("other", arrays={"ids": ids[::-1]}))


def test_the_edge_ranks_as_the_benchmark_does(both: Callable[..., Path], ring_result: Result) -> None:
    """The served ranker and the one measured give the same order and the same scores."""
    model = load_model(both())
    assert model.next_clicks is not None
    index = model.next_clicks.index
    measured = Scorer((ring_result.bundle / RANKERS[SESSIONS]).read_bytes()).score
    for clicks in (["p1"], ["p5", "p6"], ["p9", "p3", "p9", "p10"]):
        served = rank(index, model.next_clicks.ranker.scores, index.positions(clicks))
        wanted = rank(index, measured, index.positions(clicks))
        assert served is not None
        assert wanted is not None
        assert served.items.tolist() == wanted.items.tolist()
        np.testing.assert_array_equal(served.scores, wanted.scores)


def test_the_next_product_of_the_ring_is_foreseen(both: Callable[..., Path]) -> None:
    """After p10, p11 and p12 comes p13, among the first three."""
    model = load_model(both())
    assert model.next_clicks is not None
    index = model.next_clicks.index
    ranked = rank(index, model.next_clicks.ranker.scores, index.positions(["p10", "p11", "p12"]))
    assert ranked is not None
    assert "p13" in [index.ids[item] for item in ranked.items[:3]]


def test_a_bundle_without_visits_foresees_nothing(outcome: Outcome) -> None:
    """Its shelves serve as ever."""
    assert load_model(outcome.directory).next_clicks is None


def test_a_bundle_of_visits_alone_serves_no_shop(ring_result: Result) -> None:
    """The benchmark's bundle has no shelves: refused with a reason, not with a traceback."""
    with pytest.raises(BundleError, match=r"ranker\.onnx was made for other features"):
        load_model(ring_result.bundle)


def flip(path: Path) -> None:
    """One bit, in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["sessions.onnx", "sessions/vectors.npy", "sessions/session_items.npy"])
def test_damaged_and_missing_files_are_named(both: Callable[..., Path], name: str) -> None:
    """As those of the shelves are."""
    flip(both("damaged") / name)
    (both("missing") / name).unlink()
    root = both("good").parent
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        load_model(root / "damaged")
    with pytest.raises(BundleError, match=f"missing or unlisted: {name}"):
        load_model(root / "missing")
    assert load_model(root / "good").next_clicks is not None


def test_a_ranker_for_other_features_is_refused(both: Callable[..., Path]) -> None:
    """A name that is not known here, or the same names in another order."""
    with pytest.raises(BundleError, match=r"sessions\.onnx was made for other features .*colour"):
        load_model(both("renamed", feature_names=(*FEATURE_NAMES[:-1], "colour")))
    with pytest.raises(BundleError, match=r"sessions\.onnx was made for other features \(their order\)"):
        load_model(both("turned", feature_names=FEATURE_NAMES[::-1]))


@pytest.mark.parametrize(
    ("golden", "reason"),
    [
        (Golden([], []), "golden rows have shape"),
        (Golden([[1.0, 2.0]], [0.0]), "golden rows have shape"),
        (Golden([ZERO, ZERO], [0.0]), "golden rows have shape"),
        (Golden([ZERO], [99.0]), "golden scores differ by"),
        (Golden([ZERO], [float("nan")]), "golden"),
    ],
    ids=["none", "of other width", "more rows than scores", "other scores", "no number"],
)
def test_a_ranker_that_does_not_score_as_measured_is_refused(
    both: Callable[..., Path], golden: Golden, reason: str
) -> None:
    """Checksums fit, the numbers do not; the error names the ranker that is meant."""
    with pytest.raises(BundleError, match=rf"sessions\.onnx.*{reason}|incomplete.*golden"):
        load_model(both(golden=golden))


def test_the_ranker_of_the_shelves_is_no_ranker_of_visits(both: Callable[..., Path], outcome: Outcome) -> None:
    """It wants other columns: its golden rows fail."""
    with pytest.raises(BundleError, match=r"sessions\.onnx"):
        load_model(both(ranker=(outcome.directory / RANKERS[INDEX]).read_bytes()))


@pytest.mark.parametrize("body", [b"", b"not onnx at all"])
def test_a_foreign_file_is_refused(both: Callable[..., Path], body: bytes) -> None:
    """Listed with a checksum that fits, but no model."""
    with pytest.raises(BundleError):
        load_model(both(ranker=body))


def test_a_ranker_with_forbidden_operators_is_refused(both: Callable[..., Path], ring_result: Result) -> None:
    """Before the runtime sees it."""
    model = onnx.load(ring_result.bundle / RANKERS[SESSIONS])
    model.graph.node[0].domain = "com.example"
    with pytest.raises(BundleError, match=r"com\.example"):
        load_model(both(ranker=model.SerializeToString()))


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_a_missing_array_is_named(both: Callable[..., Path], name: str) -> None:
    """Never written, so that no checksum misses it."""
    with pytest.raises(BundleError, match=f"'{name}' is missing"):
        load_model(both(arrays={name: None}))


def test_arrays_that_do_not_fit_are_refused(both: Callable[..., Path]) -> None:
    """Vectors of fewer products than there are ids."""
    with pytest.raises(BundleError, match="'vectors' has 3 rows"):
        load_model(both(arrays={"vectors": np.zeros((3, 2), np.float16)}))


def test_a_bad_part_of_visits_leaves_the_old_model_serving(both: Callable[..., Path]) -> None:
    """The whole bundle is refused, shelves included, with the reason; mended, it is taken."""
    good, bad = both("good"), both("bad")
    root = good.parent.parent
    (bad / "sessions.onnx").rename(root / "kept.onnx")
    live = LiveModel(root, "demo")
    write_live(root, "demo", Live("good"))
    assert live.refresh()
    write_live(root, "demo", Live("bad"))
    assert not live.refresh()
    assert live.current is not None
    assert live.current.version == "good"
    assert "sessions.onnx" in str(live.refused)
    shutil.copy(root / "kept.onnx", bad / "sessions.onnx")
    assert live.refresh()
    assert live.current.version == "bad"
    assert live.refused is None
