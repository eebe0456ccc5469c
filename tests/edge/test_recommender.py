"""The request path without HTTP: who is answered from what, also when the store is away."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.core.snapshot import write_snapshot
from edge.core.switches import Switches
from edge.identify import Caller
from edge.profiles import ShopperStore, connect
from edge.recommend import Recommender, Served
from edge.settings import Settings
from edge.wire import Query
from training.dataset import Dataset

NOBODY = Caller("demo", None, None, frozenset(), "demo")
SHOPPER = Caller("demo", "k1.visitor", None, frozenset({"personalization"}), "demo")
PAGE = Query("pdp", product_id="p004")
VISIT = Query("home", session=("p004", "p016", "p028"))


def recommender_of(data_dir: Path, store: ShopperStore, **changed: Any) -> Recommender:
    """A recommender of the small shop, its model loaded."""
    made = Recommender(Settings(data_dir=data_dir, **({"deadline_ms": 60_000} | changed)), "demo", store)
    made.refresh()
    assert made.live.current is not None
    return made


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[ShopperStore]:
    """A store at an address where nobody listens."""
    redis = connect(f"unix://{tmp_path}/nobody.sock", timeout_s=5, connections=2)
    yield ShopperStore(redis)
    await redis.aclose()


@pytest.fixture
async def recommender(data_dir: Path, away: ShopperStore) -> Recommender:
    """One whose store is away, with time enough."""
    return recommender_of(data_dir, away)


def seen(served: Served) -> tuple[list[str], str, bool]:
    """What was missing, who may keep it, and whether it was found in the cache."""
    return list(served.answer.degraded), served.sharing, served.cached.hit


async def test_a_visit_in_the_request_serves_when_the_store_is_away(recommender: Recommender) -> None:
    """The shopper's records cannot be read; the session that came along shapes the shelves, marked and not kept."""
    answers = [await recommender.answer(VISIT, SHOPPER) for _ in range(2)]
    assert seen(answers[0])[:2] == (["profile"], "none")
    shelves = {slot.id: slot for slot in answers[0].answer.slots}
    assert shelves["for_you"].served_by == "session"
    assert [item.id for item in shelves["recently_viewed"].items] == ["p028", "p016", "p004"]
    assert answers[0].answer.body == answers[1].answer.body
    healthy = await recommender.answer(VISIT, NOBODY)
    assert seen(healthy) == ([], "private", False), "the mark is not found by somebody the store was not asked for"
    assert healthy.answer.slots == answers[0].answer.slots


async def test_without_a_visit_the_answer_is_what_everybody_gets(recommender: Recommender) -> None:
    """Out of the cache where it is there; the mark stays with the one request."""
    assert seen(await recommender.answer(PAGE, NOBODY)) == ([], "public", False)
    personal = await recommender.answer(PAGE, SHOPPER)
    assert seen(personal) == (["profile"], "none", True)
    again = await recommender.answer(PAGE, NOBODY)
    assert seen(again) == ([], "public", True)
    assert again.answer.slots == personal.answer.slots


async def test_the_store_is_asked_only_for_who_allows_it(recommender: Recommender, away: ShopperStore) -> None:
    """Without consent or without an id there is nothing to fail, and no failure is counted against the store."""
    silent = Caller("demo", "k1.visitor", None, frozenset({"analytics", "marketing"}), "demo")
    nameless = Caller("demo", None, None, frozenset({"personalization"}), "demo")
    for caller in (silent, nameless):
        for query in (PAGE, VISIT, Query("home"), Query("cart")):
            assert (await recommender.answer(query, caller)).answer.degraded == ()
    assert not away.breaker.open


async def test_time_lost_at_the_store_leaves_the_popular_list(data_dir: Path, away: ShopperStore) -> None:
    """Both faults are named, in the order they came; without a model or with the surface off nobody is asked."""
    late = recommender_of(data_dir, away, deadline_ms=0.000001)
    answer = await late.answer(VISIT, SHOPPER)
    assert seen(answer)[:2] == (["profile", "deadline"], "none")
    assert [slot.served_by for slot in answer.answer.slots] == ["popular"]
    late.switches = Switches(off=("home",))
    assert (await late.answer(VISIT, SHOPPER)).answer.degraded == ("switched_off",)
    late.live.current = None
    assert (await late.answer(PAGE, SHOPPER)).answer.slots == []


async def test_who_is_not_served_gets_the_popular_list_without_a_mark(recommender: Recommender) -> None:
    """It is no fault. Nobody is served at 0 percent; callers without a name are the first to be."""
    recommender.switches = Switches(serve_percent=0)
    held_out = await recommender.answer(VISIT, SHOPPER)
    assert seen(held_out) == ([], "private", False)
    assert [(slot.id, slot.served_by) for slot in held_out.answer.slots] == [("for_you", "popular")]
    recommender.switches = Switches(serve_percent=1)
    assert (await recommender.answer(PAGE, NOBODY)).sharing == "public"


async def test_live_rules_need_no_new_ranking_and_other_questions_do(recommender: Recommender) -> None:
    """min_score, fallback and rev are not part of the key; what changes the candidates or the market is."""
    await recommender.answer(PAGE, NOBODY)
    changes: list[tuple[dict[str, Any], bool]] = [
        ({"min_score": 0.5}, True),
        ({"fallback": "none"}, True),
        ({"rev": "2"}, True),
        ({"market": "US", "locale": "en-US"}, True),
        ({"market": "DE"}, False),
        ({"locale": "de-DE"}, False),
        ({"limit": 3}, False),
        ({"exclude": ("p001",)}, False),
        ({"product_ids": ("p016",)}, False),
    ]
    for change, hit in changes:
        served = await recommender.answer(msgspec.structs.replace(PAGE, **change), NOBODY)
        assert served.cached.hit is hit, change


async def test_the_popular_list_keeps_to_the_shelves_asked_for(recommender: Recommender) -> None:
    """A shelf that does not fall back is not filled with something else."""
    assert recommender.popular(Query("home", slots=("trending",))).answer.slots == []
    assert [slot.id for slot in recommender.popular(Query("cart"), "overload").answer.slots] == ["cart_complements"]


async def test_a_damaged_catalogue_is_a_fault_until_it_is_mended(
    recommender: Recommender, data_dir: Path, shop_dir: Dataset
) -> None:
    """Meanwhile the last good one serves."""
    path = data_dir / "catalogue" / "demo.cat"
    products, known = list(shop_dir.catalogue()), len(recommender.catalogue)
    path.write_bytes(b"not a catalogue")
    recommender.refresh()
    assert list(recommender.faults) == ["catalogue"]
    assert len(recommender.catalogue) == known
    write_snapshot(path, products[:-1], as_of=0)
    recommender.refresh()
    assert recommender.faults == {}
    assert len(recommender.catalogue) == known - 1


def test_a_full_collection_does_not_walk_model_and_catalogue(data_dir: Path) -> None:
    """They are frozen when they are loaded, and again when something new is; nothing changes in between."""
    code = (
        "import gc, sys\n"
        "from edge.assembly import build_edge\n"
        "from edge.settings import Settings\n"
        "edge = build_edge(Settings(redis_url='unix:///nowhere.sock'))\n"
        "before = gc.get_freeze_count()\n"
        "edge.recommender.refresh()\n"
        "once = gc.get_freeze_count()\n"
        "edge.recommender.refresh()\n"
        "print(before, once, gc.get_freeze_count(), edge.recommender.live.current is not None)\n"
    )
    environment = os.environ | {"ENDCAP_DATA_DIR": str(data_dir)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    before, once, again, loaded = done.stdout.split()
    assert loaded == "True"
    assert int(before) < int(once)
    assert once == again
