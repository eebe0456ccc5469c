cimport numpy as np
from libc.stdint cimport int32_t, uint32_t

from edge.core.compiled.arrays cimport Arrays

cdef enum:
    FAVOURITES = 8


cdef class History:
    cdef readonly object orders, first_order_day, last_order_day
    cdef readonly object viewed  # [m] int32, newest last
    cdef Arrays arrays
    cdef object _viewed
    cdef int n, viewed_n
    cdef int32_t* item_of  # [n] bought, rising
    cdef float* count_of
    cdef float* first_of
    cdef float* last_of
    cdef float* often_of  # [n, 2]
    cdef float* since_of
    cdef float* weight_of
    cdef float* rank_of
    cdef float* taste_  # [dimensions]
    cdef float* spare
    cdef const int32_t* viewed_at
    cdef double total, order_count, first_day_at, last_day_at
    cdef float heaviest
    cdef bint tasted
    cdef int favourite_n
    cdef int32_t favourite[FAVOURITES]

    cdef _allocate(self, int n, int dimensions)
    cdef _fill(self, const int32_t* place, const int32_t* numbers, int bought, float last_order_day)
    cdef void _read(self, uint32_t recent, int i) noexcept
    cdef _rank(self)
    cdef np.ndarray _floats(self, const float* column, int width=*)
    cdef int row(self, int32_t item) noexcept nogil
    cdef const float* taste_of(self) noexcept nogil
    cdef int favourites_of(self) except -1
