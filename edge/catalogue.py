"""Product cards as they are now: the snapshot on disk, with every price and stock change laid over it at once.

In: a snapshot file; a hash and a stream in Redis that each process follows. Out: `live`, replaced whole when a new
snapshot was read. When Redis is away the last known state serves.
"""

import asyncio
import logging
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from edge.core.errors import BundleError, CodecError
from edge.core.index import Index
from edge.core.keys import changes_key, overlay_key
from edge.core.products import Change, Product, decode_change
from edge.core.snapshot import Snapshot, read_snapshot
from edge.live_cards import LiveCards
from edge.metrics import CATALOGUE_PRODUCTS, RECORDS_IGNORED, STORE_ERRORS
from edge.profiles import STORE_FAILURES
from edge.quiet import Quiet

logger = logging.getLogger("endcap.catalogue")

_BLOCK_MS = 500
_BATCH = 1000


class Catalogue:
    """The products of one shop. `revision` grows with every change anybody could see."""

    def __init__(self, shop: str, path: Path) -> None:
        self.shop = shop
        self.revision = 0
        self.live = LiveCards(Snapshot.of(()))
        self._path = path
        self._writing = threading.Lock()  # a snapshot is read in a thread while changes come in on the loop
        self._stamp: tuple[int, int] | None = None
        self._as_of = 0.0
        self._changes: dict[str, Change] = {}
        self._meanwhile: set[str] | None = None  # while a snapshot is read: what changed since it was begun
        self._touched: dict[str, None] = {}
        self._replaced = False

    def __len__(self) -> int:
        return len(self.live.snapshot)

    def __contains__(self, product_id: str) -> bool:
        return self.live.row(product_id) is not None

    def get(self, product_id: str) -> Product | None:
        """The product as it is now; None when the shop does not have it."""
        live = self.live
        row = live.row(product_id)
        return None if row is None else live.product(row)

    def ids(self) -> set[str]:
        """Every product of the shop."""
        return self.live.ids()

    def keep(self, indexes: Collection[Index]) -> None:
        """Have the rows of these indexes ready, and of no others; off the request path."""
        self.live.keep(indexes)

    def take_touched(self) -> tuple[bool, list[str]]:
        """What changed since the last call: whether a snapshot was read, and the products changed. For one follower."""
        with self._writing:
            taken = self._replaced, list(self._touched)
            self._replaced, self._touched = False, {}
            return taken

    def apply(self, change: Change) -> None:
        """Lay one change over the catalogue. Older than the snapshot or than what is known: it changes nothing."""
        with self._writing:
            newer = change.since(self._as_of)
            if newer is None:
                return
            known = self._changes.get(change.id)
            self._changes[change.id] = merged = known.merged(newer) if known else newer
            if self._meanwhile is not None:
                self._meanwhile.add(change.id)
            if _lay(self.live, merged):
                self._touched[change.id] = None
                self.revision += 1

    def reload(self) -> bool:
        """Read the snapshot if it is new. Raises BundleError and keeps the old one when it cannot be believed."""
        try:
            status = self._path.stat()
        except OSError as error:
            raise BundleError(f"no catalogue at {self._path}: {error.strerror}; import one first") from error
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # also when it is refused: the same bytes need no second look
        snapshot = read_snapshot(self._path, keep=True)
        live = LiveCards(snapshot)
        live.keep(self.live.indexes)
        with self._writing:
            self._meanwhile = set()
            changes = list(self._changes.items())
        # Without the lock: the loop, which lays changes, must not wait for all of them.
        newer = {id_: left for id_, change in changes if (left := change.since(snapshot.as_of)) is not None}
        for change in newer.values():
            _lay(live, change)
        with self._writing:
            for id_ in self._meanwhile or ():
                newer.pop(id_, None)
                if (left := self._changes[id_].since(snapshot.as_of)) is not None:
                    newer[id_] = left
                    _lay(live, left)
            self.live, self._changes, self._as_of = live, newer, snapshot.as_of
            self._meanwhile, self._touched, self._replaced = None, {}, True
            self.revision += 1
        CATALOGUE_PRODUCTS.labels(self.shop).set(len(snapshot))
        return True

    async def follow(self, redis: "Redis") -> None:
        """Follow the shop's changes for ever. Needs a client whose reads may block for longer than half a second."""
        quiet = Quiet()
        while True:
            try:
                at = await self._catch_up(redis)
                while True:
                    at = await self._read_changes(redis, at)
            except STORE_FAILURES as error:
                kind = type(error).__name__
                STORE_ERRORS.labels(kind).inc()
                if quiet.may_say(kind):
                    logger.warning("catalogue changes cannot be followed (%s); trying again", kind)
                await asyncio.sleep(_BLOCK_MS / 1000)

    async def _catch_up(self, redis: "Redis") -> bytes:
        """Read the whole overlay; the position in the stream is taken before it, so that nothing falls between."""
        newest: Any = await redis.xrevrange(changes_key(self.shop), count=1)
        overlay: Any = await redis.hgetall(overlay_key(self.shop))
        for data in overlay.values():
            self._apply_bytes(data)
        return newest[0][0] if newest else b"0-0"

    async def _read_changes(self, redis: "Redis", at: bytes) -> bytes:
        answer: Any = await redis.xread({changes_key(self.shop): at}, count=_BATCH, block=_BLOCK_MS)
        entries = answer[0][1] if answer else []
        for _, fields in entries:
            self._apply_bytes(fields.get(b"c", b""))
        if len(entries) == _BATCH:
            return await self._catch_up(redis)  # far behind: the stream may have been trimmed under us
        return entries[-1][0] if entries else at

    def _apply_bytes(self, data: bytes) -> None:
        try:
            self.apply(decode_change(data))
        except CodecError:
            RECORDS_IGNORED.labels("change", "unreadable").inc()


def _lay(live: LiveCards, change: Change) -> bool:
    """Lay a change over rows; False where it is of a product that neither has."""
    row = live.row(change.id)
    product = change.applied(None if row is None else live.as_read(row))
    if product is not None:
        live.lay(product)
    return product is not None
