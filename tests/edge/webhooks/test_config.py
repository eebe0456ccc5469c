"""Settings of webhooks: what cannot work is said before anything starts, by the name of the variable."""

from pathlib import Path
from typing import Any

import pytest

from edge.errors import EndcapError
from edge.settings import Settings
from edge.webhooks.config import webhook_config


def test_nothing_set_means_nothing_listened_to() -> None:
    """And nothing kept of any shopper."""
    config = webhook_config(Settings())
    assert (config.shopify, config.bigcommerce, config.adobe, config.endcap) == (None, None, None, None)
    assert (config.consent, config.currency) == (frozenset(), "USD")


def test_lists_are_read_with_their_spaces() -> None:
    """Several secrets; the shop's name in any case; purposes."""
    config = webhook_config(
        Settings(
            shopify_secrets=" a, b ,", shopify_domain="Shop.MyShopify.com", webhook_secrets="whsec_" + "QUFB" * 8,
            webhook_consent="analytics, personalization",
        )
    )  # fmt: skip
    assert config.shopify is not None
    assert (config.shopify.secrets, config.shopify.shop) == ((b"a", b"b"), "shop.myshopify.com")
    assert config.endcap is not None
    assert config.endcap.secrets == (b"AAA" * 8,)
    assert config.consent == {"analytics", "personalization"}
    assert webhook_config(Settings(webhook_consent="none,marketing")).consent == frozenset()


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({"shopify_secrets": "a"}, "ENDCAP_SHOPIFY_DOMAIN"),
        ({"bigcommerce_secrets": "a"}, "ENDCAP_BIGCOMMERCE_STORE"),
        ({"adobe_client_id": "a"}, "ENDCAP_ADOBE_KEYS"),
        ({"adobe_client_id": "a", "adobe_keys": Path("nowhere")}, "nowhere"),
        ({"webhook_secrets": "short"}, "ENDCAP_WEBHOOK_SECRETS"),
        ({"webhook_secrets": "whsec_!"}, "ENDCAP_WEBHOOK_SECRETS"),
        ({"webhook_consent": "everything"}, "ENDCAP_WEBHOOK_CONSENT"),
    ],
)
def test_what_cannot_work_is_said(changed: dict[str, Any], variable: str) -> None:
    """With what to set."""
    with pytest.raises(EndcapError, match=variable):
        webhook_config(Settings(**changed))


def test_secrets_do_not_show_where_settings_are_printed() -> None:
    """In a log, say."""
    settings = Settings(shopify_secrets="hush-1", bigcommerce_secrets="hush-2", webhook_secrets="hush-3")
    assert "hush" not in repr(settings)
