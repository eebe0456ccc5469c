"""The platforms as every test here meets them."""

from collections.abc import Iterator

import pytest

from backend.platforms.http import Limits
from tests.backend.platforms.shop_server import Platforms, running

QUICK = Limits(per_second=1_000, attempts=4, silence_s=2.0, deadline_s=5.0, first_wait_s=0.01, longest_wait_s=5.0)


@pytest.fixture
def platforms() -> Iterator[Platforms]:
    """A fresh server that speaks as Shopify, BigCommerce and Adobe Commerce."""
    with running() as state:
        yield state
