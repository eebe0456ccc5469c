"""How records are put into bytes: a version byte, then zlib over msgpack; columns of numbers as planes of their bytes.

In: structs and arrays. Out: bytes, and back. What is foreign, damaged or too large is refused, never half read.
"""

import zlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.core.compiled import packing as kernel
from edge.core.errors import UNREADABLE, CodecError

_INFLATED_MAX = 65_536  # a stored value that inflates past this is an attack, not a profile

_NUMBERS_MAX = 10_000  # in one row; columns of zeros take no bytes, so that the bytes do not bound them
# What a stored record may say: beyond it, it is damaged or somebody's trap, and no array may be made of such numbers.
Number = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=65_536)]

_Columns = TypeVar("_Columns")
_Number = TypeVar("_Number", np.int32, np.int64)
_encoder = msgspec.msgpack.Encoder()


def pack(version: int, columns: object) -> bytes:
    """A struct as stored."""
    return bytes((version,)) + zlib.compress(_encoder.encode(columns), 6)


def unpack(what: str, version: int, data: bytes, decode: Callable[[bytes], _Columns]) -> _Columns:
    """Read what `pack` wrote. Raises CodecError for anything else."""
    if not data or data[0] != version:
        found = data[0] if data else "nothing"
        raise CodecError(f"stored {what} has version {found}, this program reads {version}")
    try:
        inflater = zlib.decompressobj()
        body = inflater.decompress(memoryview(data)[1:], _INFLATED_MAX)
        if not inflater.eof:
            raise CodecError(f"stored {what} of {len(data)} bytes is truncated or inflates past {_INFLATED_MAX} bytes")
        return decode(body)
    except (zlib.error, *UNREADABLE) as error:
        raise CodecError(f"stored {what} of {len(data)} bytes is unreadable: {error}") from error


def planes(rows: NDArray[np.signedinteger[Any]]) -> tuple[bytes, bytes]:
    """Rows of numbers [rows, n] byte by byte: of each row the lowest byte of all n, then the next, while any is set.

    The first value says how many bytes of each row there are. Alike bytes then lie side by side, which deflate makes a
    seventh less of than of the numbers one by one, and reads in half the time.
    """
    width, count = rows.dtype.itemsize, rows.shape[1]
    if not count:
        return bytes(len(rows)), b""
    least, most = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
    used = [width if low < 0 else (high.bit_length() + 7) // 8 for low, high in zip(least, most, strict=True)]
    raw = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, count, width)
    return bytes(used), b"".join([row[:, :some].T.tobytes() for row, some in zip(raw, used, strict=True)])


def unplanes(used: bytes, data: bytes, n: int, kind: type[_Number]) -> NDArray[_Number]:
    """The rows that `planes` was given, [len(used), n]. Raises CodecError where the bytes are no such rows."""
    if not 0 <= n <= _NUMBERS_MAX:
        raise CodecError(f"{len(used)} columns of {n} numbers are more than a record holds ({_NUMBERS_MAX})")
    try:
        return kernel.unplanes(used, data, n, 4 if kind is np.int32 else 8)
    except ValueError as error:
        raise CodecError(str(error)) from error


def purchases(used: bytes, data: bytes, n: int, first_day: int) -> NDArray[np.int32]:
    """A profile's purchases [4, n], the days in them as unix days. Raises CodecError as `unplanes` does."""
    if not 0 <= n <= _NUMBERS_MAX:
        raise CodecError(f"{n} purchases are more than a record holds ({_NUMBERS_MAX})")
    try:
        return kernel.purchases(used, data, n, first_day)
    except ValueError as error:
        raise CodecError(str(error)) from error
