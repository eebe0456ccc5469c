"""Measuring a published bundle again, on weeks it did not learn from."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from training.dataset import Dataset
from training.pipeline import Outcome
from training.settings import Settings
from training.unseen import SeenError, Unseen, lead_by_shopper, open_unseen


@pytest.fixture(scope="session")
def settings(outcome: Outcome) -> Settings:
    """Those the small shop's bundle was trained with."""
    return Settings(data_dir=outcome.directory.parents[2], shop="demo")


@pytest.fixture(scope="session")
def unseen(shop_dir: Dataset, settings: Settings) -> Unseen:
    """Forty orders of the small shop's last weeks."""
    return open_unseen(shop_dir, settings, None, 40, lambda _: None)


def test_the_weeks_are_those_the_bundle_never_learned_from(unseen: Unseen, outcome: Outcome) -> None:
    """All moments lie in them, each of another order; the index ends where they begin."""
    days = [moment.day for moment in unseen.moments]
    assert len({moment.order for moment in unseen.moments}) == len(days) == 40
    assert unseen.start <= min(days) <= max(days) < unseen.end
    index = unseen.index()
    assert index.as_of == unseen.start
    assert index.sold.sum() > 0


def test_only_the_first_days_are_asked_for(shop_dir: Dataset, settings: Settings, unseen: Unseen) -> None:
    """So that settings can be chosen on earlier weeks than the last."""
    fewer = open_unseen(shop_dir, settings, 3, 1_000, lambda _: None)
    assert (fewer.start, fewer.end) == (unseen.start, unseen.start + 3)
    assert all(moment.day < fewer.end for moment in fewer.moments)


def test_a_product_can_be_taken_out_as_if_never_sold(unseen: Unseen) -> None:
    """It keeps its row, and loses sales, pairs and orders; the others keep theirs."""
    whole = unseen.index()
    gone = int(np.argmax(whole.sold))
    without = unseen.index([gone])
    assert without.ids == whole.ids
    assert without.sold[gone] == without.sold_recently[gone] == 0
    assert gone not in without.pair_items
    assert gone not in without.session_items
    others = np.arange(len(whole.ids)) != gone
    assert (without.sold[others] == whole.sold[others]).all()


def test_another_data_sets_bundle_is_refused(shop_dir: Dataset, settings: Settings) -> None:
    """Nobody knows what it learned from."""
    other = Dataset(shop_dir.directory, msgspec.structs.replace(shop_dir.summary, fingerprint="?"), shop_dir.engine)
    with pytest.raises(SeenError, match="other data"):
        open_unseen(other, settings, None, 5, lambda _: None)


def test_a_bundle_that_measured_later_days_is_refused(shop_dir: Dataset, settings: Settings, tmp_path: Path) -> None:
    """What it learned from would be measured."""
    shutil.copytree(settings.bundles_dir, tmp_path / "bundles")
    (path,) = (tmp_path / "bundles" / "demo").glob("*/manifest.json")
    manifest = msgspec.json.decode(path.read_bytes())
    manifest["data"]["measured_from"] = "2999-01-01"
    path.write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(SeenError, match="ENDCAP_TEST_DAYS"):
        open_unseen(shop_dir, Settings(bundles=tmp_path / "bundles", shop="demo"), None, 5, lambda _: None)


def test_the_lead_is_a_mean_over_queries_drawn_by_shopper() -> None:
    """Three queries of one shopper and one of another: the mean is over four, the samples are of two."""
    mean, low, high = lead_by_shopper([1, 1, 1, 0], [0, 0, 0, 0], ["a", "a", "a", "b"])
    assert mean == pytest.approx(0.75)
    assert (low, high) == (0, 1)
    assert lead_by_shopper([0.5] * 9, [0.2] * 9, list("aabbccdde")) == pytest.approx((0.3, 0.3, 0.3))


def test_queries_of_one_shopper_count_as_one_surprise() -> None:
    """The interval is wider than if each query were a shopper of its own, and the same at every run."""
    rng = np.random.default_rng(0)
    ours = np.repeat(rng.random(20), 10).tolist()
    together = lead_by_shopper(ours, [0.0] * 200, [f"s{n // 10}" for n in range(200)])
    apart = lead_by_shopper(ours, [0.0] * 200, [f"s{n}" for n in range(200)])
    assert together[2] - together[1] > 2 * (apart[2] - apart[1])
    assert together == lead_by_shopper(ours, [0.0] * 200, [f"s{n // 10}" for n in range(200)])
