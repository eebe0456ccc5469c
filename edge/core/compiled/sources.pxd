from libc.stdint cimport int32_t

from edge.core.compiled.arrays cimport Arrays
from edge.core.compiled.found cimport Found, Source

cdef enum:
    MOST_ANCHORS = 30  # newest cart lines looked at
    MOST_VISITED = 8  # newest products of this visit
    SESSIONS_EACH = 60  # recent orders looked at per anchor
    NEAREST = 40  # of those, the most alike that are read


cdef int pairs(Arrays arrays, Found* found, int32_t item, Source source, double weight) except -1
cdef int company(Arrays arrays, Found* found, const int32_t* items, int n) except -1
cdef int neighbours(Arrays arrays, Found* found, const int32_t* items, int n) except -1
