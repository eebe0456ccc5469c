# Stable orders of a few hundred numbers, as every shelf needs them: merge sort on places, short runs by insertion.
# Values that are no numbers end up anywhere, but every loop ends and stays within its arrays.

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

cdef enum:
    RUN = 12  # shorter ones are sorted by insertion


cdef inline void falling(const double* value, int32_t* places, int32_t* spare, int n) noexcept nogil:
    """Sort `places` [n], places of `value`, so that the values fall; of equals the one that stands first stays first."""
    cdef int start, end, width, i, j
    cdef int32_t place
    start = 0
    while start < n:
        end = min(start + RUN, n)
        for i in range(start + 1, end):
            place = places[i]
            j = i
            while j > start and value[places[j - 1]] < value[place]:
                places[j] = places[j - 1]
                j -= 1
            places[j] = place
        start = end
    width = RUN
    while width < n:
        start = 0
        while start + width < n:
            _merge(value, places + start, spare, width, min(2 * width, n - start))
            start += 2 * width
        width *= 2


cdef inline void _merge(const double* value, int32_t* places, int32_t* spare, int middle, int end) noexcept nogil:
    """Merge places[:middle] and places[middle:end]; nothing is to be done where they are in order already."""
    cdef int left = 0, right = middle, at = 0
    if not value[places[middle - 1]] < value[places[middle]]:
        return
    memcpy(spare, places, middle * sizeof(int32_t))
    while left < middle:
        if right < end and value[spare[left]] < value[places[right]]:
            places[at] = places[right]
            right += 1
        else:
            places[at] = spare[left]
            left += 1
        at += 1


cdef inline void rising(int64_t* keys, int64_t* spare, int n) noexcept nogil:
    """Sort whole numbers in place."""
    cdef int start, end, width, i, j
    cdef int64_t key
    start = 0
    while start < n:
        end = min(start + RUN, n)
        for i in range(start + 1, end):
            key = keys[i]
            j = i
            while j > start and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                j -= 1
            keys[j] = key
        start = end
    width = RUN
    while width < n:
        start = 0
        while start + width < n:
            _merge_keys(keys + start, spare, width, min(2 * width, n - start))
            start += 2 * width
        width *= 2


cdef inline void _merge_keys(int64_t* keys, int64_t* spare, int middle, int end) noexcept nogil:
    cdef int left = 0, right = middle, at = 0
    if keys[middle - 1] <= keys[middle]:
        return
    memcpy(spare, keys, middle * sizeof(int64_t))
    while left < middle:
        if right < end and keys[right] < spare[left]:
            keys[at] = keys[right]
            right += 1
        else:
            keys[at] = spare[left]
            left += 1
        at += 1


cdef inline int largest(const double* value, int32_t* places, int32_t* spare, int n, int most) noexcept nogil:
    """Keep the `most` places of the largest values, in the order they came in; of equals the first. Returns how many."""
    cdef int i, above = 0, kept = 0
    cdef double least
    if n <= most:
        return n
    if most <= 0:
        return 0
    memcpy(spare, places, n * sizeof(int32_t))
    least = _select(value, spare, n, most)
    for i in range(n):
        above += value[places[i]] > least
    for i in range(n):
        if value[places[i]] > least or (above < most and not value[places[i]] < least):
            above += not value[places[i]] > least
            places[kept] = places[i]
            kept += 1
    return kept


cdef inline double _select(const double* value, int32_t* places, int n, int most) noexcept nogil:
    """The least of the `most` largest values, 0 < most <= n; `places` are left in any order: quickselect."""
    cdef int low = 0, high = n - 1, i, j
    cdef double pivot
    cdef int32_t swap
    while low < high:
        pivot = value[places[(low + high) // 2]]
        i, j = low, high
        while i <= j:
            while value[places[i]] > pivot:
                i += 1
            while pivot > value[places[j]]:
                j -= 1
            if i <= j:
                swap = places[i]
                places[i] = places[j]
                places[j] = swap
                i += 1
                j -= 1
        if most - 1 <= j:
            high = j
        elif most - 1 >= i:
            low = i
        else:
            break
    return value[places[most - 1]]
