"""Planes of bytes back to numbers; what edge.core.packing reads records with.

In: the lowest byte of all n numbers of a row, then the next, and so on. Out: the numbers.
"""

cimport numpy as np
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

np.import_array()

ctypedef fused number:
    int32_t
    int64_t


def unplanes(bytes used not None, bytes data not None, Py_ssize_t n, int width):
    """The numbers [len(used), n], int32 or int64, of `data`: of each row `used[row]` planes of n bytes, row after row.

    `width`: the bytes of a number, 4 or 8. Raises ValueError where the bytes are no such planes.
    """
    cdef const unsigned char* planes = used
    cdef Py_ssize_t rows = len(used), row, total = 0
    cdef int most = 0
    for row in range(rows):
        total += planes[row]
        most = max(most, planes[row])
    if width != 4 and width != 8:
        raise ValueError(f"numbers of {width} bytes are unknown; 4 and 8 are")
    if n < 0 or most > width or total and n > len(data) // total or len(data) != n * total:
        raise ValueError(f"{len(data)} bytes do not hold {rows} columns of {n} numbers")
    cdef np.npy_intp[2] shape = [rows, n]
    cdef np.ndarray out = np.PyArray_EMPTY(2, shape, np.NPY_INT32 if width == 4 else np.NPY_INT64, 0)
    if width == 4:
        _fill[int32_t](<int32_t*>np.PyArray_DATA(out), rows, n, planes, data)
    else:
        _fill[int64_t](<int64_t*>np.PyArray_DATA(out), rows, n, planes, data)
    return out


def purchases(
    bytes widths not None, bytes data not None, Py_ssize_t n, int32_t first_day
):
    """A profile's four rows of int32, with days as unix days: the second counts from `first_day`, the third from it.

    Raises ValueError as `unplanes` does. Days beyond 32 bits wrap around, as NumPy's do.
    """
    if len(widths) != 4:
        raise ValueError(f"{len(widths)} columns of purchases; there are 4")
    cdef np.ndarray rows = unplanes(widths, data, n, 4)
    cdef uint32_t* day = <uint32_t*>np.PyArray_DATA(rows) + n
    cdef Py_ssize_t i
    for i in range(n):
        day[i] += <uint32_t>first_day
        day[n + i] += day[i]
    return rows


cdef void _fill(
    number* out, Py_ssize_t rows, Py_ssize_t n, const unsigned char* planes, const unsigned char* data
) noexcept:
    """Plane after plane into the numbers; by shifts, so that the lowest byte is the same on every machine."""
    cdef Py_ssize_t row, i
    cdef int plane
    memset(out, 0, rows * n * sizeof(number))
    for row in range(rows):
        for plane in range(planes[row]):
            for i in range(n):
                out[i] |= <number>(<uint64_t>data[i] << (8 * plane))
            data += n
        out += n
