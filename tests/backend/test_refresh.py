"""Profiles from history: every shopper's, the same as the edge would have made them, and no larger than promised."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend.refresh import put_profiles, refresh, replay_profiles
from edge.core import keys
from edge.core.codec import decode_profile, encode_profile
from edge.core.consent import Decision, encode_decision
from edge.core.events import Event, Line
from edge.core.keys import PseudonymKey, load_key, pseudonym
from edge.core.profile import Profile, apply
from edge.core.restricted import without
from edge.profiles import connect
from tests.backend.program import backend
from training.dataset import Dataset

pytestmark = pytest.mark.store

KEY = PseudonymKey.from_hex("5e" * 32)


async def test_every_shopper_who_allowed_it_has_a_profile(
    shop_dir: Dataset, session_store: str, redis: "Redis"
) -> None:
    """Under a pseudonym, with a TTL, and only they."""
    client = connect(session_store, timeout_s=5, connections=2)
    heard: list[int] = []
    done = await refresh(client, shop_dir, "demo", KEY, heard.append)
    await client.aclose()
    allowed = {(kind, id_) for kind, id_, _ in shop_dir.replay(purpose="personalization")}
    everybody = {(kind, id_) for kind, id_, _ in shop_dir.replay(purpose=None)}
    assert 0 < len(allowed) < len(everybody), "the sample shop has shoppers who did not consent"
    expected = {keys.profile_key("demo", pseudonym(KEY, "demo", kind, id_)).encode() for kind, id_ in allowed}
    assert set(redis.scan_iter()) == expected
    assert done.profiles == sum(heard) == len(expected)
    for name in expected:
        assert 0 < redis.ttl(name) <= keys.PROFILE_TTL_S


async def test_the_bytes_are_measured_and_within_the_promise(
    shop_dir: Dataset, session_store: str, redis: "Redis"
) -> None:
    """At most 1.5 KB per shopper as stored, and said in the report."""
    client = connect(session_store, timeout_s=5, connections=2)
    done = await refresh(client, shop_dir, "demo", KEY)
    await client.aclose()
    assert 0 < done.stored_mean <= done.stored_max <= 1536
    assert done.value_bytes == sum(redis.strlen(name) for name in redis.scan_iter())
    assert f"{done.stored_max:,} bytes per shopper" in str(done)
    assert f"{done.profiles:,} profiles" in str(done)


async def test_the_stored_profile_is_the_replayed_one(shop_dir: Dataset, session_store: str, redis: "Redis") -> None:
    """Byte for byte what `apply` makes of the history; running it again changes nothing."""
    client = connect(session_store, timeout_s=5, connections=2)
    await refresh(client, shop_dir, "demo", KEY)
    before: dict[Any, Any] = {name: redis.get(name) for name in redis.scan_iter()}
    await refresh(client, shop_dir, "demo", KEY)
    await client.aclose()
    assert {name: redis.get(name) for name in redis.scan_iter()} == before
    for profile in replay_profiles(shop_dir, "demo", KEY):
        stored = decode_profile(before[keys.profile_key("demo", profile.shopper).encode()])
        assert stored.orders == profile.orders
        assert set(stored.bought) <= set(profile.bought)


async def test_profiles_are_written_in_bulk_with_a_ttl(session_store: str, redis: "Redis") -> None:
    """Their bytes are reported; who has denied it since, and whose profile has merged parts, is left out."""
    profiles = [Profile("demo", f"k1.{n}") for n in range(50)]
    for profile in profiles:
        apply(profile, Event("e", "detail-page-view", datetime.now(UTC), products=(Line("1"),)), time.time())
    denial = Decision("demo", "k1.9", ("analytics",), time.time(), "banner")
    redis.set(keys.consent_key("demo", "k1.9"), encode_decision(denial))
    redis.hset(keys.parts_key("demo", "k1.8"), "own", b"of several devices")
    client = connect(session_store, timeout_s=5, connections=2)
    written = await put_profiles(client, profiles)
    await client.aclose()
    assert len(written) == 48
    assert written[keys.profile_key("demo", "k1.7")] == len(encode_profile(profiles[7]))
    assert not redis.exists(keys.profile_key("demo", "k1.9"), keys.profile_key("demo", "k1.8"))
    assert 0 < redis.ttl(keys.profile_key("demo", "k1.7")) <= keys.PROFILE_TTL_S


def test_restricted_products_are_left_out(shop_dir: Dataset) -> None:
    """Whatever the history holds of them: an event of nothing else is no event."""
    first = next(replay_profiles(shop_dir, "demo", KEY))
    product = next(iter(first.bought))
    strip = partial(without, restricted=lambda id_: id_ == product)
    assert product not in next(replay_profiles(shop_dir, "demo", KEY, strip)).bought


def test_the_command_writes_the_edges_profiles(
    shop_dir: Dataset, data_dir: Path, session_store: str, redis: "Redis", serve: Any
) -> None:
    """With the key of the data directory; an edge beside it finds them and answers personally."""
    (data_dir / "datasets").mkdir()
    (data_dir / "datasets" / "demo").symlink_to(shop_dir.directory)
    done = backend("refresh", ENDCAP_DATA_DIR=str(data_dir), REDIS_URL=session_store)
    assert done.returncode == 0, done.stderr
    assert "profiles written" in done.stdout
    known = load_key(data_dir, None)
    kind, id_, _ = next(one for one in shop_dir.replay(purpose="personalization") if one[0] == "customer")
    assert redis.exists(keys.profile_key("demo", pseudonym(known, "demo", kind, id_)))
    edge = serve(pseudonym_key=None)
    home = edge.shelves("home", customer_id=id_, consent="personalization")
    assert "personal" in {slot["served_by"] for slot in home["slots"]}


def test_without_data_the_command_says_what_to_do(tmp_path: Path, session_store: str) -> None:
    """One line, exit status 2, no traceback."""
    done = backend("refresh", ENDCAP_DATA_DIR=str(tmp_path), REDIS_URL=session_store)
    assert done.returncode == 2
    assert "no prepared data set" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_embedded_store_is_used_where_none_is_named(shop_dir: Dataset, tmp_path: Path) -> None:
    """Started for the job, stopped after it, and the profiles are in its files."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "demo").symlink_to(shop_dir.directory)
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    command = [sys.executable, "-m", "backend", "refresh"]
    done = subprocess.run(
        command, env=environment | {"ENDCAP_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "store" / "store.pid").exists()
    assert any(path.stat().st_size > 10_000 for path in (tmp_path / "store" / "appendonlydir").iterdir())
