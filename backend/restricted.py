"""Which products of a shop are restricted, as the catalogue stands now.

In: the setting and the catalogue. Out: events without them, wherever the backend takes any: the edge leaves them out
already, but for products it did not know yet.
"""

import time

from redis.asyncio import Redis

from backend.catalogue import current_products
from backend.settings import Settings
from edge.core.errors import BundleError
from edge.core.events import Event
from edge.core.restricted import Restricted, without

_FRESH_S = 60.0


class Strip:
    """Leaves restricted products out. Looks at the catalogue at most once a minute, and not at all without a list."""

    def __init__(self, redis: "Redis", settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self._list = Restricted.of(settings.restricted_categories)
        self._ids: frozenset[str] = frozenset()
        self._looked_at = -_FRESH_S

    async def refresh(self) -> None:
        """Look at the catalogue, if it is time. Without a catalogue nothing is known to be restricted."""
        if not self._list.entries or time.monotonic() - self._looked_at < _FRESH_S:
            return
        try:
            products = await current_products(self._redis, self._settings.shop, self._settings.data_dir)
        except BundleError:
            return
        self._ids = frozenset(product.id for product in products if self._list.holds(product.category))
        self._looked_at = time.monotonic()

    def __call__(self, event: Event) -> Event | None:
        """The event without restricted products; None where it had no others."""
        return without(event, self._ids.__contains__) if self._ids else event
