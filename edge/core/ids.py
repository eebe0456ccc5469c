"""Product ids by position and positions by id, read from mapped arrays: no Python object per product.

In: the ids as fixed-width bytes, and two arrays `id_arrays` makes of them: a whole number for each id (`key_of`) in
rising order, and whose it is. Out: `Ids`, a sequence of strings, and its `position`, which finds them. Processes that
map the same files share every page.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import chain, repeat
from typing import Any, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from edge.core.compiled.lookup import Lookup
from edge.core.errors import BundleError

Ints = NDArray[np.int32]
Keys = NDArray[np.int64]
Texts = NDArray[np.bytes_]
Places = NDArray[np.intp]
T = TypeVar("T")

KEYS, ORDER = "id_keys", "id_order"  # N int64, rising; N int32: the position of each
_NO_DECIMAL = -2  # as a kernel says it
_DIGITS = 18  # of the longest decimal that surely fits into 63 bits
_BLOCK = 1 << 16  # ids looked at together where all are: bounds the memory of a check
_FEW = 6  # ids that are found sooner one by one than as an array
_SAMPLE = 1_000  # hashed keys worked out again when arrays are checked


def key_of(id_: str) -> int:
    """A whole number for an id, 64 bits with sign: a canonical decimal is itself, all else a negative hash.

    Two decimals never share a key. Other ids might, so whoever finds one by its key compares the bytes, too.
    """
    if len(id_) <= _DIGITS and id_.isdecimal() and id_.isascii() and (id_[0] != "0" or id_ == "0"):
        return int(id_)
    return _hashed(id_.encode(errors="surrogatepass"))


def keys_of(texts: Texts) -> Keys:
    """The keys of UTF-8 ids, as `key_of` gives them."""
    keys, plain = _decimals(texts)
    others = np.flatnonzero(~plain)
    keys[others] = np.fromiter(map(_hashed, texts[others].tolist()), np.int64, len(others))
    return keys


def id_arrays(texts: Texts) -> dict[str, NDArray[Any]]:
    """What `Ids` needs beside the ids themselves, by array name."""
    keys = keys_of(texts)
    order = np.argsort(keys, kind="stable")
    if bool((keys[order][1:] == keys[order][:-1]).any()):
        order = np.lexsort((texts, keys))  # so that of equal keys the ids rise, which shows a product named twice
    return {KEYS: keys[order], ORDER: order.astype(np.int32)}


class Positions:
    """Finds positions by id: `get`, `[]` and `in` like a dict, `locate` and `find` for many at once."""

    __slots__ = ("_lookup", "_order", "_sorted", "_texts")

    def __init__(self, texts: Texts, keys: Keys, order: Ints) -> None:
        self._texts, self._sorted, self._order = texts, keys, order
        self._lookup = Lookup(keys, order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, id_: str) -> bool:
        return self.get(id_) is not None

    def __getitem__(self, id_: str) -> int:
        at = self.get(id_)
        if at is None:
            raise KeyError(id_)
        return at

    @overload
    def get(self, id_: str) -> int | None: ...
    @overload
    def get(self, id_: str, default: T) -> int | T: ...
    def get(self, id_: str, default: T | None = None) -> int | T | None:
        """Where this product lies, or `default`."""
        found = self._lookup.decimal(id_)
        if found == _NO_DECIMAL:
            text = id_.encode(errors="surrogatepass")
            found = self._among_equals(self._lookup.row(_hashed(text)), text)
        return default if found < 0 else found

    def locate(self, product_ids: Iterable[str]) -> Ints:
        """Where these products lie, in their order; -1 for those unknown."""
        ids = product_ids if isinstance(product_ids, list | tuple) else list(product_ids)
        keys = np.fromiter(map(key_of, ids), np.int64, len(ids))
        other = [ids[at].encode(errors="surrogatepass") for at in np.flatnonzero(keys < 0).tolist()]
        return self.find(keys, other)

    def find(self, keys: Keys, others: Iterable[bytes] = ()) -> Ints:
        """Where the products of these keys lie, -1 for those unknown.

        `others` are the ids, as UTF-8, of the negative keys, in their order: a hash alone finds nothing.
        """
        others = list(others)
        found = self._lookup.find(keys, bool(others))
        if others:
            self._settle(found, keys, others)
        return found

    def _settle(self, found: Ints, keys: Keys, others: list[bytes]) -> None:
        """Keep what was found by a hash only where the bytes agree, too; of a collision, find the right one."""
        for at, text in zip(np.flatnonzero(keys < 0).tolist(), chain(others, repeat(b"")), strict=False):
            if found[at] >= 0 and self._texts.item(found[at]) != text:
                found[at] = self._among_equals(self._lookup.row(int(keys[at])), text)

    def _among_equals(self, row: int, text: bytes) -> int:
        """Which product of the key in this row, or of the same one in those after it, has this id; -1 for none."""
        if row < 0:
            return -1
        key = self._sorted.item(row)
        while row < len(self._sorted) and self._sorted.item(row) == key:
            if self._texts.item(self._order.item(row)) == text:
                return self._order.item(row)
            row += 1
        return -1


class Ids:
    """The product ids of an index or a catalogue, by position."""

    __slots__ = ("_texts", "position")

    def __init__(self, texts: Texts, keys: Keys, order: Ints) -> None:
        self._texts = texts
        self.position = Positions(texts, keys, order)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str = "ids") -> Self:
        """Wrap mapped arrays; those of KEYS and ORDER are made here where an older trainer wrote none.

        Raises BundleError when ids are no text, one stands there twice, or the arrays do not belong together.
        """
        texts: Texts = np.ascontiguousarray(arrays[name]).view(np.ndarray)
        check_utf8(name, texts)
        given = KEYS in arrays and ORDER in arrays
        made = arrays if given else id_arrays(texts)
        keys, order = (np.ascontiguousarray(made[one]).view(np.ndarray) for one in (KEYS, ORDER))
        if given:
            _check_belonging(texts, keys, order)
        _check_unique(name, texts, keys, order)
        return cls(texts, keys, order)

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """The same from strings, in memory."""
        return cls.from_arrays({"ids": np.array([id_.encode() for id_ in ids], np.bytes_)})

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, at: int) -> str:
        text: bytes = self._texts.item(at)
        return text.decode()

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and id_ in self.position

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            yield from (text.decode() for text in self._texts[start : start + _BLOCK].tolist())

    def __eq__(self, other: object) -> bool:
        """Whether both number the same products alike."""
        return isinstance(other, Ids) and (
            self._texts is other._texts or bool(np.array_equal(self._texts, other._texts))
        )

    __hash__ = None  # type: ignore[assignment]  # because equality compares a million ids, which no hash should

    def take(self, positions: NDArray[np.integer[Any]]) -> list[str]:
        """The ids at these positions."""
        return [text.decode() for text in self._texts[positions].tolist()]

    def positions(self, product_ids: Iterable[str]) -> Ints:
        """Where these products lie; unknown ids are left out, order is kept."""
        ids = product_ids if isinstance(product_ids, list | tuple) else list(product_ids)
        if len(ids) <= _FEW:
            places = map(self.position.get, ids)
            return np.array([at for at in places if at is not None], np.int32)
        found = self.position.locate(ids)
        return found[found >= 0]

    def numbers_alike(self, texts: Texts) -> bool:
        """Whether these are the same ids in the same order."""
        return bool(np.array_equal(self._texts, texts))


def check_utf8(name: str, texts: Texts) -> None:
    """Every value is UTF-8. Raises BundleError naming the array."""
    for start in range(0, len(texts), _BLOCK):
        block = texts[start : start + _BLOCK]
        try:
            block.tobytes().decode("ascii")
        except UnicodeDecodeError:
            _decode_each(name, block)


def _decode_each(name: str, block: Texts) -> None:
    try:
        for text in block.tolist():
            text.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"index array {name!r} is not UTF-8: {error}") from error


def _hashed(text: bytes) -> int:
    return ~(int.from_bytes(blake2b(text, digest_size=8).digest(), "little") >> 1)


def _decimals(texts: Texts) -> tuple[Keys, NDArray[np.bool_]]:
    """The values of those ids that are canonical decimals, and which are; the values of others mean nothing."""
    keys, plain = np.empty(len(texts), np.int64), np.empty(len(texts), np.bool_)
    for start in range(0, len(texts), _BLOCK):
        block = np.ascontiguousarray(texts[start : start + _BLOCK])
        span = slice(start, start + len(block))
        keys[span], plain[span] = _read_decimals(block.view(np.uint8).reshape(len(block), -1))
    return keys, plain


def _read_decimals(raw: NDArray[np.uint8]) -> tuple[Keys, NDArray[np.bool_]]:
    """The same of one block: [n, width] bytes, zeros after the end."""
    value, ended = np.zeros(len(raw), np.int64), np.zeros(len(raw), np.bool_)
    plain = ~raw[:, _DIGITS:].any(axis=1)
    for column in raw[:, :_DIGITS].T:
        digit = column - np.uint8(48)  # wraps around: what is no digit is above 9
        plain &= np.where(ended, column == 0, (digit < 10) | (column == 0))
        ended |= column == 0
        value = np.where(ended, value, value * 10 + digit)
    second = raw[:, 1] if raw.shape[1] > 1 else np.zeros(len(raw), np.uint8)
    plain &= (raw[:, 0] > 48) | ((raw[:, 0] == 48) & (second == 0))
    return value, plain


def _check_belonging(texts: Texts, keys: Keys, order: Ints) -> None:
    """The keys are those of the ids, each once. All decimals are worked out again, and a sample of the hashes."""
    items, remedy = len(texts), "copy the bundle again, or train again"
    if keys.dtype != np.int64 or order.dtype != np.int32 or keys.shape != (items,) or order.shape != (items,):
        raise BundleError(
            f"index arrays {KEYS!r}, {ORDER!r} do not hold an int64 and an int32 for {items} ids; {remedy}"
        )
    seen = np.zeros(items, np.bool_)
    if items and 0 <= int(order.min()) <= int(order.max()) < items:
        seen[order] = True
    if not seen.all():
        raise BundleError(f"index array {ORDER!r} does not name each of {items} positions once; {remedy}")
    values, plain = _decimals(texts)
    plain = plain[order]
    sample = np.flatnonzero(~plain)
    sample = sample[:: max(len(sample) // _SAMPLE, 1)]
    fits = bool((np.where(plain, values[order], -1) == np.where(keys < 0, -1, keys)).all())
    if not fits or not np.array_equal(keys[sample], keys_of(texts[order[sample]])):
        raise BundleError(f"index array {KEYS!r} does not hold the keys of the ids; {remedy}")


def _check_unique(name: str, texts: Texts, keys: Keys, order: Ints) -> None:
    """Keys rise, and no id stands there twice."""
    if bool((keys[1:] < keys[:-1]).any()):
        raise BundleError(f"index array {KEYS!r} does not rise; copy the bundle again, or train again")
    for at in np.flatnonzero(keys[1:] == keys[:-1]).tolist():
        if texts.item(order[at]) >= texts.item(order[at + 1]):
            raise BundleError(f"index array {name!r} names a product twice")
