"""Where candidates come from, as far as more than one shelf asks: pairs, and what orders like these hold besides.

In: the index's arrays, products. Out: what each source says, added to the products found.
"""

from libc.math cimport log2, sqrt
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.ahead cimport ahead
from edge.core.compiled.arrays cimport Rows
from edge.core.compiled.found cimport HITS, LIFT, NEIGHBOURS, PAIR, make_room, said_of
from edge.core.compiled.order cimport falling, rising


cdef int pairs(Arrays arrays, Found* found, int32_t item, Source source, double weight) except -1:
    """What was bought together with a product beyond chance: its score, times `weight`, to one source."""
    cdef const int32_t* start = arrays.pairs.start + item
    cdef int at
    make_room(found, start[1] - start[0])
    for at in range(start[0], start[1]):
        ahead(found.row_of + arrays.pairs.items[at])
    for at in range(start[0], start[1]):
        said_of(found, arrays.pairs.items[at])[<int>source] += weight * arrays.pairs.score[at]
    return 0


cdef int company(Arrays arrays, Found* found, const int32_t* items, int n) except -1:
    """All that pairs say beside these products: score, lift, and of how many of them."""
    cdef const int32_t* start
    cdef double* said
    cdef int i, at
    for i in range(n):
        start = arrays.pairs.start + items[i]
        make_room(found, start[1] - start[0])
        for at in range(start[0], start[1]):
            ahead(found.row_of + arrays.pairs.items[at])
        for at in range(start[0], start[1]):
            said = said_of(found, arrays.pairs.items[at])
            said[<int>PAIR] += arrays.pairs.score[at]
            said[<int>LIFT] += arrays.pairs.lift[at]
            said[<int>HITS] += 1
    return 0


cdef int neighbours(Arrays arrays, Found* found, const int32_t* items, int n) except -1:
    """What the recent orders most like these products hold besides: VMIS-kNN over orders."""
    cdef int most = n * SESSIONS_EACH, count
    cdef int64_t* keys
    cdef double* likeness
    cdef int32_t* sessions
    if n == 0:
        return 0
    keys = <int64_t*>malloc(2 * most * sizeof(int64_t))
    likeness = <double*>malloc(most * sizeof(double))
    sessions = <int32_t*>malloc(3 * most * sizeof(int32_t))
    if keys is NULL or likeness is NULL or sessions is NULL:
        free(keys)
        free(likeness)
        free(sessions)
        raise MemoryError(f"no memory for {most} orders")
    try:
        count = _likeness(arrays, items, n, keys, keys + most, sessions, likeness)
        return _read(arrays, found, sessions, likeness, count, sessions + most)
    finally:
        free(keys)
        free(likeness)
        free(sessions)


cdef int _likeness(
    Arrays arrays, const int32_t* items, int n, int64_t* keys, int64_t* spare, int32_t* sessions, double* likeness
) noexcept nogil:
    """The different orders of these products, newest first, and how alike each is: rare products count more."""
    cdef Rows rows = arrays.item_sessions
    cdef int i, at, end, total = 0, count = 0
    for i in range(n):
        end = min(rows.start[items[i] + 1], rows.start[items[i]] + SESSIONS_EACH)
        for at in range(rows.start[items[i]], end):
            keys[total] = (<int64_t>rows.items[at] << 32) | i
            total += 1
    rising(keys, spare, total)  # orders are numbered by time
    for at in range(total - 1, -1, -1):
        i = <int>(keys[at] & 0x7FFFFFFF)
        if count == 0 or sessions[count - 1] != <int32_t>(keys[at] >> 32):
            sessions[count] = <int32_t>(keys[at] >> 32)
            likeness[count] = 0
            count += 1
        likeness[count - 1] += 1 / log2(2 + <double>arrays.sold[items[i]])
    return count


cdef int _read(
    Arrays arrays, Found* found, const int32_t* sessions, const double* likeness, int count, int32_t* places
) except -1:
    """Add up the products of the orders most alike; of equals the newer count."""
    cdef Rows rows = arrays.sessions
    cdef int i, at, session
    cdef double each
    for i in range(count):
        places[i] = i
    falling(likeness, places, places + count, count)
    count = min(count, NEAREST)
    for i in range(count):
        ahead(rows.start + sessions[places[i]])
    for i in range(count):
        ahead(rows.items + rows.start[sessions[places[i]]])
    for i in range(count):
        session = sessions[places[i]]
        for at in range(rows.start[session], rows.start[session + 1]):
            ahead(found.row_of + rows.items[at])
    for i in range(count):
        session = sessions[places[i]]
        make_room(found, rows.start[session + 1] - rows.start[session])
        each = likeness[places[i]] / sqrt(<double>(rows.start[session + 1] - rows.start[session]))
        for at in range(rows.start[session], rows.start[session + 1]):
            said_of(found, rows.items[at])[<int>NEIGHBOURS] += each
    return 0
