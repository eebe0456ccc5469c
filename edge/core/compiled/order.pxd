# Stable orders of numbers, as every shelf needs them: of some hundred by their bytes, of fewer by insertion, of more by
# merging.
# Values that are no numbers end up anywhere, but every loop ends and stays within its arrays.

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #define ENDCAP_MANY 512
    /* Sort places by rising keys, of equals the first first: byte by byte, without a branch that depends on the data,
       which a processor would guess wrong every second time. A byte that all keys share is passed over. */
    static void endcap_by_bytes(uint32_t *keys, int32_t *places, int n) {
        uint32_t others[ENDCAP_MANY], *from = keys, *to = others;
        int32_t elsewhere[ENDCAP_MANY], *here = places, *there = elsewhere;
        uint32_t counts[4][256];
        memset(counts, 0, sizeof counts);
        for (int i = 0; i < n; i++)
            for (int byte = 0; byte < 4; byte++)
                counts[byte][keys[i] >> 8 * byte & 255]++;
        for (int byte = 0; byte < 4; byte++) {
            uint32_t *count = counts[byte], sum = 0;
            if (count[from[0] >> 8 * byte & 255] == (uint32_t)n)
                continue;
            for (int value = 0; value < 256; value++) {
                uint32_t these = count[value];
                count[value] = sum;
                sum += these;
            }
            for (int i = 0; i < n; i++) {
                uint32_t at = count[from[i] >> 8 * byte & 255]++;
                to[at] = from[i];
                there[at] = here[i];
            }
            uint32_t *keep = from; from = to; to = keep;
            int32_t *stay = here; here = there; there = stay;
        }
        if (here != places) {
            memcpy(places, here, n * sizeof *places);
            memcpy(keys, from, n * sizeof *keys);
        }
    }
    static inline uint32_t endcap_falling_key(double value) {
        float rough = (float)value + 0.0f; /* both zeros are one */
        uint32_t bits;
        memcpy(&bits, &rough, 4);
        return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
    }
    """
    void endcap_by_bytes(uint32_t* keys, int32_t* places, int n) noexcept nogil
    uint32_t endcap_falling_key(double value) noexcept nogil

cdef enum:
    RUN = 12  # shorter ones are sorted by insertion
    FEW = 32  # from so many on bytes are faster,
    MANY = 512  # as long as it fits on the stack


cdef inline void falling(const double* value, int32_t* places, int32_t* spare, int n) noexcept nogil:
    """Sort `places` [n], places of `value`, so that the values fall; of equals the first stays first."""
    cdef int start, end, width
    if FEW <= n <= MANY:
        _roughly(value, places, n)
        _insert(value, places, n)
        return
    start = 0
    while start < n:
        end = min(start + RUN, n)
        _insert(value, places + start, end - start)
        start = end
    width = RUN
    while width < n:
        start = 0
        while start + width < n:
            _merge(value, places + start, spare, width, min(2 * width, n - start))
            start += 2 * width
        width *= 2


cdef inline void _roughly(const double* value, int32_t* places, int n) noexcept nogil:
    """As far as single precision tells."""
    cdef uint32_t[MANY] keys
    cdef int i
    for i in range(n):
        keys[i] = endcap_falling_key(value[places[i]])
    endcap_by_bytes(keys, places, n)


cdef inline void _insert(const double* value, int32_t* places, int n) noexcept nogil:
    """What is nearly in order already, or short."""
    cdef int i, j
    cdef int32_t place
    for i in range(1, n):
        place = places[i]
        j = i
        while j > 0 and value[places[j - 1]] < value[place]:
            places[j] = places[j - 1]
            j -= 1
        places[j] = place


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
    """Sort whole numbers in place, from 0 on, whose upper and lower halves are a product and its row."""
    cdef int start, end, width, i, j
    cdef int64_t key
    if FEW <= n <= MANY:
        _by_upper(keys, spare, n)
        return
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


cdef inline void _by_upper(int64_t* keys, int64_t* spare, int n) noexcept nogil:
    """Rows rise with their places, so that an order that keeps equals as they are need not look at them."""
    cdef uint32_t[MANY] upper
    cdef int32_t[MANY] places
    cdef int i
    memcpy(spare, keys, n * sizeof(int64_t))
    for i in range(n):
        upper[i], places[i] = <uint32_t>(keys[i] >> 32), i
    endcap_by_bytes(upper, places, n)
    for i in range(n):
        keys[i] = spare[places[i]]


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
    """Keep the `most` places of the largest values, in their order; of equals the first. Returns how many."""
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
