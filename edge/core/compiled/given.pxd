# Pointers into arrays that callers give: their type and layout are looked at first, for behind a pointer nobody does.

cimport numpy as np
from libc.stdint cimport int32_t, int64_t, uint8_t


cdef inline const void* _checked(np.ndarray array, int type_, str wanted) except NULL:
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
