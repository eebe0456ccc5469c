"""The catalogue as it is now: the snapshot with every later change of price, stock and card laid over it.

In: the snapshot file and the shop's overlay in the store. Out: products.
"""

from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from edge.core.keys import overlay_key
from edge.core.products import Product, decode_change
from edge.core.snapshot import read_snapshot


async def current_products(redis: "Redis", shop: str, data_dir: Path) -> list[Product]:
    """All products, each as it is now. Raises BundleError without a snapshot, CodecError for unreadable changes."""
    snapshot = read_snapshot(data_dir / "catalogue" / f"{shop}.cat")
    products = {product.id: product for product in snapshot.products}
    overlay: Any = await redis.hgetall(overlay_key(shop))
    for data in overlay.values():
        change = decode_change(data)
        if change.time > snapshot.as_of:
            card = change.applied(products.get(change.id))
            if card is not None:
                products[change.id] = card
    return list(products.values())
