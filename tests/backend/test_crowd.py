"""Made-up shoppers: alike the real ones, each different, the same for the same request."""

import json
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import typer
from redis import Redis
from rich.console import Console
from typer.testing import CliRunner

from backend import crowd, crowd_pages
from backend.crowd import Recipe, fill, read_profiles, resample, shoppers, visit, visitor_ids
from backend.refresh import replay_profiles
from edge.core.codec import PROFILE_MAX_BYTES, decode_profile, decode_session, encode_profile
from edge.core.keys import load_key, profile_key, pseudonym, session_key
from edge.core.profile import Profile
from edge.embedded import EmbeddedStore
from tests.serving import until
from training.dataset import Dataset

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def households(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Profile]:
    """Profiles of the sample shop."""
    key = load_key(tmp_path_factory.mktemp("key"), None)
    return [one for one in islice(replay_profiles(shop_dir, "demo", key), 30) if one.bought]


@pytest.fixture
def source(data_dir: Path, households: list[Profile]) -> Path:
    """A data directory whose store has them."""
    with EmbeddedStore(data_dir / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        for profile in households:
            redis.set(profile_key("demo", profile.shopper), encode_profile(profile))
    return data_dir


@pytest.fixture
def app() -> typer.Typer:
    """Both commands."""
    commands = typer.Typer()
    commands.command("crowd")(crowd.main)
    commands.command("pages")(crowd_pages.main)
    return commands


def run(app: typer.Typer, *arguments: object) -> Any:
    """Run a command; it must end well."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done


def test_somebody_alike_is_as_large_as_the_original(households: list[Profile]) -> None:
    """As many products, orders and looks; some of the products are another's, and all is some days earlier."""
    rng = random.Random(1)
    for source, donor in zip(households, reversed(households), strict=True):
        made = resample(source, donor, "someone", rng)
        assert (len(made.bought), len(made.viewed), made.orders) == (
            len(source.bought),
            len(source.viewed),
            source.orders,
        )
        assert set(made.bought) <= {*source.bought, *donor.bought}
        assert 0 <= source.updated - made.updated <= 6 * 86_400
        assert made.last_order_day - made.first_order_day == source.last_order_day - source.first_order_day
        assert all(item.count >= 1 for item in made.bought.values())
        assert [item.recent for item in made.bought.values()] == [item.recent for item in source.bought.values()]
        assert decode_profile(encode_profile(made)).orders == source.orders
        assert len(encode_profile(made)) <= PROFILE_MAX_BYTES


def test_no_two_are_the_same(households: list[Profile], tmp_path: Path) -> None:
    """Products are exchanged, so that no shopper has the purchases of another."""
    people = shoppers(households, visitor_ids(60, 1), load_key(tmp_path, None), random.Random(1))
    made = [profile for profile, _ in people]
    assert len({one.shopper for one in made}) == 60
    assert len({tuple(sorted(one.bought)) for one in made if len(one.bought) > 20}) == sum(
        len(one.bought) > 20 for one in made
    )


def test_half_of_them_are_on_a_visit(households: list[Profile]) -> None:
    """With one to six products looked at, some with a cart of products they looked at."""
    rng = random.Random(2)
    visits = [visit(households[0], ["a", "b", "c", "d", "e", "f", "g"], 1e9, rng) for _ in range(400)]
    under_way = [one for one in visits if one]
    assert 150 < len(under_way) < 250
    assert {len(one.viewed) for one in under_way} >= {1, 2, 3, 4}
    assert 15 < sum(bool(one.cart) for one in under_way) < 80
    assert all(set(one.cart) <= set(one.viewed) for one in under_way)


def test_a_store_is_filled_once(source: Path, tmp_path: Path, households: list[Profile]) -> None:
    """Under the visitors' pseudonyms, with a TTL; again only for another request."""
    into = tmp_path / "bench"
    into.mkdir()
    recipe = Recipe(50, 1, "demo", len(households))
    fill(source, into, recipe, households, QUIET)
    ids = (into / "shoppers.txt").read_text().split()
    key = load_key(into, None)
    with EmbeddedStore(into / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        assert ids == visitor_ids(50, 1)
        names = [pseudonym(key, "demo", "visitor", id_) for id_ in ids]
        stored: list[Any] = [redis.get(profile_key("demo", name)) for name in names]
        assert [decode_profile(data).shopper for data in stored] == names
        sessions: list[Any] = [redis.get(session_key("demo", name)) for name in names]
        assert 0 < sum(map(bool, sessions)) < 50
        assert all(decode_session(data).shopper == name for data, name in zip(sessions, names, strict=True) if data)
        assert redis.ttl(profile_key("demo", names[0])) > 86_400
        redis.delete(profile_key("demo", names[0]))
    fill(source, into, recipe, households, QUIET)  # it is noted as filled
    with EmbeddedStore(into / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        assert redis.get(profile_key("demo", names[0])) is None
    fill(source, into, Recipe(40, 1, "demo", len(households)), households, QUIET)
    with EmbeddedStore(into / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        assert len(read_profiles(redis, "demo")) == 40


def test_from_the_command_line_to_pages(source: Path, tmp_path: Path, app: typer.Typer) -> None:
    """A page for each shopper on which as many are ranked as asked for; chosen once for a bundle and a crowd."""
    run(app, "crowd", "--source", source, "--into", source / "bench", "--count", 40)
    into = source / "bench"
    (into / "bundles").symlink_to(source / "bundles")
    run(app, "pages", "--data", into, "--candidates", 3)
    lines = [line.split() for line in (into / "pages.txt").read_text().splitlines()]
    bought = {id_ for id_, _ in json.loads((into / "products.json").read_text())}
    assert len(lines) > 20
    assert {shopper for shopper, _ in lines} <= set(visitor_ids(40, 1))
    assert {product for _, product in lines} <= bought
    stamp = (into / "pages.txt").stat().st_mtime_ns
    run(app, "pages", "--data", into, "--candidates", 3)
    assert (into / "pages.txt").stat().st_mtime_ns == stamp
    run(app, "pages", "--data", into, "--candidates", 100_000)
    assert (into / "pages.txt").read_text().split() == []


def test_without_profiles_there_is_nobody_to_resemble(tmp_path: Path, app: typer.Typer) -> None:
    """The remedy is named."""
    done = CliRunner().invoke(app, ["crowd", "--source", str(tmp_path / "a"), "--into", str(tmp_path / "b")])
    assert done.exit_code == 2
    assert "scripts/demo --prepare" in done.output.replace("\n", " ")


def test_a_held_store_answers_until_it_is_told_to_go(source: Path, tmp_path: Path) -> None:
    """Its address is written once it is up; SIGTERM ends both."""
    told = tmp_path / "url"
    command = [sys.executable, "-P", "-m", "backend.crowd", "--source", source, "--into", source, "--hold", told]
    process = subprocess.Popen(list(map(str, command)), env={"PYTHONPATH": str(Path(crowd.__file__).parent.parent)})
    try:
        until(lambda: told.exists() and told.read_text())
        with Redis.from_url(told.read_text(), protocol=2) as redis:
            assert redis.ping()
            assert read_profiles(redis, "demo")
    finally:
        process.terminate()
        assert process.wait(30) == 0
