"""A size of shop made ready to be served: what is written is what an edge reads."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.catalogue import Catalogue
from edge.core.bundle import read_arrays, read_live, read_manifest
from edge.core.codec import decode_profile
from edge.core.ids import KEYS, ORDER, Ids
from edge.core.index import Index
from edge.scoring import load_model
from training.growth import build
from training.growth.build import Built, Visitor

ROOT = Path(__file__).parents[3]
PRODUCTS, SESSIONS = 300, 2_500


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny size with a forest of its own, by the very steps that `scripts/growth` starts."""
    where = tmp_path_factory.mktemp("growth")
    build.make_dataset(where, PRODUCTS, SESSIONS, lambda *_: None)
    told: list[str] = []
    forest = build.train_forest(where, 300, told.append)
    build.build(where, forest, told.append)
    assert "growing the forest" in told
    assert "building the index" in told
    return where


def test_the_bundle_passes_every_check_of_an_edge(made: Path) -> None:
    """Checksums, golden rows, arrays that fit; the index is of the whole catalogue."""
    bundles = made / "bundles"
    model = load_model(bundles / build.SHOP / read_live(bundles, build.SHOP).live)
    assert len(model.index.ids) == PRODUCTS
    assert model.index.orders > SESSIONS / 10
    assert len(model.index.pair_items) > 0
    assert int(model.manifest.data["shoppers"]) > 50


def test_ids_written_by_training_are_those_made_at_load(made: Path) -> None:
    """Bundles of older trainers lack the two arrays: an edge makes the same ones."""
    bundles = made / "bundles"
    arrays = read_arrays(bundles / build.SHOP / read_live(bundles, build.SHOP).live)
    old = {name: array for name, array in arrays.items() if name not in (KEYS, ORDER)}
    index, before = Index.from_arrays(arrays), Index.from_arrays(old)
    assert np.shares_memory(index.position._sorted, arrays[KEYS])
    np.testing.assert_array_equal(before.position._sorted, index.position._sorted)
    np.testing.assert_array_equal(before.position._order, index.position._order)
    assert index.ids == before.ids
    assert index.ids == Ids.of(list(index.ids))


def test_the_catalogue_holds_every_product(made: Path) -> None:
    """Under the ids of the index, which are decimals as a platform's are."""
    catalogue = Catalogue(build.SHOP, made / "catalogue" / f"{build.SHOP}.cat")
    catalogue.reload()
    assert len(catalogue) == PRODUCTS
    assert all(id_.isdecimal() and not id_.startswith("0") for id_ in catalogue.ids())


def test_shoppers_are_people_just_before_an_order(made: Path) -> None:
    """Profiles as the store holds them, and what was bought next; nobody twice while there are enough people."""
    visitors = msgspec.msgpack.decode((made / build.SHOPPERS).read_bytes(), type=list[Visitor])
    assert len(visitors) > 20
    assert all(one.basket for one in visitors)
    assert any(decode_profile(one.profile).bought for one in visitors)


def test_what_it_took_is_written_and_the_data_set_is_gone(made: Path) -> None:
    """Seconds of every step; of five gigabytes of lines nothing stays behind."""
    built = msgspec.json.decode((made / build.BUILT).read_bytes(), type=Built)
    assert built.products == PRODUCTS
    assert built.sessions == pytest.approx(SESSIONS, rel=0.2)
    assert list(built.seconds) == list(built.cpu_s)
    assert {"counting meetings", "building the index", "writing the bundle"} <= set(built.seconds)
    assert built.bundle_mib > 0
    assert built.catalogue_mib > 0
    assert not (made / build.DATASET).exists()


def test_the_forest_has_no_index_of_its_own(made: Path) -> None:
    """It serves all sizes."""
    forest = next((made / build.FOREST / build.SHOP).iterdir())
    assert set(read_manifest(forest).files) == {"ranker.onnx"}


def test_the_steps_are_started_by_name(tmp_path: Path) -> None:
    """As `scripts/growth` does; a line of JSON says how far it is."""
    command = [sys.executable, "-m", "training.growth", "dataset", str(tmp_path), "200", "1000"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout.splitlines()[-1]) == {"stage": "generating", "done": 1.0}
    assert (tmp_path / build.DATASET / "lines.parquet").exists()
