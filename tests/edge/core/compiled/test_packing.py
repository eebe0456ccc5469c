"""Numbers from planes of bytes: the kernel beside NumPy, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.core import packing
from edge.core.compiled.packing import purchases, unplanes
from edge.core.errors import CodecError


def oracle(used: bytes, data: bytes, n: int, width: int) -> NDArray[np.signedinteger[Any]]:
    """The same with NumPy: every row's planes laid into the bytes of little-endian numbers."""
    raw = np.frombuffer(data, np.uint8)
    out = np.zeros((len(used), n, width), np.uint8)
    at = 0
    for row, count in enumerate(used):
        out[row, :, :count] = raw[at : at + count * n].reshape(count, n).T
        at += count * n
    return out.view(f"<i{width}")[:, :, 0]


@given(st.sampled_from([4, 8]), st.integers(0, 40), st.data())
def test_every_plane_lands_in_its_byte(width: int, n: int, data: st.DataObject) -> None:
    """Any bytes, any number of planes in each row, rows of none among them."""
    used = bytes(data.draw(st.lists(st.integers(0, width), max_size=6)))
    packed = data.draw(st.binary(min_size=n * sum(used), max_size=n * sum(used)))
    numbers = unplanes(used, packed, n, width)
    assert numbers.dtype == np.dtype(f"i{width}")
    assert numbers.flags.c_contiguous
    assert numbers.flags.writeable
    np.testing.assert_array_equal(numbers, oracle(used, packed, n, width))


@pytest.mark.parametrize(
    ("used", "data", "n", "width"),
    [
        (b"\1", b"ab", 1, 4),  # a byte too many
        (b"\1", b"", 1, 4),
        (b"", b"a", 1, 4),
        (b"\2\1", b"abcd", 2, 8),
        (b"\5", b"abcde", 1, 4),  # more planes than the numbers have bytes
        (b"\x09", b"123456789", 1, 8),
        (b"\1", b"", -1, 4),
        (b"\1", b"ab", 2**62 + 2, 4),
        (b"\4", b"", 2**62, 4),  # 2**64, which is 0 in 64 bits
        (b"\xff" * 300, b"", 2**62, 8),
    ],
)
def test_bytes_that_are_no_such_planes_are_refused(used: bytes, data: bytes, n: int, width: int) -> None:
    """Nothing outside of them is read, and nothing wraps around."""
    with pytest.raises(ValueError, match=f"{len(data)} bytes do not hold {len(used)} columns of {n} numbers"):
        unplanes(used, data, n, width)


def test_numbers_have_four_bytes_or_eight() -> None:
    """Others would be written past their end."""
    for width in (-1, 0, 1, 2, 3, 5, 16):
        with pytest.raises(ValueError, match=f"numbers of {width} bytes are unknown"):
            unplanes(b"\1", b"a", 1, width)


def test_only_bytes_are_read() -> None:
    """No buffer that may change, no None."""
    for used, data in ((bytearray(b"\1"), b"a"), (b"\1", bytearray(b"a")), (None, b"a"), (b"\1", None)):
        with pytest.raises(TypeError):
            unplanes(used, data, 1, 4)  # type: ignore[arg-type]  # because just that is refused


def test_a_record_of_too_many_numbers_is_damage() -> None:
    """Rows of zeros take no bytes, so that these bound nothing; who reads records sees CodecErrors alone."""
    assert packing.unplanes(bytes(2), b"", 10_000, np.int64).shape == (2, 10_000)
    for n in (10_001, 2**40, -1):
        with pytest.raises(CodecError, match="are more than a record holds"):
            packing.unplanes(bytes(2), b"", n, np.int64)
    with pytest.raises(CodecError, match="1 bytes do not hold 1 columns of 2 numbers"):
        packing.unplanes(b"\1", b"a", 2, np.int32)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 40), st.data())
def test_days_count_from_the_first_order_and_from_each_other(first: int, n: int, data: st.DataObject) -> None:
    """As NumPy adds them, which wraps around; the other rows are left alone."""
    used = bytes(data.draw(st.lists(st.integers(0, 4), min_size=4, max_size=4)))
    packed = data.draw(st.binary(min_size=n * sum(used), max_size=n * sum(used)))
    expected = oracle(used, packed, n, 4).astype(np.int32)
    expected[1] += np.int32(first)
    expected[2] += expected[1]
    np.testing.assert_array_equal(purchases(used, packed, n, first), expected)


def test_purchases_have_four_columns() -> None:
    """And no more numbers than a record holds."""
    with pytest.raises(ValueError, match="3 columns of purchases"):
        purchases(b"\0\0\0", b"", 1, 0)
    for columns, n in ((b"\0\0\0", 1), (bytes(4), 10_001), (bytes(4), -1)):
        with pytest.raises(CodecError):
            packing.purchases(columns, b"", n, 0)
