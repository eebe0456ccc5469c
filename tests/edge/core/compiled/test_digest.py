"""The digest beside the algorithm as its description has it, in whole numbers of Python's."""

from hypothesis import given
from hypothesis import strategies as st

from edge.core.compiled.digest import hex64

_WHOLE = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def rolled(value: int, bits: int) -> int:
    """Rotated to the left, in 64 bits."""
    value &= _WHOLE
    return (value << bits | value >> (64 - bits)) & _WHOLE


def mixed(sum_: int, value: int) -> int:
    """One step of a sum."""
    return rolled(sum_ + value * _P2, 31) * _P1 & _WHOLE


def oracle(data: bytes) -> int:
    """XXH64 with seed 0."""
    at, digest = 0, _P5
    if len(data) >= 32:
        sums = [_P1 + _P2, _P2, 0, -_P1]
        for at in range(0, len(data) - 31, 32):
            lanes = [int.from_bytes(data[at + lane : at + lane + 8], "little") for lane in range(0, 32, 8)]
            sums = [mixed(sum_, lane) for sum_, lane in zip(sums, lanes, strict=True)]
        at += 32
        digest = sum(rolled(sum_, bits) for sum_, bits in zip(sums, (1, 7, 12, 18), strict=True))
        for sum_ in sums:
            digest = ((digest ^ mixed(0, sum_)) * _P1 + _P4) & _WHOLE
    digest = (digest + len(data)) & _WHOLE
    while at + 8 <= len(data):
        digest = rolled(digest ^ mixed(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4
        at += 8
    if at + 4 <= len(data):
        digest = (
            rolled((digest & _WHOLE) ^ (int.from_bytes(data[at : at + 4], "little") * _P1 & _WHOLE), 23) * _P2 + _P3
        )
        at += 4
    for byte in data[at:]:
        digest = rolled((digest & _WHOLE) ^ (byte * _P5 & _WHOLE), 11) * _P1
    digest &= _WHOLE
    digest = (digest ^ digest >> 33) * _P2 & _WHOLE
    digest = (digest ^ digest >> 29) * _P3 & _WHOLE
    return digest ^ digest >> 32


def test_known_digests() -> None:
    """Those that the author gives."""
    assert hex64(b"") == b"ef46db3751d8e999"
    assert hex64(b"a") == b"d24ec4f1a98c6e5b"
    assert hex64(b"abc") == b"44bc2cf5ad770999"


@given(st.binary(max_size=200))
def test_every_length(data: bytes) -> None:
    """Whole stripes, lanes, halves and single bytes that are left."""
    assert hex64(data) == b"%016x" % oracle(data)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_another_byte_another_digest(data: bytes, draw: st.DataObject) -> None:
    """Wherever it stands."""
    at = draw.draw(st.integers(0, len(data) - 1))
    other = bytearray(data)
    other[at] ^= draw.draw(st.integers(1, 255))
    assert hex64(bytes(other)) != hex64(data)
