"""The shop that is measured, its counters, and what is asked of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.ask import Asker
from loadtests.bench.counters import counting, read
from loadtests.bench.shop import Pages, Shop, name_live, prepare, store, twin
from loadtests.server import ROOT, RunError


@pytest.fixture
def prepared(demo: Path) -> Shop:
    """The small demo's shop, with 60 shoppers."""
    return prepare(demo, demo / "bench", "demo", 60, candidates=3)


def test_a_shop_is_prepared_beside_the_demo(prepared: Shop, demo: Path) -> None:
    """A copy of the live bundle and the catalogue, a store of its own, shoppers with pages; what is there stays."""
    live = json.loads((demo / "bundles" / "demo" / "live.json").read_bytes())["live"]
    assert prepared.version == live
    assert (prepared.bundle / "manifest.json").read_bytes() == (
        demo / "bundles" / "demo" / live / "manifest.json"
    ).read_bytes()
    assert len(prepared.shoppers) == 60
    assert 0 < len(prepared.pages) <= 60
    (prepared.bundle.parent / "old-version").mkdir()
    again = prepare(demo, demo / "bench", "demo", 60, candidates=3)
    assert again == prepared
    assert not (prepared.bundle.parent / "old-version").exists()


def test_another_checkout_gets_no_pages(demo: Path) -> None:
    """Its store is filled in its codec, by its own code; what it ranks is not ours to ask."""
    link = demo / "other"
    link.symlink_to(ROOT)
    shop = prepare(demo, demo / "bench", "demo", 30, root=link)
    assert shop.pages == ()
    assert len(shop.shoppers) == 30


def test_a_demo_that_was_never_prepared_is_refused(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(RunError, match="scripts/demo --prepare"):
        prepare(tmp_path, tmp_path / "bench", "demo", 10)


def test_a_demo_without_profiles_is_refused(data_dir: Path) -> None:
    """The reason was printed by the program that looked."""
    with pytest.raises(RunError, match="could not be made"):
        prepare(data_dir, data_dir / "bench", "demo", 10)


def test_the_twin_is_the_same_model_by_another_name(prepared: Shop) -> None:
    """And `live.json` can name it."""
    version = twin(prepared)
    assert twin(prepared) == version != prepared.version
    place = prepared.bundle.with_name(version)
    assert json.loads((place / "manifest.json").read_bytes())["version"] == version
    assert (place / "ranker.onnx").read_bytes() == (prepared.bundle / "ranker.onnx").read_bytes()
    name_live(prepared.data, "demo", version)
    assert json.loads((prepared.data / "bundles" / "demo" / "live.json").read_bytes()) == {"live": version}


def test_the_store_is_up_as_long_as_the_block(prepared: Shop) -> None:
    """On the client's core."""
    with store(prepared, 0) as url:
        assert url.startswith("unix://")
        assert (prepared.data / "store" / "store.pid").exists()
    assert not (prepared.data / "store" / "store.pid").exists()


def test_a_store_that_does_not_start_says_why(prepared: Shop) -> None:
    """From its log."""
    (prepared.data / "store" / "store.lock").unlink(missing_ok=True)
    (prepared.data / "store" / "store.lock").mkdir()
    with pytest.raises(RunError, match="the store did not start"), store(prepared, 0):
        pass


def test_nobody_asks_twice(prepared: Shop) -> None:
    """Each page is another shopper's, in the same order for the same seed."""
    pages = Pages(prepared)
    for surface, count in (("pdp", len(prepared.pages)), ("home", 60), ("cart", 60)):
        paths = pages.personal(surface)
        who = [path.partition("visitor_id=")[2].partition("&")[0] for path in paths]
        assert len(set(who)) == len(paths) == count
        assert paths == pages.personal(surface) != Pages(prepared, 2).personal(surface)
        assert all(path.startswith(f"/v1/recommendations/{surface}?") for path in paths)
    chosen = dict(prepared.pages)
    for path in pages.personal("pdp"):
        product = path.partition("product_id=")[2].partition("&")[0]
        assert chosen[path.partition("visitor_id=")[2].partition("&")[0]] == product


def test_pages_for_nobody_name_the_products_bought_most(prepared: Shop) -> None:
    """And no shopper, so that they may be cached for all."""
    paths = Pages(prepared).contextual(5)
    assert paths == [f"/v1/recommendations/pdp?product_id={id_}" for id_, _ in prepared.products[:5]]


def test_counters_tell_what_a_run_of_requests_did(serve: Any, remember: Any, redis: Any) -> None:
    """Runs of the ranker, over how many candidates, what was degraded, and the time by stage."""
    edge = serve()
    product = edge.edge.recommender.live.current.index.ids[0]
    remember(edge, redis, "7", product)
    with Asker(edge.url) as asker:

        def ask() -> None:
            for query in (f"product_id={product}&customer_id=7&consent=personalization", "product_id=unheard-of"):
                assert asker.get(f"/v1/recommendations/pdp?{query}").status == 200

        counted = counting(asker, ask)
        again = counting(asker, lambda: None)
    with Asker("http://127.0.0.1:1") as nobody, pytest.raises(RunError, match="/metrics answered 0"):
        read(nobody)
    assert counted.ranked == counted.ranked_few == 1
    assert 0 < counted.candidates < 100
    assert counted.degraded == {"unknown_product": 1}
    assert counted.stages_s["rank"] > 0
    assert (again.ranked, again.degraded) == (0, {})
