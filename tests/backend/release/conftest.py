"""Models to release: one trained on all but the last weeks of the sample shop, one on all of it, and bad ones."""

import dataclasses
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import msgspec
import numpy as np
import pytest
from rich.console import Console

from backend.settings import Settings
from edge.core.bundle import (
    INDEX,
    RANKERS,
    Live,
    Manifest,
    Part,
    new_version,
    read_arrays,
    read_manifest,
    write_bundle,
    write_live,
)
from edge.core.snapshot import write_snapshot
from tests.conftest import ENDS
from tests.sharing import once
from training import index as index_builder
from training import ranker, sample
from training.dataset import Dataset, open_dataset, prepare
from training.examples import Rows
from training.facts import Facts
from training.pairs import count_meetings
from training.pipeline import Outcome, run
from training.settings import Settings as Trainer

OLD_WEEKS = 17  # of the twenty


@pytest.fixture(scope="session")
def old_shop(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The sample shop as it was three weeks before its end."""

    def make(root: Path) -> Path:
        whole = sample.generate(root / "whole", ends=ENDS)
        return cut(whole, root, ENDS - timedelta(weeks=20 - OLD_WEEKS)).directory

    return open_dataset(once(tmp_path_factory.getbasetemp(), "old-shop", make))


def cut(whole: Path, root: Path, until: date) -> Dataset:
    """A plain shop without what happened on this day and later."""
    plain = root / f"until-{until}"
    plain.mkdir()
    shutil.copy(whole / "products.csv", plain)
    head, *rows = (whole / "events.csv").read_text().splitlines()
    kept = [row for row in rows if row.split(",")[2] < until.isoformat()]
    (plain / "events.csv").write_text("\n".join([head, *kept]) + "\n")
    return prepare(plain, root / f"prepared-{until}")


@pytest.fixture(scope="session")
def old_outcome(old_shop: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The model of that time."""

    def make(root: Path) -> Outcome:
        settings = Trainer(data_dir=root, shop="demo", train_orders=600, test_orders=150)
        return run(old_shop, settings, Console(quiet=True))

    return once(tmp_path_factory.getbasetemp(), "old-outcome", make)


@dataclasses.dataclass(frozen=True)
class Releases:
    """A data directory with an old live model and a newer one beside it."""

    settings: Settings
    live: str
    newer: str

    @property
    def shop(self) -> Path:
        """`bundles/demo`."""
        return self.settings.bundles_dir / self.settings.shop

    def add(self, ranker_: bytes | None = None, arrays: Any = None, **changed: Any) -> str:
        """A variant of the newer bundle, under a version of its own."""
        source = self.shop / self.newer
        manifest: Manifest = msgspec.structs.replace(read_manifest(source), version=new_version(), **changed)
        part = Part(ranker_ or (source / RANKERS[INDEX]).read_bytes(), arrays or read_arrays(source))
        beside = {name: (source / name).read_bytes() for name in ("examples.json", "drift.json")}
        write_bundle(self.settings.bundles_dir, manifest, {INDEX: part}, beside)
        return manifest.version


@pytest.fixture
def releases(tmp_path: Path, outcome: Outcome, old_outcome: Outcome, shop_dir: Dataset) -> Releases:
    """The old model live, the new one on disk, the whole shop as the prepared data, the catalogue."""
    settings = Settings(data_dir=tmp_path / "data", shop="demo")
    shop = settings.bundles_dir / "demo"
    shop.mkdir(parents=True)
    for one in (outcome, old_outcome):
        shutil.copytree(one.directory, shop / one.directory.name)
    write_live(settings.bundles_dir, "demo", Live(old_outcome.manifest.version))
    shutil.copytree(shop_dir.directory, settings.dataset_dir)
    write_snapshot(settings.data_dir / "catalogue" / "demo.cat", shop_dir.catalogue(), as_of=0)
    return Releases(settings, old_outcome.manifest.version, outcome.manifest.version)


@pytest.fixture(scope="session")
def confused(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A model that learned from shuffled labels."""

    def shuffled(rows: Rows, threads: int, progress: Callable[[int], None] | None = None) -> lgb.Booster:
        labels = np.random.default_rng(1).permutation(rows.labels)
        return ranker_train(dataclasses.replace(rows, labels=labels), threads, progress)

    def make(root: Path) -> Outcome:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ranker, "train", shuffled)
            settings = Trainer(data_dir=root, shop="demo", train_orders=600, test_orders=150)
            return run(shop_dir, settings, Console(quiet=True), publish=False)

    ranker_train = ranker.train
    return once(tmp_path_factory.getbasetemp(), "confused", make)


@pytest.fixture(scope="session")
def short_arrays(facts: Facts) -> dict[str, Any]:
    """An index that knows the first six weeks only."""
    until = facts.first_day + 42
    return index_builder.build(facts, count_meetings(facts, until), until)
