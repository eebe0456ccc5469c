"""The order of a shelf: candidates by worth, where each further product of a kind is worth less than the one before it.

In: scored candidates. Out: their places in the order they are shown, and the scores they are shown with.
"""

cimport numpy as np
from libc.math cimport exp, rint
from libc.stdint cimport int32_t, uint8_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.arrays cimport Arrays, product
from edge.core.compiled.found cimport HITS, SOURCES
from edge.core.compiled.given cimport Said, bools, doubles, floats, ints, said_by, table
from edge.core.compiled.order cimport falling

import numpy

np.import_array()


def spread(np.ndarray values, np.ndarray kinds, double strength, int most):
    """The first `most` places once the n-th of a kind is worth (1 - strength)^(n-1), and what each is worth.

    `values` [n] float64, 0 or more, best first; `kinds` [n] int32, where -1 is unlike every other. Out: places [k]
    int32, worth [k] float64. Ties keep the order given.
    """
    cdef int n = <int>len(values), i, j, kept = min(n, most)
    cdef const double* value = doubles(values)
    cdef const int32_t* kind = ints(kinds)
    if len(kinds) != n:
        raise ValueError(f"{n} values of {len(kinds)} kinds")
    cdef np.ndarray places = numpy.empty(2 * n, numpy.int32)
    cdef np.ndarray sorted_worth = numpy.empty(2 * n, numpy.float64)
    cdef int32_t* place = <int32_t*>np.PyArray_DATA(places)
    cdef double* chosen = <double*>np.PyArray_DATA(sorted_worth)
    cdef double* worth = chosen + n
    for i in range(n):
        place[i], worth[i] = i, value[i]
        if strength > 0 and kind[i] >= 0:
            for j in range(i):  # a hundred at most: counting beats remembering
                if kind[j] == kind[i]:
                    worth[i] *= 1 - strength
    if strength > 0:
        falling(worth, place, place + n, n)
    for i in range(kept):
        chosen[i] = worth[place[i]]
    return places[:kept], sorted_worth[:kept]


cdef struct Shelf:
    # Candidates that may stand, best first: place among all, worth.
    int32_t* place
    double* worth
    int32_t* spare
    int count


def arranged(
    Arrays arrays not None, np.ndarray items, np.ndarray values, bint ranked, np.ndarray evidence, allowed, elsewhere,
    tuple told not None, double strength, int most, int scale,
):
    """A shelf in order: positions, scores times `scale`, and reasons, each [k] int32, k at most `most`.

    `items` [n] int32 and `values` [n] float32: the ranker's raw scores where `ranked`, else worth, best first;
    `evidence` [SOURCES, n] float32; `allowed` [n] bool, or None where all may stand; `elsewhere`: anchors [a] int32
    whose category no product may be of, or None; `told`:
    (weights [SOURCES] float32, words [2^w] int32, a word, its substitute, products [m] int32 for which it stands in);
    the sum of the weights of the sources that found a product says which word is its reason. `strength`: of diversity.
    """
    cdef int n = <int>len(items), i, k
    cdef Shelf shelf
    cdef np.ndarray out = numpy.empty((3, min(n, most)), numpy.int32)
    cdef int32_t* position = <int32_t*>np.PyArray_DATA(out)
    cdef const int32_t* item = ints(items)
    cdef Said said = table(evidence, n)
    if len(values) != n or (allowed is not None and len(allowed) != n) or len(told[0]) != <int>SOURCES:
        raise ValueError(f"{n} candidates, {len(values)} values, weights of {len(told[0])} sources, allowed {allowed}")
    shelf.worth = <double*>malloc((n + 1) * (2 * sizeof(double) + 3 * sizeof(int32_t)))
    if shelf.worth is NULL:
        raise MemoryError(f"no memory for {n} candidates")
    shelf.place = <int32_t*>(shelf.worth + 2 * n + 2)
    shelf.spare = shelf.place + n
    try:
        _order(&shelf, floats(values), n, ranked)
        if allowed is not None:
            _keep(&shelf, bools(allowed))
        if elsewhere is not None:
            _keep_elsewhere(arrays, &shelf, item, said, ints(elsewhere), <int>len(elsewhere))
        if strength > 0:
            _spread(arrays, &shelf, item, strength)
        k = min(shelf.count, most)
        for i in range(k):
            position[i] = item[shelf.place[i]]
            position[k + i] = <int32_t>rint(shelf.worth[i] * scale)
        _say(position + 2 * k, &shelf, item, k, said, told)
    finally:
        free(shelf.worth)
    flat = out.reshape(-1)
    return flat[:k], flat[k : 2 * k], flat[2 * k : 3 * k]


cdef void _order(Shelf* shelf, const float* values, int n, bint ranked) noexcept nogil:
    """All candidates, best first, of equals the first; worth in 0..1."""
    cdef double* value = shelf.worth + n
    cdef double most = 1e-9
    cdef int i
    shelf.count = n
    for i in range(n):
        shelf.place[i], value[i] = i, values[i]
        most = value[i] if value[i] > most else most
    if ranked:
        falling(value, shelf.place, shelf.spare, n)
    for i in range(n):
        shelf.worth[i] = value[shelf.place[i]]
        shelf.worth[i] = 1 / (1 + exp(-shelf.worth[i])) if ranked else min(max(shelf.worth[i] / most, 0), 1)


cdef void _keep(Shelf* shelf, const uint8_t* allowed) noexcept nogil:
    cdef int i, kept = 0
    for i in range(shelf.count):
        if allowed[shelf.place[i]]:
            shelf.place[kept], shelf.worth[kept] = shelf.place[i], shelf.worth[i]
            kept += 1
    shelf.count = kept


cdef int _keep_elsewhere(
    Arrays arrays, Shelf* shelf, const int32_t* items, Said said, const int32_t* anchors, int a
) except -1:
    """Only what was bought together with an anchor, and is of no anchor's category; none where an anchor has none."""
    cdef int i, j, kept = 0, code
    cdef bint may
    for i in range(shelf.count):
        code = _second_level(arrays, items[shelf.place[i]])
        may = code >= 0 and said_by(said, <int>HITS, shelf.place[i]) > 0
        for j in range(a):
            may = may and _second_level(arrays, anchors[j]) >= 0 and _second_level(arrays, anchors[j]) != code
        if may:
            shelf.place[kept], shelf.worth[kept] = shelf.place[i], shelf.worth[i]
            kept += 1
    shelf.count = kept
    return 0


cdef inline int _second_level(Arrays arrays, int32_t item) noexcept nogil:
    # Narrow codes are larger, so the larger of the first two is the second where there is one.
    return max(product(arrays, item).codes[0], product(arrays, item).codes[1])


cdef void _spread(Arrays arrays, Shelf* shelf, const int32_t* items, double strength) noexcept nogil:
    """Order by what each is worth beside those of its kind before it."""
    cdef double* worth = shelf.worth + shelf.count
    cdef int32_t* row = shelf.spare
    cdef int i, j, code
    for i in range(shelf.count):
        row[i], worth[i] = product(arrays, items[shelf.place[i]]).narrow, shelf.worth[i]
        for j in range(i if row[i] >= 0 else 0):  # a hundred at most: counting beats remembering
            if row[j] == row[i]:
                worth[i] *= 1 - strength
    for i in range(shelf.count):
        row[i] = i
    falling(worth, row, row + shelf.count, shelf.count)
    for i in range(shelf.count):
        code = row[i]
        shelf.worth[i], row[i] = worth[code], shelf.place[code]
    for i in range(shelf.count):
        shelf.place[i] = row[i]


cdef int _say(int32_t* reason, Shelf* shelf, const int32_t* items, int k, Said said, tuple told) except -1:
    """The word for the sources that found each."""
    cdef const float* weight = floats(told[0])
    cdef const int32_t* word = ints(told[1])
    cdef int instead_of = told[2], instead = told[3], words = <int>len(told[1]), m = <int>len(told[4]), i, source, sum
    cdef const int32_t* among = ints(told[4])
    for i in range(k):
        sum = 0
        for source in range(<int>SOURCES):
            if weight[source] and said_by(said, source, shelf.place[i]) > 0:
                sum += <int>weight[source]
        if not 0 <= sum < words:
            raise ValueError(f"weights that add up to {sum}, {words} words")
        reason[i] = word[sum]
        if word[sum] == instead_of:
            for source in range(m):
                if among[source] == items[shelf.place[i]]:
                    reason[i] = instead
    return 0
