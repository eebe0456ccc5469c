# Pointers into arrays that callers give: their type and layout are looked at first, for behind a pointer nobody does.

cimport numpy as np
from libc.stdint cimport int32_t, int64_t, uint8_t

from edge.core.compiled.found cimport SOURCES

cdef struct Said:
    # Evidence [SOURCES, n], in whatever order it lies.
    const char* first
    np.npy_intp by_source
    np.npy_intp by_item


cdef inline const void* _checked(np.ndarray array, int type_, str wanted) except NULL:
    if array is None or np.PyArray_NDIM(array) == 0:
        raise TypeError(f"{array} was given; contiguous {wanted} is needed")
    if np.PyArray_TYPE(array) != type_ or not np.PyArray_ISCARRAY_RO(array):
        raise TypeError(f"an array of {array.dtype} was given; contiguous {wanted} is needed")
    return np.PyArray_DATA(array)


cdef inline const int32_t* ints(np.ndarray array) except NULL:
    return <const int32_t*>_checked(array, np.NPY_INT32, "int32")


cdef inline const int64_t* longs(np.ndarray array) except NULL:
    return <const int64_t*>_checked(array, np.NPY_INT64, "int64")


cdef inline const float* floats(np.ndarray array) except NULL:
    return <const float*>_checked(array, np.NPY_FLOAT32, "float32")


cdef inline const double* doubles(np.ndarray array) except NULL:
    return <const double*>_checked(array, np.NPY_FLOAT64, "float64")


cdef inline const uint8_t* bools(np.ndarray array) except NULL:
    return <const uint8_t*>_checked(array, np.NPY_BOOL, "bool")


cdef inline Said table(np.ndarray evidence, Py_ssize_t n) except *:
    """Evidence of so many candidates."""
    cdef Said said
    if evidence is None or np.PyArray_TYPE(evidence) != np.NPY_FLOAT32 or not np.PyArray_ISBEHAVED_RO(evidence):
        raise TypeError("evidence must be aligned float32")
    if np.PyArray_NDIM(evidence) != 2 or evidence.shape[0] != <int>SOURCES or evidence.shape[1] != n:
        raise ValueError(f"evidence of {(<object>evidence).shape} for {n} candidates and {<int>SOURCES} sources")
    said.first = <const char*>np.PyArray_DATA(evidence)
    said.by_source, said.by_item = np.PyArray_STRIDE(evidence, 0), np.PyArray_STRIDE(evidence, 1)
    return said


cdef inline float said_by(Said said, int source, int at) noexcept nogil:
    """What a source says of a candidate."""
    return (<const float*>(said.first + source * said.by_source + at * said.by_item))[0]
