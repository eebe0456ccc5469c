"""The gate: a model as good as the live one passes; worse, broken, larger, slower and forgetful ones are refused."""

import shutil
from pathlib import Path
from typing import Any

import lightgbm as lgb
import msgspec
import numpy as np
import pytest

from backend.release import verdict as verdicts
from backend.release.gate import judge
from backend.release.state import ReleaseError
from backend.release.verdict import Verdict
from edge.core.bundle import INDEX, RANKERS, read_manifest
from edge.core.errors import BundleError, EndcapError
from training.dataset import Dataset
from training.export import export
from training.pipeline import Outcome


def failed(verdict: Verdict) -> list[str]:
    """The names of the checks that were not passed."""
    return [check.name for check in verdict.checks if not check.passed]


def test_the_newer_model_passes(releases: Any, shop_dir: Dataset) -> None:
    """Both are asked about days that neither knows, the live one with the index it serves with."""
    verdict = judge(shop_dir, releases.settings, releases.newer)
    # How long a shelf takes is measured on a machine that does other things, too; see the test of the race.
    assert set(failed(verdict)) <= {"latency"}
    live, newer = (read_manifest(releases.shop / one).data for one in (releases.live, releases.newer))
    assert verdict.window is not None
    assert verdict.window[0] > str(live["last_day"])
    assert verdict.window[0] >= str(newer["measured_from"])
    assert verdict.window[1] == newer["last_day"]
    assert verdict.notes == ()
    assert {shelf.slot for shelf in verdict.shelves} == {"for_you", "buy_again", "bought_together", "cart_complements"}
    for shelf in verdict.shelves:
        assert shelf.low <= shelf.difference <= shelf.high
        assert shelf.difference == pytest.approx(shelf.candidate - shelf.live)


def test_the_same_model_again_passes_with_no_difference(releases: Any, shop_dir: Dataset) -> None:
    """Trained on the same data: both forests get the same early index, and every figure is the same."""
    twin = releases.add()
    shutil.rmtree(releases.shop / releases.live)
    (releases.shop / "live.json").write_text(f'{{"live": "{releases.newer}"}}')
    verdict = judge(shop_dir, releases.settings, twin)
    assert set(failed(verdict)) <= {"latency"}
    assert all((shelf.difference, shelf.low, shelf.high) == (0, 0, 0) for shelf in verdict.shelves)
    assert "same index" in verdict.notes[0]


def test_shuffled_labels_are_refused(releases: Any, shop_dir: Dataset, confused: Outcome) -> None:
    """A forest that learned nothing: the shelves are surely worse, and each reason says by how much."""
    bad = releases.add((confused.directory / RANKERS[INDEX]).read_bytes(), golden=confused.manifest.golden)
    verdict = judge(shop_dir, releases.settings, bad)
    assert not verdict.passed
    assert "ndcg@10 for_you" in failed(verdict)
    assert any("surely worse" in reason for reason in verdict.refusals)


def test_a_truncated_index_is_refused(releases: Any, shop_dir: Dataset, short_arrays: Any) -> None:
    """The forest is good, the index that would ship has forgotten most: what is measured is not what would serve."""
    verdict = judge(shop_dir, releases.settings, releases.add(arrays=short_arrays))
    assert failed(verdict) == ["shipped index"] or set(failed(verdict)) == {"shipped index", "latency"}
    (reason,) = (one for one in verdict.refusals if one.startswith("shipped index"))
    assert "sales" in reason
    assert "it ends at" in reason


def test_data_that_grew_since_are_no_fault(releases: Any, shop_dir: Dataset) -> None:
    """A candidate of older data is asked about the days since, too, and its index may end where its data did."""
    twin = releases.add()
    manifest = read_manifest(releases.shop / releases.live)
    source = releases.shop / releases.live
    shutil.rmtree(releases.shop / twin)
    shutil.copytree(source, releases.shop / twin)
    told = msgspec.structs.replace(manifest, version=twin)
    (releases.shop / twin / "manifest.json").write_bytes(msgspec.json.encode(told))
    verdict = judge(shop_dir, releases.settings, twin)
    assert set(failed(verdict)) <= {"latency"}
    assert verdict.window is not None
    assert verdict.window[0] > str(manifest.data["last_day"])


def test_broken_parity_is_refused(releases: Any, shop_dir: Dataset) -> None:
    """Golden scores that this machine does not compute: no edge would take it."""
    golden = read_manifest(releases.shop / releases.newer).golden
    moved = msgspec.structs.replace(golden, scores=[score + 0.01 for score in golden.scores])
    verdict = judge(shop_dir, releases.settings, releases.add(golden=moved))
    assert failed(verdict) == ["parity"]
    assert "golden" in verdict.refusals[0]


def test_wide_tolerance_does_not_hide_broken_parity(releases: Any, shop_dir: Dataset) -> None:
    """A bundle that allows itself more than the trainer does is refused all the same."""
    golden = read_manifest(releases.shop / releases.newer).golden
    moved = msgspec.structs.replace(golden, scores=[score + 0.01 for score in golden.scores], tolerance=1.0)
    assert "parity" in failed(judge(shop_dir, releases.settings, releases.add(golden=moved)))


def test_a_damaged_file_is_refused(releases: Any, shop_dir: Dataset) -> None:
    """As an edge would."""
    path = releases.shop / releases.newer / RANKERS[INDEX]
    path.write_bytes(path.read_bytes()[:-10])
    verdict = judge(shop_dir, releases.settings, releases.newer)
    assert failed(verdict) == ["parity"]
    assert "checksum" in verdict.refusals[0]


def test_a_much_larger_bundle_is_refused(releases: Any, shop_dir: Dataset, outcome: Outcome) -> None:
    """Half as large again and more than a megabyte more."""
    big = releases.shop / releases.newer / "index" / "extra.npy"
    np.save(big, np.random.default_rng(0).random(1_000_000))
    manifest = read_manifest(releases.shop / releases.newer)
    arrays = {path.stem: np.load(path) for path in big.parent.glob("*.npy")}
    verdict = judge(shop_dir, releases.settings, releases.add(arrays=arrays, files=manifest.files))
    assert "size" in failed(verdict)
    assert any("times the live bundle" in reason for reason in verdict.refusals)


def test_a_much_slower_model_is_refused(releases: Any, shop_dir: Dataset) -> None:
    """A forest of the same opinion, two hundred times over: right, but late."""
    features = np.random.default_rng(0).uniform(-1, 100, (4_000, 64)).astype(np.float32)
    width = len(read_manifest(releases.shop / releases.newer).feature_names)
    features = np.resize(features, (4_000, width))
    data = lgb.Dataset(features, (features[:, 1] + np.sin(features[:, 5])) / 1_000)
    slow = lgb.train({"num_leaves": 63, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}, data, 800)
    exported = export(slow, features)
    verdict = judge(shop_dir, releases.settings, releases.add(exported.ranker, golden=exported.golden))
    assert "latency" in failed(verdict)
    assert verdict.speed is not None
    assert verdict.speed.ratio > 1.3


def test_the_race_calls_equals_equal(releases: Any, shop_dir: Dataset) -> None:
    """The same model twice, in turns: the ratio stays far from the limit."""
    twin = releases.add()
    (releases.shop / "live.json").write_text(f'{{"live": "{releases.newer}"}}')
    speed = judge(shop_dir, releases.settings, twin).speed
    assert speed is not None
    assert 0.5 < speed.ratio < 2
    assert speed.live_us > 10


def test_worse_than_the_popular_list_is_refused(releases: Any, shop_dir: Dataset) -> None:
    """What the trainer measured itself counts, too, also where there is no live model."""
    (releases.shop / "live.json").unlink()
    metrics = read_manifest(releases.shop / releases.newer).metrics
    worse = metrics | {"for_you": metrics["for_you"] | {"endcap": {"ndcg@10": 0.01, "ndcg@10_high": 0.02}}}
    verdict = judge(shop_dir, releases.settings, releases.add(metrics=worse))
    assert failed(verdict) == ["popular list"]
    assert "for_you 0.0100" in verdict.refusals[0]


def test_the_first_model_has_nobody_to_beat(releases: Any, shop_dir: Dataset) -> None:
    """Whole, no worse than the popular list, an index of all days: it passes, and the verdict says what was judged."""
    (releases.shop / "live.json").unlink()
    verdict = judge(shop_dir, releases.settings, releases.newer)
    assert verdict.passed
    assert verdict.live is None
    assert "no live model" in verdict.notes[0]
    assert verdict.shelves == ()


def test_a_live_model_of_other_features_is_said(releases: Any, shop_dir: Dataset) -> None:
    """No edge of this program could serve it: that must not keep the new one out."""
    other = releases.add(feature_names=("something", "else"))
    (releases.shop / "live.json").write_text(f'{{"live": "{other}"}}')
    verdict = judge(shop_dir, releases.settings, releases.newer)
    assert verdict.passed
    assert "cannot be compared" in verdict.notes[0]


def test_too_few_shoppers_to_judge_by_is_a_refusal(releases: Any, shop_dir: Dataset) -> None:
    """Nothing measured is nothing shown."""
    settings = releases.settings.model_copy(update={"gate_least_shoppers": 100_000})
    verdict = judge(shop_dir, settings, releases.newer)
    assert "ndcg@10" in failed(verdict)
    assert "nothing to judge by" in " ".join(verdict.refusals)


def test_a_narrow_model_is_refused(releases: Any, shop_dir: Dataset) -> None:
    """A shelf that reaches much less of the catalogue than the live one's."""
    settings = releases.settings.model_copy(update={"gate_coverage": 0.0})
    verdict = judge(shop_dir, settings, releases.newer)
    narrower = {f"coverage {one.slot}" for one in verdict.shelves if one.candidate_coverage < one.live_coverage}
    assert {name for name in failed(verdict) if name.startswith("coverage")} == narrower


def test_what_cannot_be_judged_is_said(releases: Any, shop_dir: Dataset) -> None:
    """The live model itself; a version that is not there; a bundle that does not say what it was measured on."""
    with pytest.raises(ReleaseError, match="is live already"):
        judge(shop_dir, releases.settings, releases.live)
    with pytest.raises(BundleError, match="kept of shop"):
        judge(shop_dir, releases.settings, "nothing")
    silent = releases.add(data={})
    with pytest.raises(BundleError, match="measured_from"):
        judge(shop_dir, releases.settings, silent)


def test_progress_is_told_to_the_end(releases: Any, shop_dir: Dataset) -> None:
    """Stages with a share that only grows."""
    heard: list[tuple[str, float]] = []
    judge(shop_dir, releases.settings, releases.newer, lambda *one: heard.append(one))
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert len({stage for stage, _ in heard}) >= 4
    assert shares[-1] <= 1


def test_the_verdict_is_kept_as_json(releases: Any, shop_dir: Dataset, tmp_path: Path) -> None:
    """Machine-readable, and read back the same; a damaged file says so."""
    verdict = judge(shop_dir, releases.settings, releases.newer)
    path = verdicts.write(tmp_path, verdict)
    raw = msgspec.json.decode(path.read_bytes())
    assert raw["passed"] is verdict.passed
    assert {check["name"] for check in raw["checks"]} >= {"parity", "size", "latency", "shipped index"}
    assert verdicts.read(tmp_path, releases.newer) == verdict
    assert verdicts.read(tmp_path, "another") is None
    path.write_text("?")
    with pytest.raises(EndcapError, match="judge again"):
        verdicts.read(tmp_path, releases.newer)
