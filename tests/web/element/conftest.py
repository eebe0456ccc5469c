"""The shop that the tests of `<endcap-shelf>` look at: the small trained shop with pictures, links and prices."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from tests.serving import Serve
from tests.web.element.site import Site, site
from training.dataset import Dataset

Change = Callable[[Product], Product]
PDP = '<endcap-shelf surface="pdp" slot="similar" product-id="p004"></endcap-shelf>'
ALL = "window.endcap = { consent: ['personalization', 'analytics'] };"


def with_pictures(product: Product) -> Product:
    """A card with a link, a picture, a variant, and for some a former price."""
    extra: dict[str, Any] = {"url": f"/products/{product.id}", "image": f"/tiles/{product.id}.svg"}
    extra["variant_id"] = f"gid://shopify/ProductVariant/9{product.id[1:]}"
    if int(product.id[1:]) % 2:
        extra["compare_at_price"] = product.price + 1
    return msgspec.structs.replace(product, **extra)


@pytest.fixture
def open_shop(serve: Serve, data_dir: Path, shop_dir: Dataset) -> Callable[[Change], Any]:
    """`open_shop(change)`: an edge whose cards went through `change`."""

    def start(change: Change) -> Any:
        cards = [change(product) for product in shop_dir.catalogue()]
        write_snapshot(data_dir / "catalogue" / "demo.cat", cards, as_of=0)
        return serve()

    return start


@pytest.fixture
def running(open_shop: Callable[[Change], Any]) -> Any:
    """The edge of that shop."""
    return open_shop(with_pictures)


@pytest.fixture
def shop(running: Any) -> Iterator[Site]:
    """A site of that shop; the edge must have liked all that it was asked and told."""
    with site(running.url) as made:
        yield made
        assert made.refused == []
