"""What a platform answers when it is asked: times that no clock has are an error of the platform's, not a crash."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given

from backend.platforms import adobe_objects, bigcommerce_objects, shopify_objects
from backend.platforms.http import PlatformError
from tests.hostile.effort import tries
from tests.hostile.inputs import NASTY_TEXTS, texts

READERS: list[Callable[[str], Any]] = [adobe_objects.read_time, bigcommerce_objects.read_time]


@pytest.mark.parametrize("read", READERS)
def test_a_time_is_read_or_refused(read: Callable[[str], Any]) -> None:
    """Whatever stands there; what is read names its zone, so that it can be counted from."""

    @tries(100)
    @given(texts)
    @example("Mon, 99999999999999999999 Nov 2026 00:00:00 GMT")
    def any_text(text: str) -> None:
        try:
            assert isinstance(read(text).timestamp(), float)
        except PlatformError as error:
            assert "is no time" in str(error)  # noqa: PT017 -- most texts are none, some are

    any_text()


@pytest.mark.parametrize("text", [text for text in NASTY_TEXTS if text.startswith(("0001", "9999"))])
def test_a_product_of_the_first_year_is_a_product(text: str) -> None:
    """Or an error that the caller expects: without a zone, or in one that leads before the first year."""
    variant = {"id": "gid://shopify/ProductVariant/1", "price": "1.0", "position": 1, "availableForSale": True}
    node = {"id": "gid://shopify/Product/1", "title": "T", "handle": "t", "status": "ACTIVE", "publishedAt": text}
    try:
        product = shopify_objects.read(node | {"variants": {"nodes": [variant]}}, shopify_objects.ProductNode)
    except PlatformError:
        return
    assert shopify_objects.product_card(product, "USD").id == "1"
