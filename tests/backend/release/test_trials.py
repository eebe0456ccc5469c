"""Trials from beginning to end: a bad canary is withdrawn by itself through the real endpoints, an equal one is not."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from typer.testing import CliRunner

from backend import audit
from backend.__main__ import app
from backend.consume.consumer import Consumer
from backend.release import trials
from backend.release.state import ReleaseError
from backend.settings import Settings
from edge.core.bundle import Live, read_live, write_live
from edge.core.errors import BundleError
from edge.core.keys import counts_key
from edge.profiles import connect
from tests.bundles import another, muddled
from tests.serving import Running, Serve, until

pytestmark = pytest.mark.store


@pytest.fixture
def settings(data_dir: Path, session_store: str) -> Settings:
    """The backend's settings for the test's own data directory."""
    return Settings(data_dir=data_dir, redis_url=session_store, pseudonym_key="5e" * 32)


@pytest.fixture
async def client(session_store: str, redis: object) -> Any:
    """A client as the backend uses it, on an empty store."""
    one = connect(session_store, timeout_s=10, connections=8)
    yield one
    await one.aclose()


def visit(edge: Running, rng: random.Random, shopper: int) -> list[dict[str, Any]]:
    """A shopper looks at a product page and clicks on what is of the page's kind: what the page's events say."""
    catalogue = edge.edge.recommender.catalogue
    page = f"p{rng.randint(1, 120):03d}"
    sent: list[dict[str, Any]] = []

    def note(type_: str, slot: dict[str, Any], *ids: str) -> None:
        sent.append(
            {
                "id": f"{shopper}-{rng.getrandbits(64):x}",
                "type": type_,
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "visitor_id": f"shopper-{shopper}",
                "products": [{"product_id": id_} for id_ in ids],
                "slot": slot["id"],
                "attribution_token": slot["attribution_token"],
                "consent": ["analytics"],
            }
        )

    for slot in edge.shelves("pdp", product_id=page, visitor_id=f"shopper-{shopper}", limit=4)["slots"]:
        note("recommendation-impression", slot, *(item["id"] for item in slot["items"]))
        for item in slot["items"]:
            seen, shown = catalogue.get(page), catalogue.get(item["id"])
            alike = seen is not None and shown is not None and seen.category == shown.category
            if rng.random() < (0.4 if alike else 0.03):
                note("recommendation-click", slot, item["id"])
                break
    return sent


async def day_of_shopping(edge: Running, client: "AsyncRedis", shoppers: range, seed: int = 3) -> None:
    """So many shoppers, each a page, and their events consumed."""
    rng, waiting = random.Random(seed), []
    for shopper in shoppers:
        waiting += visit(edge, rng, shopper)
        if len(waiting) > 90:
            edge.send(*waiting[:90])
            waiting = waiting[90:]
    if waiting:
        edge.send(*waiting)
    await Consumer(client, "demo").catch_up()


async def shop_until(
    edge: Running, client: "AsyncRedis", settings: Settings, done: Callable[[str], bool], rounds: int
) -> list[str]:
    """Rounds of shopping with the judge's look after each, until `done`."""
    said: list[str] = []
    for number in range(rounds):
        await day_of_shopping(edge, client, range(number * 120, number * 120 + 120), seed=number)
        said.append(await trials.look(settings, client))
        if done(said[-1]):
            break
    return said


def has_canary(edge: Running, version: str | None) -> Callable[[], bool]:
    """Whether the edge has taken up this canary, or has let go of it."""
    live = edge.edge.recommender.live
    return lambda: (live.canary.version if live.canary else None) == version


async def test_a_bad_canary_is_withdrawn_by_itself(serve: Serve, settings: Settings, client: "AsyncRedis") -> None:
    """Shoppers who like what is of a kind click less on its senseless shelves; all of them get the live model again."""
    edge, bad = serve(), muddled(settings.bundles_dir)
    live = read_live(settings.bundles_dir, "demo").live
    await trials.start(settings, client, "test", bad, 50)
    until(has_canary(edge, bad))
    said = await shop_until(edge, client, settings, lambda told: "withdrawn" in told, rounds=12)
    assert "shoppers click less" in said[-1], said
    assert read_live(settings.bundles_dir, "demo") == Live(live)
    until(has_canary(edge, None))
    assert edge.shelves("home", visitor_id="anybody")["model_version"] == live
    line = audit.read(settings.data_dir)[-1]
    assert (line.action, line.actor, line.outcome, line.details["version"]) == ("withdraw", "judge", "done", bad)
    assert await trials.look(settings, client) == "no canary"


async def test_an_equal_canary_is_kept(serve: Serve, settings: Settings, client: "AsyncRedis") -> None:
    """The live model under another name, looked at as often."""
    edge, same = serve(), another(settings.bundles_dir)
    await trials.start(settings, client, "test", same, 50)
    until(has_canary(edge, same))
    said = await shop_until(edge, client, settings, lambda _: False, rounds=8)
    assert all(told.startswith("second serves 50 %: nothing against it") for told in said), said
    found = await trials.assess(settings, client)
    assert found is not None
    assert int(found[1].figures["canary_shelves_seen"] or 0) > 200


async def test_a_canary_that_an_edge_refuses_is_withdrawn(
    serve: Serve, settings: Settings, client: "AsyncRedis"
) -> None:
    """Its files are fine for the backend, and its golden scores are not what it gives."""
    edge, broken = serve(), another(settings.bundles_dir, "broken")
    (settings.bundles_dir / "demo" / broken / "extra").write_text("not listed")
    with pytest.raises(BundleError, match="unlisted"):
        await trials.start(settings, client, "test", broken, 10)
    write_live(
        settings.bundles_dir,
        "demo",
        msgspec.structs.replace(read_live(settings.bundles_dir, "demo"), canary=broken, percent=10),
    )
    assert "broken serves 10 %" in await trials.look(settings, client)
    day = int(time.time() // 86_400)
    until(lambda: edge.edge.recommender.live.places["canary"].refused)
    for _ in range(200):
        if await client.hget(counts_key("demo", day), "served:broken:refused"):
            break
        time.sleep(0.05)
    assert "withdrawn: 1 edge process(es) refused" in await trials.look(settings, client)


async def test_a_trial_begins_anew_with_another_share(settings: Settings, client: "AsyncRedis") -> None:
    """What was counted under the old share stays out; the same call again changes nothing."""
    second, day = another(settings.bundles_dir), int(time.time() // 86_400)
    await trials.start(settings, client, "test", second, 10)
    await client.hincrby(counts_key("demo", day), f"served:{second}:failed", 500)
    await trials.start(settings, client, "test", second, 20)
    found = await trials.assess(settings, client)
    assert found is not None
    assert (found[0].percent, found[1].action, found[1].figures["canary_failed"]) == (20, "keep", 0)
    assert await trials.assess(settings, client) == found
    (settings.bundles_dir / "demo" / "canary.json").write_text("{")
    again = await trials.assess(settings, client)
    assert again is not None
    assert again[0].started >= found[0].started


async def test_a_good_canary_is_promoted_by_itself_only_where_nobody_need_be_asked(
    settings: Settings, client: "AsyncRedis"
) -> None:
    """PUBLISH=auto promotes; else the judge says that it may be."""
    second, day = another(settings.bundles_dir), int(time.time() // 86_400)
    live = read_live(settings.bundles_dir, "demo").live
    await trials.start(settings, client, "test", second, 50)
    for version in (second, live):
        for name, n in (("impressions", 100_000), ("clicks", 5_000)):
            await client.hincrby(counts_key("demo", day), f"{name}:similar:{version}", n)
    patient = settings.model_copy(update={"canary_least_h": 0.0})
    assert "second serves 50 %: shoppers click as much" in await trials.look(patient, client)
    eager = patient.model_copy(update={"publish": "auto"})
    assert "second promoted" in await trials.look(eager, client)
    assert read_live(settings.bundles_dir, "demo") == Live(second)
    assert [line.action for line in audit.read(settings.data_dir)][:3] == ["canary", "promote", "publish"]


async def test_what_cannot_be_tried(settings: Settings, client: "AsyncRedis") -> None:
    """A version that is live, one that is not there; nothing to promote or withdraw."""
    live = read_live(settings.bundles_dir, "demo").live
    with pytest.raises(ReleaseError, match="its own canary"):
        await trials.start(settings, client, "test", live, 10)
    with pytest.raises(BundleError, match="no bundle at"):
        await trials.start(settings, client, "test", "nowhere", 10)
    with pytest.raises(ReleaseError, match="has no canary"):
        trials.promote(settings, "test")
    assert trials.withdraw(settings, "test") is None
    assert audit.read(settings.data_dir) == []


async def test_a_judge_of_yesterday_does_not_withdraw_todays_canary(settings: Settings, client: "AsyncRedis") -> None:
    """The version that was judged goes, and no other."""
    second, third = another(settings.bundles_dir), another(settings.bundles_dir, "third")
    await trials.start(settings, client, "test", third, 10)
    assert trials.withdraw(settings, "judge", ("slow",), second) is None
    assert read_live(settings.bundles_dir, "demo").canary == third


def test_the_commands(settings: Settings, redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin, look, promote or withdraw a canary; name, look at and drop a shadow."""
    second, third = another(settings.bundles_dir), another(settings.bundles_dir, "third")
    monkeypatch.setenv("REDIS_URL", str(settings.redis_url))
    monkeypatch.setenv("ENDCAP_DATA_DIR", str(settings.data_dir))

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert "no canary" in said("canary")
    assert "no shadow" in said("shadow")
    assert "second serves 25 %" in said("canary", second, "--percent", "25")
    shown = said("canary")
    assert "keep" in shown
    assert "canary_answers 0" in shown.replace("│", "").replace("  ", " ")
    assert "second withdrawn" in said("canary", "--withdraw")
    assert "nothing withdrawn" in said("canary", "--withdraw")
    said("canary", second)
    assert "second serves everybody" in said("canary", "--promote")
    assert "third is the shadow" in said("shadow", third)
    day = int(time.time() // 86_400)
    counted = {
        "compared": 4,
        "failed": 1,
        "us": 1_500,
        "live_us": 1_000,
        "shelves:similar": 4,
        "overlap:similar": 3_000,
    }
    redis.hset(counts_key("demo", day), mapping={f"shadow:third:{name}": n for name, n in counted.items()})
    report = said("shadow")
    assert "4 questions compared, 1 failed" in report
    assert "375 µs a page, 1.5 times" in report
    assert "75%" in report
    assert "no shadow any more" in said("shadow", "--off")
    for wrong in (("canary", third, "--promote"), ("shadow", third, "--off")):
        assert "one thing at a time" in CliRunner().invoke(app, list(wrong)).output
