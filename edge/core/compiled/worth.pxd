# What may stand on a shelf, and the best of it.

from libc.stdint cimport int32_t
from libc.stdlib cimport malloc

from edge.core.compiled.order cimport falling, largest


cdef struct Worth:
    # What may stand on a shelf: rows of those found that were never bought first, then those of own purchases.
    double* score
    int32_t* row
    int32_t* places
    int others
    int count


cdef inline Worth room_for(int most) except *:
    """Room for so many."""
    cdef Worth worth
    worth.score = <double*>malloc((most + 1) * (sizeof(double) + 3 * sizeof(int32_t)))
    if worth.score is NULL:
        raise MemoryError(f"no memory for {most} candidates")
    worth.row = <int32_t*>(worth.score + most + 1)
    worth.places = worth.row + most
    worth.others = worth.count = 0
    return worth


cdef inline int best(Worth* worth, int limit, int unseen, int32_t* spare) noexcept nogil:
    """The best `limit` places, best first, among them `unseen` of what was never bought where there is so much.

    Of equals the one found first comes first. Returns how many there are.
    """
    cdef int i, kept, own, count = worth.count, others = worth.others
    for i in range(count):
        worth.places[i] = i
    if count > limit:
        unseen = min(unseen, others)
        own = count - others
        kept = largest(worth.score, worth.places, spare, others, limit)
        falling(worth.score, worth.places + others, spare, own)
        own = min(own, limit - unseen)
        for i in range(own):
            worth.places[kept + i] = worth.places[others + i]
        count = kept + own
    falling(worth.score, worth.places, spare, count)
    return min(count, limit)
