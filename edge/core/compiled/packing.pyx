"""Planes of bytes back to numbers; what edge.core.packing reads records with.

In: the lowest byte of all n numbers of a row, then the next, and so on. Out: the numbers.
"""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint64_t


ctypedef fused number:
    int32_t
    int64_t


def unplanes(bytes used not None, bytes data not None, Py_ssize_t n, int width):
    """The numbers [len(used), n], int32 or int64, of `data`: of each row `used[row]` planes of n bytes, row after row.

    `width`: the bytes of a number, 4 or 8. Raises ValueError where the bytes are no such planes.
    """
    cdef Py_ssize_t rows = len(used), row, total = 0
    cdef int most = 0
    cdef const unsigned char* planes = used
    for row in range(rows):
        total += planes[row]
        most = max(most, planes[row])
    if width != 4 and width != 8:
        raise ValueError(f"numbers of {width} bytes are unknown; 4 and 8 are")
    if n < 0 or most > width or total and n > len(data) // total or len(data) != n * total:
        raise ValueError(f"{len(data)} bytes do not hold {rows} columns of {n} numbers")
    out = np.zeros((rows, n), np.int32 if width == 4 else np.int64)
    if data and width == 4:
        _fill[int32_t](out, planes, data)
    elif data:
        _fill[int64_t](out, planes, data)
    return out


cdef void _fill(number[:, ::1] out, const unsigned char* planes, const unsigned char* data) noexcept:
    """Add every plane to the numbers; which byte is the lowest is the same on every machine."""
    cdef Py_ssize_t row, i, n = out.shape[1]
    cdef int plane
    for row in range(out.shape[0]):
        for plane in range(planes[row]):
            for i in range(n):
                out[row, i] |= <number>(<uint64_t>data[i] << (8 * plane))
            data += n
