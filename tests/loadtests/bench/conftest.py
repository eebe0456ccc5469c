"""A small demo to measure: the trained bundle, the catalogue, and a store with the sample shop's profiles."""

import shutil
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from redis import Redis

from backend.refresh import replay_profiles
from edge.core.codec import encode_profile
from edge.core.keys import load_key, profile_key
from edge.core.profile import Profile
from edge.embedded import EmbeddedStore
from tests.web.needs import missing
from training.dataset import Dataset

PEOPLE = 40


@pytest.fixture
def wrk() -> None:
    """For tests that need wrk."""
    if shutil.which("wrk") is None:
        missing("wrk", "apt-get install wrk")


@pytest.fixture(scope="session")
def households(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Profile]:
    """Profiles of the sample shop."""
    key = load_key(tmp_path_factory.mktemp("key"), None)
    return [one for one in islice(replay_profiles(shop_dir, "demo", key), PEOPLE) if one.bought]


@pytest.fixture
def demo(data_dir: Path, households: list[Profile]) -> Path:
    """A data directory as scripts/demo leaves it."""
    with EmbeddedStore(data_dir / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        for profile in households:
            redis.set(profile_key("demo", profile.shopper), encode_profile(profile))
    return data_dir


@pytest.fixture(autouse=True)
def _keep_sigterm() -> Iterator[None]:
    """The command line takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
