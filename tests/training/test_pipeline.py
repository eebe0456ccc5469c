"""The whole run over the sample shop, and over shops with nearly nothing in them."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edge.core.bundle import Live, read_arrays, read_live, read_manifest, verify_files, write_live
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from training import pipeline
from training.dataset import Dataset, prepare
from training.evaluate import BOUGHT, METHODS
from training.memory import peak_mib
from training.metrics import RATES
from training.pipeline import STAGES, Outcome, Windows, code_version, run, up_to_date
from training.rules import DataError
from training.settings import Settings

MEASURED = ("bought_together", "cart_complements", "for_you", "buy_again")


def tiny_shop(directory: Path, *events: str) -> Dataset:
    """A prepared shop of three products with these events: `id,type,day,product,customer`."""
    source = directory / "plain"
    source.mkdir()
    (source / "products.csv").write_text("id,title,price,category\na,Tea,4,Drinks\nb,Cup,6,Home\nc,Spoon,1,Home\n")
    rows = [line.split(",") for line in events]
    lines = [f"{id_},{kind},2026-09-{day}T10:00:00Z,{product},{who}" for id_, kind, day, product, who in rows]
    (source / "events.csv").write_text("event_id,type,time,product_id,customer_id\n" + "\n".join(lines) + "\n")
    return prepare(source, directory / "prepared", assume_consent=("analytics",))


def train(dataset: Dataset, directory: Path) -> Outcome:
    """A quiet run."""
    return run(dataset, Settings(data_dir=directory, shop="tiny"), Console(quiet=True))


def test_a_run_leaves_a_whole_live_bundle(outcome: Outcome, bundle_root: Path) -> None:
    """Manifest, ranker and arrays are there with their checksums, and live.json names the bundle."""
    manifest = read_manifest(outcome.directory)
    verify_files(outcome.directory, manifest)
    assert manifest == outcome.manifest
    assert read_live(bundle_root, "demo") == Live(manifest.version)
    assert manifest.feature_names == FEATURE_NAMES
    assert Index.from_arrays(read_arrays(outcome.directory)).ids


def test_every_stage_is_timed(outcome: Outcome) -> None:
    """What was done, in the order foreseen; the parts make up the whole, and memory is told."""
    assert list(outcome.seconds) == list(STAGES)
    assert 0 < sum(outcome.seconds.values()) <= outcome.total_s
    assert 50 < outcome.peak_mib < 4_096


def test_the_manifest_says_where_the_bundle_came_from(outcome: Outcome, shop_dir: Dataset) -> None:
    """Fingerprint, code, window, sizes, parity and the share of gain of every feature."""
    data = outcome.manifest.data
    assert data["fingerprint"] == shop_dir.fingerprint
    assert data["code"] == code_version()
    assert str(data["first_day"]) < str(data["labels_from"]) < str(data["measured_from"]) <= str(data["last_day"])
    assert data["products"] == shop_dir.summary.products
    assert float(data["parity"]) <= 1e-5
    assert int(data["parity_rows"]) >= 1_000
    assert sum(float(data[f"gain:{name}"]) for name in FEATURE_NAMES) == pytest.approx(1, abs=1e-3)


def test_every_measured_slot_has_all_methods(outcome: Outcome) -> None:
    """Ranker, retrieval order and all baselines, over the same queries; rates lie within their intervals in 0..1."""
    for slot in MEASURED:
        methods = outcome.manifest.metrics[slot]
        assert set(methods) == {*METHODS, BOUGHT}
        assert len({values["queries"] for values in methods.values()}) == 1
        for values in methods.values():
            assert all(0 <= value <= 1 for name, value in values.items() if "@" in name and "lead" not in name)
        for values in (methods[method] for method in METHODS):
            assert all(values[f"{rate}_low"] <= values[rate] <= values[f"{rate}_high"] for rate in RATES)


def test_the_ranker_has_learned_the_sample_shop(outcome: Outcome) -> None:
    """The made-up shop has staples and partners: what the shopper does foretells more than what is popular."""
    for slot in MEASURED:
        methods = outcome.manifest.metrics[slot]
        assert methods["endcap"]["ndcg@10"] > methods["popularity"]["ndcg@10"], slot


def test_readiness_has_a_sentence_for_every_slot(outcome: Outcome) -> None:
    """Each says how much data there was, and what the shelf will do."""
    ready = outcome.manifest.readiness
    assert set(ready) == {
        "bought_together", "similar", "complete_the_look", "cart_complements", "for_you", "buy_again", "trending",
        "ranker",
    }  # fmt: skip
    for sentence in ready.values():
        assert any(character.isdigit() for character in sentence)
        assert ": " in sentence
    assert ready["ranker"].endswith("a learned forest orders the shelves")


def test_the_same_data_give_the_same_model(shop_dir: Dataset, outcome: Outcome, tmp_path: Path) -> None:
    """Trained again, only name and date differ: same files, same scores; another live bundle appears only if asked."""
    settings = Settings(data_dir=tmp_path, shop="demo", train_orders=600, test_orders=150)
    again = run(shop_dir, settings, Console(quiet=True), publish=False)
    forest = {"ranker.onnx": ""}  # seen to differ in its bytes once in many runs; what it says must not
    assert again.manifest.files | forest == outcome.manifest.files | forest
    first, second = outcome.manifest.golden, again.manifest.golden
    assert first.rows == second.rows
    np.testing.assert_allclose(second.scores, first.scores, atol=first.tolerance)
    assert again.manifest.metrics == outcome.manifest.metrics
    assert again.manifest.version != outcome.manifest.version
    assert not (tmp_path / "bundles" / "demo" / "live.json").exists()


def test_windows_of_a_year_are_the_settings() -> None:
    """365 days: 35 to measure on, 49 of labels before them, the rest history."""
    assert Windows.of(1_000, 1_364, Settings()) == Windows(1_000, 1_364 - 34 - 49, 1_364 - 34, 1_365)


def test_windows_of_a_short_history_shrink() -> None:
    """60 days: a tenth to measure on and a sixth for labels; a single day leaves no history but no error."""
    assert Windows.of(1_000, 1_059, Settings()) == Windows(1_000, 1_044, 1_054, 1_060)
    assert Windows.of(1_000, 1_000, Settings()) == Windows(1_000, 1_000, 1_000, 1_001)


def test_three_orders_make_a_bundle(tmp_path: Path) -> None:
    """A shop that has just opened gets a bundle that keeps the retrieval order, and says so shelf by shelf."""
    shop = tiny_shop(
        tmp_path,
        "o1,purchase-complete,01,a,anna",
        "o1,purchase-complete,01,b,anna",
        "o2,purchase-complete,08,a,anna",
        "o3,purchase-complete,09,c,ben",
    )
    outcome = train(shop, tmp_path)
    ready = outcome.manifest.readiness
    assert "2 labelled shelves" in ready["ranker"]
    assert "keep the order they are found in" in ready["ranker"]
    assert ready["bought_together"].startswith("3 orders, 0 pairs beyond chance")
    assert "1 of 2 shoppers came back" in ready["for_you"]
    assert "1 products were bought again" in ready["buy_again"]
    index = Index.from_arrays(read_arrays(outcome.directory))
    assert {index.ids[at] for at in index.popular} == {"a", "b", "c"}


def test_views_alone_make_a_bundle(tmp_path: Path) -> None:
    """Without an order there is popularity to serve, nothing to measure, and readiness says what is missing."""
    shop = tiny_shop(tmp_path, "v1,detail-page-view,01,a,anna", "v2,detail-page-view,02,b,ben")
    outcome = train(shop, tmp_path)
    assert outcome.manifest.metrics == {}
    assert outcome.manifest.readiness["buy_again"].endswith("left out until there are orders")
    assert outcome.manifest.readiness["for_you"].endswith("falls back to popular until there are orders")


def test_no_usable_event_is_an_error(tmp_path: Path) -> None:
    """Nothing but searches without products: an error that says so, and no bundle."""
    shop = tiny_shop(tmp_path, "s1,category-page-view,01,a,anna")
    with pytest.raises(DataError, match="nothing can be learned"):
        train(shop, tmp_path)
    assert not (tmp_path / "bundles").exists()


def test_up_to_date_needs_the_same_data_and_code(outcome: Outcome, bundle_root: Path, shop_dir: Dataset) -> None:
    """The live bundle of this data set by this code need not be made again; other data must."""
    settings = Settings(bundles=bundle_root)
    assert up_to_date(settings, shop_dir.fingerprint) == outcome.manifest.version
    assert up_to_date(settings, "another fingerprint") is None


def test_other_code_makes_a_bundle_stale(
    bundle_root: Path, shop_dir: Dataset, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed trainer trains again, though the data are the same."""
    monkeypatch.setattr(pipeline, "code_version", lambda: "000000000000")
    assert up_to_date(Settings(bundles=bundle_root), shop_dir.fingerprint) is None


def test_nothing_live_is_stale(tmp_path: Path) -> None:
    """No live.json, a damaged one, or one that names a bundle that is gone: train."""
    settings = Settings(data_dir=tmp_path)
    assert up_to_date(settings, "any") is None
    write_live(settings.bundles_dir, settings.shop, Live("20260101T000000Z-0000"))
    assert up_to_date(settings, "any") is None


def test_code_version_names_the_sources() -> None:
    """Twelve hex digits, the same for the same sources."""
    assert code_version() == code_version()
    assert len(code_version()) == 12
    int(code_version(), 16)


def test_peak_memory_is_in_mib() -> None:
    """A Python with NumPy and DuckDB holds more than 50 MiB and, here, less than 4 GiB."""
    assert 50 < peak_mib() < 4_096


def test_the_bundle_holds_no_pickle_and_no_shopper(outcome: Outcome, shop_dir: Dataset) -> None:
    """Arrays of plain numbers and bytes only; no shopper's id stands anywhere in the files."""
    for array in read_arrays(outcome.directory).values():
        assert array.dtype.kind in "Sifu"
    shoppers = {shopper.encode() for _, shopper, _ in shop_dir.replay()}
    everything = b"".join(path.read_bytes() for path in sorted(outcome.directory.rglob("*")) if path.is_file())
    assert shoppers
    assert not [shopper for shopper in shoppers if shopper in everything]


def test_the_manifest_is_plain_json(outcome: Outcome) -> None:
    """Anything can read it; numbers are finite."""
    raw = json.loads((outcome.directory / "manifest.json").read_text())
    assert raw["shop"] == "demo"
    assert np.isfinite([value for row in raw["golden"]["rows"] for value in row]).all()
