"""The backend's small commands: prices and stock, switches, publishing."""

import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from edge.core.bundle import read_live
from edge.core.keys import overlay_key
from edge.core.products import decode_change
from edge.core.switches import Switches, read_switches
from tests.backend.program import backend

pytestmark = pytest.mark.store


@pytest.fixture
def command(data_dir: Path, session_store: str, redis: "Redis") -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m backend ...` on the test's data directory and store."""
    return partial(backend, ENDCAP_DATA_DIR=str(data_dir), REDIS_URL=session_store)


def test_help_lists_the_commands(command: Callable[..., Any]) -> None:
    """Each with a line that says what it does. (Without a command the app runs.)"""
    done = command("--help")
    for name in ("refresh", "product", "listing", "switch", "publish"):
        assert name in done.stdout


def test_a_price_change_reaches_a_running_edge(
    command: Callable[..., Any], edge: Any, redis: "Redis", until: Callable[..., None]
) -> None:
    """From the command line to the shelf."""
    assert command("product", "p004", "--price", "7.5", "--compare-at", "9").returncode == 0
    until(lambda: edge.edge.recommender.catalogue.get("p004").price == 7.5)
    assert command("product", "p004", "--sold-out").returncode == 0
    until(lambda: not edge.edge.recommender.catalogue.get("p004").available)
    stored: Any = redis.hget(overlay_key("demo"), "p004")
    change = decode_change(stored)
    assert (change.price, change.compare_at_price, change.available) == (7.5, 9, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("product", "p004"), "nothing to change"),
        (("product", "p004", "--price", "-1"), "price"),
        (("listing", "new", "--price", "1"), "--title"),
        (("listing", "new", "--title", "", "--price", "1"), "length"),
        (("listing", "new", "--title", "New", "--price", "1", "--currency", "euro"), "currency"),
        (("switch", "--off", "attic"), "no surface"),
        (("switch", "--percent", "101"), "percent"),
        (("publish", "nowhere"), "no bundle"),
    ],
)
def test_what_cannot_be_done_is_said(command: Callable[..., Any], arguments: tuple[str, ...], words: str) -> None:
    """Exit status 2 and a line with the remedy, no traceback."""
    done = command(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_switches_are_thrown_one_by_one(command: Callable[..., Any], data_dir: Path) -> None:
    """What is not named stays as it is; without options they are shown."""
    bundles = data_dir / "bundles"
    command("switch", "--off", "pdp", "--off", "cart")
    command("switch", "--percent", "30")
    command("switch", "--on", "cart")
    assert read_switches(bundles, "demo") == Switches(off=("pdp",), serve_percent=30)
    shown = command("switch")
    assert "off: pdp; shoppers served: 30 %" in shown.stdout


def test_publishing_names_the_live_version(command: Callable[..., Any], data_dir: Path) -> None:
    """Any bundle of the shop, by its version."""
    version = read_live(data_dir / "bundles", "demo").live
    (data_dir / "bundles" / "demo" / "live.json").unlink()
    done = command("publish", version)
    assert done.returncode == 0
    assert version in done.stdout
    assert read_live(data_dir / "bundles", "demo").live == version


def test_a_store_that_is_not_there_is_said_plainly(command: Callable[..., Any], tmp_path: Path) -> None:
    """Not a traceback of the client library."""
    done = command("product", "p004", "--price", "1", REDIS_URL=f"unix://{tmp_path}/nothing.sock")
    assert done.returncode == 2
    assert "endcap:" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_settings_are_named(command: Callable[..., Any]) -> None:
    """In one line."""
    done = command("switch", ENDCAP_SHOP="no spaces")
    assert done.returncode == 2
    assert "shop" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_product_is_listed_on_a_running_edge(
    command: Callable[..., Any], edge: Any, redis: "Redis", until: Callable[..., None]
) -> None:
    """From the command line to a page of its own, listed today."""
    arguments = ("--title", "Alder Smoked Cheese", "--price", "5", "--category", "Dairy > Cheese", "--brand", "Alder")
    assert command("listing", "brand-new", *arguments).returncode == 0
    until(lambda: edge.edge.recommender.catalogue.get("brand-new"))
    product = edge.edge.recommender.catalogue.get("brand-new")
    assert (product.title, product.price, product.category, product.currency) == (
        "Alder Smoked Cheese", 5.0, "Dairy > Cheese", "USD",
    )  # fmt: skip
    assert product.listed in {int(time.time() // 86_400), int(time.time() // 86_400) - 1}
    until(lambda: edge.shelves("pdp", product_id="brand-new")["slots"][0]["title"] != "Popular in Cheese")
