"""Product cards as they are now: the snapshot on disk, with every price and stock change laid over it at once.

In: a snapshot file; a hash and a stream in Redis that each process follows. Out: live products, and their cards as
encoded JSON. When Redis is away the last known state serves.
"""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

from edge.core.content import family
from edge.core.errors import BundleError, CodecError
from edge.core.keys import changes_key, overlay_key
from edge.core.products import Change, Product, decode_change, read_snapshot
from edge.metrics import CATALOGUE_PRODUCTS, RECORDS_IGNORED, STORE_ERRORS
from edge.profiles import STORE_FAILURES
from edge.quiet import Quiet

logger = logging.getLogger("endcap.catalogue")

_BLOCK_MS = 500
_BATCH = 1000
# Currencies whose minor unit is not a hundredth, ISO 4217.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_WHOLE.split(" "), 0) | dict.fromkeys(_THOUSANDTHS.split(" "), 3)


class Catalogue:
    """The products of one shop. `revision` grows with every change anybody could see."""

    def __init__(self, shop: str, path: Path) -> None:
        self.shop = shop
        self.revision = 0
        self._path = path
        self._writing = threading.Lock()  # a snapshot is read in a thread while changes come in on the loop
        self._stamp: tuple[int, int] | None = None
        self._as_of = 0.0
        self._snapshot: dict[str, Product] = {}
        self._changes: dict[str, Change] = {}
        self._live: dict[str, Product] = {}  # changed products only; the rest are as in the snapshot
        self._cards: dict[str, msgspec.Raw] = {}
        self._families: dict[str, str] = {}
        self._touched: dict[str, None] = {}
        self._replaced = False

    def __len__(self) -> int:
        return len(self._snapshot)

    def get(self, product_id: str) -> Product | None:
        """The product as it is now; None when the shop does not have it."""
        return self._live.get(product_id) or self._snapshot.get(product_id)

    def card(self, product: Product) -> msgspec.Raw:
        """The product's card as encoded JSON; made once per change."""
        card = self._cards.get(product.id)
        if card is None:
            card = self._cards[product.id] = _card(product)
        return card

    def family(self, product: Product) -> str:
        """The key of its sizes and varieties; made once per change."""
        key = self._families.get(product.id)
        if key is None:
            key = self._families[product.id] = family(product)
        return key

    def ids(self) -> set[str]:
        """Every product of the shop."""
        return {*self._snapshot, *list(self._live)}

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
            product = merged.applied(self._snapshot.get(change.id))
            if product is not None:
                self._live[change.id] = product
                self._cards.pop(change.id, None)
                self._families.pop(change.id, None)
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
        read = read_snapshot(self._path)
        snapshot = {product.id: product for product in read.products}
        with self._writing:
            newer = {id_: change.since(read.as_of) for id_, change in self._changes.items()}
            changes = {id_: change for id_, change in newer.items() if change is not None}
            laid = {id_: change.applied(snapshot.get(id_)) for id_, change in changes.items()}
            self._live = {id_: product for id_, product in laid.items() if product is not None}
            self._snapshot, self._changes, self._as_of = snapshot, changes, read.as_of
            self._cards, self._families, self._touched, self._replaced = {}, {}, {}, True
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


class _Money(msgspec.Struct, frozen=True, gc=False):
    amount: str
    currency_code: str


class _Card(msgspec.Struct, frozen=True, gc=False):
    handle: str
    variant_id: str | None
    title: str
    url: str
    image: str | None
    price: _Money
    compare_at_price: _Money | None
    available: bool


def _card(product: Product) -> msgspec.Raw:
    def money(amount: float) -> _Money:
        return _Money(f"{amount:.{_DECIMALS.get(product.currency, 2)}f}", product.currency)

    card = _Card(
        handle=product.handle,
        variant_id=product.variant_id,
        title=product.title,
        url=product.url,
        image=product.image,
        price=money(product.price),
        compare_at_price=None if product.compare_at_price is None else money(product.compare_at_price),
        available=product.available,
    )
    return msgspec.Raw(msgspec.json.encode(card))
