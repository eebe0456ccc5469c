"""The gate's checks one by one, on hand-made bundles and indexes: golden scores, sizes, what a shipped index knows."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from backend.release.gate import _day, _decided, _of_itself, _share, _shipped, _sizes, _Window, _with_note, judge
from backend.release.state import ReleaseError
from backend.release.verdict import Check, Verdict
from backend.settings import Settings
from edge.core.bundle import Golden, Live, Manifest, write_bundle, write_live
from edge.core.errors import BundleError
from edge.core.index import Index
from training.metrics import RANKER

END = 20_000  # the hand-made index ends with the day before


def manifest(version: str = "v2", **changed: Any) -> Manifest:
    """A bundle whose model scores its two golden rows with 1 and 2."""
    golden = Golden([[1.0], [2.0]], [1.0, 2.0])
    made = Manifest(version, "demo", "2026-01-01T00:00:00+00:00", (), {}, {}, golden, {}, {}, {})
    return msgspec.structs.replace(made, **changed)


def scoring(shift: float = 0.0) -> Any:
    """A model that gives back its only feature, or somewhat more."""
    return SimpleNamespace(ranker=SimpleNamespace(scores=lambda rows: rows[:, 0] + shift), version="v1")


def window(before: Index, *, fair: bool = True) -> _Window:
    """Some days without questions."""
    return _Window(END, END + 7, (), before, fair)


def passed(checks: Any) -> dict[str, bool]:
    """By name."""
    return {check.name: check.passed for check in checks}


@pytest.mark.parametrize(("shift", "trained", "fine"), [(0, 0.0, True), (0, 2e-5, False), (1e-3, 0.0, False)])
def test_scores_must_be_those_the_trainer_measured(shift: float, trained: float, fine: bool) -> None:
    """Here and over the trainer's own rows; the worse of both is what is told."""
    (parity, popular) = _of_itself(manifest(data={"parity": trained}), scoring(shift))
    assert (parity.passed, popular.passed) == (fine, True)
    assert parity.candidate == pytest.approx(max(shift, trained), rel=1e-2)
    assert parity.limit == "1e-05"


@pytest.mark.parametrize(
    ("ours", "high", "low", "fine"),
    [(0.2, 0.25, 0.22, True), (0.2, 0.21, 0.22, False), (0.2, 0.22, 0.22, True)],
)
def test_a_shelf_surely_behind_the_popular_list_is_refused(ours: float, high: float, low: float, fine: bool) -> None:
    """Where the intervals do not meet; the shelf is named with both figures."""
    both = {RANKER: {"ndcg@10": ours, "ndcg@10_high": high}, "popularity": {"ndcg@10": 0.24, "ndcg@10_low": low}}
    metrics = {"for_you": both, "buy_again": {}}
    (_, popular) = _of_itself(manifest(metrics=metrics), scoring())
    assert popular.passed is fine
    assert ("for_you 0.2000, popularity 0.2400" in popular.reason) is not fine


def test_a_bundle_may_grow_but_not_swell(tmp_path: Path) -> None:
    """By a ratio, and a small one by a mebibyte whatever the ratio; the manifest does not count."""
    for version, size in (("v1", 2 << 20), ("v2", 3 << 20), ("v3", 4 << 20)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "index.npz").write_bytes(b"\0" * size)
    (tmp_path / "v2" / "manifest.json").write_bytes(b"\0" * (9 << 20))
    settings = Settings(gate_larger=1.2)
    (within,) = _sizes(tmp_path, "v2", scoring(), settings)
    assert within.passed, "one mebibyte more is nobody's concern"
    (beyond,) = _sizes(tmp_path, "v3", scoring(), settings)
    assert (beyond.passed, beyond.live, beyond.candidate) == (False, 2.0, 4.0)
    assert "4.0 MiB, 2.00 times the live bundle" in beyond.reason
    (allowed,) = _sizes(tmp_path, "v3", scoring(), Settings(gate_larger=2.0))
    assert allowed.passed
    assert list(_sizes(tmp_path, "v3", None, settings)) == []


def test_an_index_knows_what_it_knew(index: Index) -> None:
    """Beside itself nothing is lacking; a smaller past cannot be lacking either."""
    (check,) = _shipped(index, window(index), END)
    assert (check.passed, check.candidate, check.limit) == (True, 1.0, "98%")
    assert check.reason == "it knows what an index of the days before the window knows"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sold": np.array([1, 50, 30, 60, 20, 10, 0, 5], np.float32)}, "82% of the sales"),
        ({"popular": np.array([3, 1], np.int32)}, "29% of the popular"),
        ({"ids": np.array([b"x%d" % at for at in range(8)], np.bytes_)}, "0% of the sales; 8 products are missing"),
        ({"as_of": np.array([19_990], np.float32)}, "it ends at 2024-09-23, the data at 2024-10-03"),
    ],
)
def test_an_index_that_forgot_is_refused(
    arrays: dict[str, NDArray[Any]], index: Index, change: dict[str, Any], words: str
) -> None:
    """By what it lacks: sales, popular products, whole products, the last days."""
    (check,) = _shipped(Index.from_arrays(arrays | change), window(index), END)
    assert not check.passed
    assert words in check.reason


def test_a_newer_end_is_no_fault(arrays: dict[str, NDArray[Any]], index: Index) -> None:
    """The data may have grown since the candidate was made, or been cut."""
    later = Index.from_arrays(arrays | {"as_of": np.array([20_050], np.float32)})
    assert passed(_shipped(later, window(index), END)) == {"shipped index": True}


def test_a_verdict_passes_when_every_check_does() -> None:
    """With the days asked about, both inclusive; notes stay."""
    noted = _with_note(Verdict("v2", "v1", False, (), notes=("one",)), "two")
    good, bad = Check("a", True, "fine"), Check("b", False, "not fine")
    assert _decided(noted, [good]).passed
    refused = _decided(noted, [good, bad], window(None))  # type: ignore[arg-type]  # because the index is not asked
    assert (refused.passed, refused.refusals) == (False, ("b: not fine",))
    assert refused.window == ("2024-10-04", "2024-10-10")
    assert refused.notes == ("one", "two")


def test_progress_of_asking_lies_between_its_neighbours() -> None:
    """From two fifths to 95 %; no questions divide nothing."""
    told: list[tuple[str, float]] = []
    for total, done in ((10, 0), (10, 10), (0, 0)):
        _share(lambda stage, share: told.append((stage, round(share, 6))), "asking", total)(done)
    assert told == [("asking", 0.4), ("asking", 0.95), ("asking", 0.4)]


@pytest.mark.parametrize("data", [{}, {"last_day": "yesterday"}, {"last_day": 20}])
def test_a_manifest_that_says_no_day_is_an_error(data: dict[str, Any]) -> None:
    """With the version, what is missing, and what to do."""
    with pytest.raises(BundleError, match="bundle v2 does not say last_day; train again"):
        _day(manifest(data=data), "last_day")
    assert _day(manifest(data={"last_day": "2024-10-04"}), "last_day") == END


def test_the_live_model_is_no_candidate(tmp_path: Path) -> None:
    """Nor is a bundle that is not there; both before anything is read."""
    settings = Settings(data_dir=tmp_path, shop="demo")
    write_bundle(settings.bundles_dir, manifest("v1"), {})
    write_live(settings.bundles_dir, "demo", Live("v1"))
    nothing: Any = None
    with pytest.raises(ReleaseError, match="v1 is live already; train a candidate"):
        judge(nothing, settings, "v1")
    with pytest.raises(BundleError, match="kept of shop 'demo': v1"):
        judge(nothing, settings, "v2")


def test_a_bundle_no_edge_would_load_is_refused_not_raised(tmp_path: Path) -> None:
    """The reason is a check; a live model that cannot be loaded either is a note."""
    settings = Settings(data_dir=tmp_path, shop="demo")
    for version in ("v1", "v2"):
        write_bundle(settings.bundles_dir, manifest(version), {})
    write_live(settings.bundles_dir, "demo", Live("v1"))
    nothing: Any = None
    verdict = judge(nothing, settings, "v2")
    assert (verdict.passed, verdict.live) == (False, "v1")
    assert verdict.refusals[0].startswith("parity: an edge would refuse it")
    assert "the live model cannot be compared with" in verdict.notes[0]
