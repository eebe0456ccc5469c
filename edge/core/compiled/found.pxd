# Products found by several sources of evidence: each once, with what every source says of it added up.

from libc.stdint cimport int32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

cdef enum Source:  # as `edge.core.sources.SOURCES` numbers them
    PAIR
    LIFT
    HITS
    KIND
    NEIGHBOURS
    OWN
    HISTORY_PAIR
    VISIT_PAIR
    FAVOURITE
    LIKED
    ALIKE
    POPULAR
    SOURCES


cdef struct Found:
    int32_t* row_of  # the index's scratch: item -> row, or anything
    int32_t* items  # [room]
    double* sums  # [room, width]
    int width  # the first so many sources may speak
    int count
    int room


cdef inline void begin(Found* found, int width) noexcept nogil:
    """Nothing is found yet."""
    found.count, found.width = 0, width


cdef inline int make_room(Found* found, int more) except -1:
    """Room for so many more products."""
    cdef int wanted = found.count + more
    cdef void* items
    cdef void* sums
    if wanted <= found.room:
        return 0
    wanted = max(2 * found.room, max(wanted, 1024))
    items = realloc(found.items, wanted * sizeof(int32_t))
    if items is not NULL:
        found.items = <int32_t*>items
    sums = realloc(found.sums, <size_t>wanted * <int>SOURCES * sizeof(double))
    if sums is not NULL:
        found.sums = <double*>sums
    if items is NULL or sums is NULL:
        raise MemoryError(f"no memory for {wanted} candidates")
    found.room = wanted
    return 0


cdef inline int row(const Found* found, int32_t item) noexcept nogil:
    """A product's row, -1 where it was not found. Whatever the scratch held before, a row counts only if it agrees."""
    cdef int at = found.row_of[item]
    return at if 0 <= at < found.count and found.items[at] == item else -1


cdef inline double* said_of(Found* found, int32_t item) noexcept nogil:
    """The sums of a product [width], found now or before. There is room for it."""
    cdef int at = row(found, item)
    if at < 0:
        at = found.count
        found.count += 1
        found.items[at] = item
        found.row_of[item] = at
        memset(found.sums + <size_t>at * found.width, 0, found.width * sizeof(double))
    return found.sums + <size_t>at * found.width


cdef inline void let_go(Found* found) noexcept nogil:
    """Give the memory back."""
    free(found.row_of)
    free(found.items)
    free(found.sums)


cdef inline bint among(const int32_t* items, int n, int32_t item) noexcept nogil:
    """Whether a product is one of a few."""
    cdef int i
    for i in range(n):
        if items[i] == item:
            return True
    return False
