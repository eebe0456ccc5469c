"""The catalogue snapshot: one file that is read in place, by row; nothing of it is a Python object until it is shown.

In: products from an importer. Out: a header line with version and checksum, a head that says where each column lies,
and the columns: ids to look up by, what live rules ask of a product as numbers, its card as JSON, the product itself
as msgpack. Processes that map the same file share its pages. Version 1, which held products only, is read as well.
"""

import hashlib
import mmap
import time
from collections.abc import Iterable, Sequence
from io import BufferedReader
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.bundle import replace_file
from edge.core.cards import card_of, family_key, text_key
from edge.core.compiled.answers import Cards
from edge.core.errors import UNREADABLE, BundleError
from edge.core.ids import KEYS, ORDER, Ids, id_arrays
from edge.core.index import Ints
from edge.core.products import Product

SNAPSHOT_VERSION = 2
_MAGIC = b"endcap-catalogue"
_HEADER = len(_MAGIC) + len(" 2 \n") + 64
_ALIGNED = 64  # bytes: where a column may begin
# Kinds of the columns, by name. Blobs hold the bytes of all products, one after the other.
_KINDS = {
    "ids": "S",
    KEYS: "<i8",
    ORDER: "<i4",
    "price": "<f8",
    "available": "|b1",
    "family": "<i8",  # the same for sizes and varieties of one product
    "brand": "<i8",
    "category": "<i4",  # a place in the head's list
    "listed": "<i4",
    "cards_ptr": "<i8",  # where each row of the blob begins, and where the last one ends
    "cards": "|u1",
    "records_ptr": "<i8",
    "records": "|u1",
}
_Columns = dict[str, NDArray[Any]]


class _Column(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    offset: int
    count: int


class _Head(msgspec.Struct, frozen=True):
    as_of: float
    categories: list[str]
    columns: dict[str, _Column]


class _Old(msgspec.Struct, frozen=True):
    """The body of version 1."""

    as_of: float
    products: list[Product]


_head_decoder = msgspec.json.Decoder(_Head)
_product_decoder = msgspec.msgpack.Decoder(Product)


class Snapshot:
    """A whole catalogue as it was at `as_of` (unix seconds); only later changes are laid over it. Rows are products."""

    def __init__(self, data: "mmap.mmap | bytes", head: _Head, columns: _Columns) -> None:
        self.as_of = head.as_of
        self.categories = head.categories
        self.ids = Ids(columns["ids"], columns[KEYS], columns[ORDER])
        self.price: NDArray[np.float64] = columns["price"]
        self.available: NDArray[np.bool_] = columns["available"]
        self.family: NDArray[np.int64] = columns["family"]
        self.brand: NDArray[np.int64] = columns["brand"]
        self.category: Ints = columns["category"]
        self.listed: Ints = columns["listed"]
        self.cards = Cards(_letters(columns["ids"]), columns["cards_ptr"], columns["cards"])
        self._data = data
        self._cards, self._records = head.columns["cards"].offset, head.columns["records"].offset
        self._cards_ptr, self._records_ptr = _numbers(columns["cards_ptr"]), _numbers(columns["records_ptr"])

    @classmethod
    def of(cls, products: Iterable[Product], as_of: float = 0.0) -> Self:
        """The same from products, in memory."""
        data = b"".join(_compiled(_unique(products), as_of))
        return cls(data, *_columns(data, "the products"))

    def __len__(self) -> int:
        return len(self.ids)

    def card(self, row: int) -> bytes:
        """The card of a product as encoded JSON."""
        ptr = self._cards_ptr
        return self._data[self._cards + ptr[row] : self._cards + ptr[row + 1]]

    def product(self, row: int) -> Product:
        """A product whole."""
        ptr = self._records_ptr
        return _product_decoder.decode(self._data[self._records + ptr[row] : self._records + ptr[row + 1]])

    @property
    def products(self) -> list[Product]:
        """Every product, in the order they were written."""
        return [self.product(row) for row in range(len(self))]


def _letters(ids: NDArray[np.bytes_]) -> NDArray[np.uint8]:
    """Ids byte by byte."""
    return ids.view(np.uint8).reshape(len(ids), ids.itemsize) if len(ids) else np.empty((0, 1), np.uint8)


def _numbers(column: NDArray[np.int64]) -> "memoryview[int]":
    """The same column, of which one number costs a third of what it costs from NumPy."""
    return column.data


def write_snapshot(path: Path, products: Iterable[Product], *, as_of: float | None = None) -> int:
    """Write the whole catalogue, replacing the old file at once. Returns the number of products.

    `as_of` is when the shop's data were read (default: now); a change after that moment still counts. Of several
    products with one id the last counts. Raises BundleError for a product that could not be read again.
    """
    unique = _unique(products)
    replace_file(path, *_compiled(unique, time.time() if as_of is None else as_of))
    for outdated in path.parent.glob(_beside(path, "*").name):
        outdated.unlink(missing_ok=True)
    return len(unique)


def read_snapshot(path: Path, *, keep: bool = False) -> Snapshot:
    """The snapshot at `path`, mapped. Raises BundleError when it is missing, damaged or of another version.

    `keep`: of a file of version 1 the form of this version is left beside it, where the next reader finds it.
    """
    try:
        with path.open("rb") as file:
            version, checksum = _read_header(path, file)
            if version == SNAPSHOT_VERSION:
                return _map(path, file, checksum)
            return _kept(path, file, checksum) if keep else _read_old(path, file, checksum)
    except OSError as error:
        raise BundleError(f"no catalogue snapshot at {path}: {error.strerror}; import a catalogue first") from error


def _read_header(path: Path, file: BufferedReader) -> tuple[int, bytes]:
    """Version and checksum; the file then stands at the first byte after them."""
    parts = file.readline(2 * _HEADER).split(b" ")
    if len(parts) != 3 or parts[0] != _MAGIC:
        raise BundleError(f"{path} is not a catalogue snapshot; write it again with the importer")
    if parts[1] not in (b"1", b"%d" % SNAPSHOT_VERSION):
        found = parts[1].decode(errors="replace")
        raise BundleError(
            f"{path} has version {found}, this program reads 1 and {SNAPSHOT_VERSION}; import the catalogue again"
        )
    return int(parts[1]), parts[2].rstrip(b"\n")


def _map(path: Path, file: BufferedReader, checksum: bytes) -> Snapshot:
    # Read, not mapped: pages touched through the map would count as this process's memory.
    if hashlib.file_digest(file, "sha256").hexdigest().encode() != checksum:
        raise BundleError(f"{path} is damaged (checksum differs); restore it or import the catalogue again")
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Snapshot(data, *_columns(data, str(path)))


# --- the form of version 1 -------------------------------------------------------------------------------------------


def _read_old(path: Path, file: BufferedReader, checksum: bytes) -> Snapshot:
    body = file.read()
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise BundleError(f"{path} is damaged (checksum differs); restore it or import the catalogue again")
    try:
        old = msgspec.msgpack.decode(body, type=_Old)
    except UNREADABLE as error:
        raise BundleError(f"{path} does not hold products: {error}") from error
    return Snapshot.of(old.products, old.as_of)


def _kept(path: Path, file: BufferedReader, checksum: bytes) -> Snapshot:
    """As `_read_old`, by the form of this version that an earlier reader left beside the file, or leaving it there."""
    beside = _beside(path, checksum[:16].decode(errors="replace"))
    try:
        return read_snapshot(beside)
    except BundleError:  # not there yet, or damaged: it is made again
        snapshot = _read_old(path, file, checksum)
    try:
        write_snapshot(beside, snapshot.products, as_of=snapshot.as_of)
        return read_snapshot(beside)
    except OSError:  # a directory that cannot be written to: in memory, then
        return snapshot


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f".{path.name}.{name}.compiled")


# --- layout ----------------------------------------------------------------------------------------------------------


def _unique(products: Iterable[Product]) -> list[Product]:
    return list({product.id: product for product in products}.values())


def _compiled(products: Sequence[Product], as_of: float) -> list[bytes]:
    """The file's bytes in parts: header, head, columns."""
    categories = list(dict.fromkeys(product.category for product in products))
    arrays = _arrays(products, {category: code for code, category in enumerate(categories)})
    sizes = [-(-array.nbytes // _ALIGNED) * _ALIGNED for array in arrays.values()]

    def head(begins: int) -> bytes:
        offsets = accumulate(sizes, initial=begins)
        columns = {
            name: _Column(array.dtype.str, offset, len(array))
            for (name, array), offset in zip(arrays.items(), offsets, strict=False)
        }
        return msgspec.json.encode(_Head(as_of, categories, columns))

    room = -(-(_HEADER + len(head(1 << 50))) // _ALIGNED) * _ALIGNED  # enough for any offset
    body = [head(room).ljust(room - _HEADER, b"\0")]
    for array, size in zip(arrays.values(), sizes, strict=True):
        body += (array.tobytes(), bytes(size - array.nbytes))
    checksum = hashlib.sha256()
    for part in body:
        checksum.update(part)
    return [b"%s %d %s\n" % (_MAGIC, SNAPSHOT_VERSION, checksum.hexdigest().encode()), *body]


def _arrays(products: Sequence[Product], code: dict[str, int]) -> _Columns:
    ids = np.array([product.id.encode() for product in products] or [b""], np.bytes_)[: len(products)]
    cards, records = [card_of(product) for product in products], [_record(product) for product in products]
    return {
        "ids": ids,
        **id_arrays(ids),
        "price": np.array([product.price for product in products], "<f8"),
        "available": np.array([product.available for product in products], "|b1"),
        "family": np.array([family_key(product) for product in products], "<i8"),
        "brand": np.array([text_key(product.brand) for product in products], "<i8"),
        "category": np.array([code[product.category] for product in products], "<i4"),
        "listed": np.array([product.listed for product in products], "<i4"),
        "cards_ptr": np.array([0, *accumulate(map(len, cards))], "<i8"),
        "cards": np.frombuffer(b"".join(cards), np.uint8),
        "records_ptr": np.array([0, *accumulate(map(len, records))], "<i8"),
        "records": np.frombuffer(b"".join(records), np.uint8),
    }


def _record(product: Product) -> bytes:
    record = msgspec.msgpack.encode(product)
    try:
        _product_decoder.decode(record)  # nothing is built by hand with its constraints checked
    except msgspec.ValidationError as error:
        raise BundleError(f"product {product.id!r} cannot be in a catalogue: {error}") from error
    return record


def _columns(data: "mmap.mmap | bytes", name: str) -> tuple[_Head, _Columns]:
    """Head and columns of a file's bytes. Raises BundleError where they do not fit together."""
    try:
        head = _head_decoder.decode(data[_HEADER : data.find(b"\0", _HEADER)])
        columns = {name: _column(data, head.columns[name], kind) for name, kind in _KINDS.items()}
        _check(columns, len(head.categories))
    except (*UNREADABLE, KeyError, ValueError, TypeError) as error:
        raise BundleError(f"{name} does not hold a catalogue ({error!r}); import it again") from error
    return head, columns


def _column(data: "mmap.mmap | bytes", column: _Column, kind: str) -> NDArray[Any]:
    if not column.dtype.endswith(kind) and not (kind == "S" and column.dtype.startswith("|S")):
        raise ValueError(f"{column.dtype} for {kind}")
    if not column.count:
        return np.empty(0, column.dtype)
    return np.frombuffer(data, column.dtype, column.count, column.offset)


def _check(columns: _Columns, categories: int) -> None:
    """Raises ValueError where a row would lead outside the file."""
    rows = len(columns["ids"])
    for name, column in columns.items():
        if name not in ("cards", "records") and len(column) != rows + name.endswith("_ptr"):
            raise ValueError(f"{len(column)} rows of {name} for {rows} products")
    for name in ("cards", "records"):
        ptr = columns[f"{name}_ptr"]
        if ptr[0] != 0 or ptr[-1] != len(columns[name]) or bool((ptr[1:] < ptr[:-1]).any()):
            raise ValueError(f"{name}_ptr does not rise from 0 to the end of {name}")
    for name, reach in ((ORDER, rows), ("category", categories)):
        column = columns[name]
        if rows and not 0 <= int(column.min()) <= int(column.max()) < reach:
            raise ValueError(f"{name} leads outside")
