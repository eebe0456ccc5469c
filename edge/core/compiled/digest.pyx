"""A digest of 64 bits for what needs no secret, in little more time than copying takes; edge.respond tags answers by it.

In: bytes. Out: sixteen hex digits, the same on every machine. Two that collide can be made by whoever wants to.

Source: XXH64 by Yann Collet, as doc/xxhash_spec.md of xxHash describes it.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    LANE = 8  # bytes
    STRIPE = 32

cdef uint64_t P1 = 0x9E3779B185EBCA87
cdef uint64_t P2 = 0xC2B2AE3D27D4EB4F
cdef uint64_t P3 = 0x165667B19E3779F9
cdef uint64_t P4 = 0x85EBCA77C2B2AE63
cdef uint64_t P5 = 0x27D4EB2F165667C5


cdef inline uint64_t rolled(uint64_t value, int bits) noexcept:
    return value << bits | value >> (64 - bits)


cdef inline uint64_t lane(const unsigned char* data) noexcept:
    cdef uint64_t value
    memcpy(&value, data, LANE)  # little-endian, as all machines are that we have wheels for
    return value


cdef inline uint64_t mixed(uint64_t sum_, uint64_t value) noexcept:
    return rolled(sum_ + value * P2, 31) * P1


cdef uint64_t xxh64(const unsigned char* data, Py_ssize_t size) noexcept:
    cdef const unsigned char* end = data + size
    cdef uint64_t[4] sums = [P1 + P2, P2, 0, 0 - P1]
    cdef uint64_t digest = P5
    cdef uint32_t half
    cdef int i
    if size >= STRIPE:
        while data + STRIPE <= end:
            for i in range(4):
                sums[i] = mixed(sums[i], lane(data + LANE * i))
            data += STRIPE
        digest = rolled(sums[0], 1) + rolled(sums[1], 7) + rolled(sums[2], 12) + rolled(sums[3], 18)
        for i in range(4):
            digest = (digest ^ mixed(0, sums[i])) * P1 + P4
    digest += <uint64_t>size
    while data + LANE <= end:
        digest = rolled(digest ^ mixed(0, lane(data)), 27) * P1 + P4
        data += LANE
    if data + 4 <= end:
        memcpy(&half, data, 4)
        digest = rolled(digest ^ half * P1, 23) * P2 + P3
        data += 4
    while data < end:
        digest = rolled(digest ^ data[0] * P5, 11) * P1
        data += 1
    digest = (digest ^ digest >> 33) * P2
    digest = (digest ^ digest >> 29) * P3
    return digest ^ digest >> 32


def hex64(bytes data not None):
    """The digest of these bytes in hex."""
    return b"%016x" % xxh64(data, len(data))
