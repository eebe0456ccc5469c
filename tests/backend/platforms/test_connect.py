"""Which platforms the settings name, what is missing is said, and an app taken out makes no more calls."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend import audit
from backend.platforms import connect
from backend.platforms.adobe import Adobe
from backend.platforms.bigcommerce import BigCommerce
from backend.platforms.connect import NotConnectedError
from backend.platforms.shopify import Shopify
from backend.settings import Settings
from edge.core.tasks import Platform

URLS = {
    "shopify": "https://shop.example", "bigcommerce": "https://api.bigcommerce.com/stores/x", "adobe": "https://a.example",
}  # fmt: skip
CLIENTS: dict[str, Callable[[Settings], Shopify | BigCommerce | Adobe]] = {
    "shopify": connect.shopify,
    "bigcommerce": connect.bigcommerce,
    "adobe": connect.adobe,
}
PLATFORMS: tuple[Platform, ...] = ("shopify", "bigcommerce", "adobe")


def given(tmp_path: Path, platform: str, **changed: Any) -> Settings:
    """Settings that name one platform, with its token."""
    values: dict[str, Any] = {f"{platform}_url": URLS[platform], f"{platform}_token": "canary-1"}
    return Settings(data_dir=tmp_path, **(values | changed))


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("missing", ["url", "token"])
def test_a_platform_without_address_or_token_names_both_settings(
    tmp_path: Path, platform: Platform, missing: str
) -> None:
    """And the page that says how to get them."""
    settings = given(tmp_path, platform, **{f"{platform}_{missing}": None})
    name = platform.upper()
    with pytest.raises(
        NotConnectedError, match=f"{platform} is not connected; set ENDCAP_{name}_URL and ENDCAP_{name}_T"
    ):
        CLIENTS[platform](settings)


async def test_the_connected_platforms_are_those_with_an_address(tmp_path: Path) -> None:
    """In a fixed order; a client can be made for each."""
    values: dict[str, Any] = {f"{platform}_url": url for platform, url in URLS.items()}
    values |= {f"{platform}_token": "canary-1" for platform in URLS}
    settings = Settings(data_dir=tmp_path, **values)
    assert connect.connected(settings) == list(PLATFORMS)
    assert connect.connected(Settings(data_dir=tmp_path)) == []
    for platform in PLATFORMS:
        async with CLIENTS[platform](settings):
            pass


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_app_that_was_taken_out_stays_out_until_there_is_a_new_token(tmp_path: Path, platform: Platform) -> None:
    """The mark holds a digest, never the token; the others go on."""
    settings = given(tmp_path, platform)
    connect.disconnect(settings, platform)
    with pytest.raises(NotConnectedError, match=f"out of {platform}; install it again and set its new") as failure:
        CLIENTS[platform](settings)
    (mark,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "canary" not in mark.read_text() + str(failure.value)
    CLIENTS[platform](given(tmp_path, platform, **{f"{platform}_token": "canary-2"}))
    other = next(one for one in PLATFORMS if one != platform)
    CLIENTS[other](given(tmp_path, other))


def test_an_uninstall_without_a_token_stops_no_later_token(tmp_path: Path) -> None:
    """There was none to be told from the next; of another shop it says nothing."""
    connect.disconnect(given(tmp_path, "shopify", shopify_token=None), "shopify")
    connect.shopify(given(tmp_path, "shopify"))
    connect.disconnect(given(tmp_path, "shopify"), "shopify")
    connect.shopify(given(tmp_path, "shopify", shop="other"))


def test_a_token_never_goes_to_an_address_in_the_clear(tmp_path: Path) -> None:
    """The client is not even made."""
    with pytest.raises(Exception, match="https"):
        connect.shopify(given(tmp_path, "shopify", shopify_url="http://shop.example"))


def test_each_fetch_leaves_one_line_with_counts_and_no_ids(tmp_path: Path) -> None:
    """Who, what kind, how many."""
    connect.note_fetch(given(tmp_path, "adobe"), "adobe", "orders", 3, "reconcile")
    (entry,) = audit.read(tmp_path)
    assert (entry.action, entry.actor, entry.outcome) == ("fetch", "reconcile", "done")
    assert entry.details == {"platform": "adobe", "kind": "orders", "count": 3}
