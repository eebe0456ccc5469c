"""Products: what a card shows, how the catalogue snapshot is stored, and the changes laid over it.

In: products from an importer, price and stock changes from a shop. Out: one snapshot file (a header line with
version and checksum, then msgpack records) and self-contained change messages. Cards are never in a model bundle,
so a price change needs no new model.
"""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from edge.core.bundle import replace_file
from edge.core.errors import BundleError, CodecError
from edge.core.events import Id, Price

SNAPSHOT_VERSION = 1
_MAGIC = b"endcap-catalogue"


class Product(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One product as a shop sells it. `category` is a path from wide to narrow, `a > b > c`; `listed` is a unix day."""

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    price: Price
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "USD"
    compare_at_price: Price | None = None
    available: bool = True
    category: Annotated[str, msgspec.Meta(max_length=512)] = ""
    brand: Annotated[str, msgspec.Meta(max_length=256)] = ""
    handle: str = ""
    url: str = ""
    image: str | None = None
    variant_id: Id | None = None
    listed: int = 0


class Change(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one product at `time` (unix seconds): a new price, stock, or (with `product`) a whole new card."""

    id: Id
    time: float
    price: Price | None = None
    compare_at_price: Price | None = None
    available: bool | None = None
    product: Product | None = None

    def merged(self, newer: "Change") -> "Change":
        """This change with a later one laid over it; fields the later one leaves open keep their value."""
        if newer.time < self.time:
            return newer.merged(self)
        if newer.product is not None:
            return newer
        return Change(
            id=self.id,
            time=newer.time,
            price=self.price if newer.price is None else newer.price,
            compare_at_price=self.compare_at_price if newer.price is None else newer.compare_at_price,
            available=self.available if newer.available is None else newer.available,
            product=self.product,
        )

    def applied(self, product: Product | None) -> Product | None:
        """The card after this change; None when the product is known neither to the snapshot nor to the change."""
        base = self.product or product
        if base is None:
            return None
        fields: dict[str, object] = {}
        if self.price is not None:
            fields |= {"price": self.price, "compare_at_price": self.compare_at_price}
        if self.available is not None:
            fields["available"] = self.available
        return msgspec.structs.replace(base, **fields) if fields else base


def encode_change(change: Change) -> bytes:
    """One change as stored in Redis."""
    return msgspec.msgpack.encode(change)


_change_decoder = msgspec.msgpack.Decoder(Change)


def decode_change(data: bytes) -> Change:
    """Read what `encode_change` wrote. Raises CodecError on anything else."""
    try:
        return _change_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"catalogue change of {len(data)} bytes is unreadable: {error}") from error


class Snapshot(msgspec.Struct, frozen=True):
    """A whole catalogue as it was at `as_of` (unix seconds); only later changes are laid over it."""

    as_of: float
    products: list[Product]


def write_snapshot(path: Path, products: Iterable[Product], *, as_of: float | None = None) -> int:
    """Write the whole catalogue, replacing the old file at once. Returns the number of products.

    `as_of` is when the shop's data were read (default: now); a change after that moment still counts.
    """
    snapshot = Snapshot(time.time() if as_of is None else as_of, list(products))
    body = msgspec.msgpack.encode(snapshot)
    header = b"%s %d %s\n" % (_MAGIC, SNAPSHOT_VERSION, hashlib.sha256(body).hexdigest().encode())
    replace_file(path, header + body)
    return len(snapshot.products)


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot at `path`. Raises BundleError when it is missing, damaged or of another version."""
    try:
        header, _, body = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise BundleError(f"no catalogue snapshot at {path}: {error.strerror}; import a catalogue first") from error
    parts = header.split(b" ")
    if len(parts) != 3 or parts[0] != _MAGIC:
        raise BundleError(f"{path} is not a catalogue snapshot; write it again with the importer")
    if parts[1] != str(SNAPSHOT_VERSION).encode():
        found = parts[1].decode(errors="replace")
        raise BundleError(
            f"{path} has version {found}, this program reads {SNAPSHOT_VERSION}; import the catalogue again"
        )
    if hashlib.sha256(body).hexdigest().encode() != parts[2]:
        raise BundleError(f"{path} is damaged (checksum differs); restore it or import the catalogue again")
    try:
        return msgspec.msgpack.decode(body, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"{path} does not hold products: {error}") from error
