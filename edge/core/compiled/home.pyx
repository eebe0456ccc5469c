"""Candidates of the homepage: what goes with purchases and visit, what is liked, what is popular, and what was bought.

In: the index's arrays, a history, anchors and visit as positions, what each source counts. Out: products best first,
their worth, and the evidence each was found by [products, SOURCES], as `edge.core.retrieval` describes them.
"""

cimport numpy as np
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.ahead cimport ahead
from edge.core.compiled.arrays cimport LEVELS, Arrays, endcap_dot_floats, product, product_ahead
from edge.core.compiled.found cimport (
    FAVOURITE, HISTORY_PAIR, LIKED, OWN, POPULAR, SOURCES, VISIT_PAIR, Found, among, begin, make_room, row, said_of,
)
from edge.core.compiled.given cimport doubles, ints
from edge.core.compiled.history cimport History
from edge.core.compiled.order cimport largest
from edge.core.compiled.sources cimport MOST_VISITED, neighbours, pairs
from edge.core.compiled.worth cimport Worth, best, room_for

import numpy

np.import_array()

cdef enum:
    STRONGEST = 40  # purchases whose companions are looked up
    PER_FAVOURITE = 12
    MOST_LIKED = 60
    FILL = 60  # of the shop's most popular, so that a short profile still fills a shelf

cdef double LEAST = 1e-9  # keeps a source that says nothing from dividing by zero


cdef tuple _out(Arrays arrays, const Worth* worth, int count):
    """The best as arrays; the rest of the evidence is what was found."""
    cdef np.ndarray items = numpy.empty(count, numpy.int32)
    cdef np.ndarray scores = numpy.empty(count, numpy.float32)
    cdef np.ndarray evidence = numpy.zeros((count, <int>SOURCES), numpy.float32)
    cdef int32_t* item = <int32_t*>np.PyArray_DATA(items)
    cdef float* score = <float*>np.PyArray_DATA(scores)
    cdef float* said = <float*>np.PyArray_DATA(evidence)
    cdef int i, source, place, at
    cdef const double* sums
    for i in range(count):
        place = worth.places[i]
        at, score[i] = worth.row[place], worth.score[place]
        item[i] = arrays.found.items[at]
        product_ahead(arrays, item[i])  # features will be asked for next
        sums = arrays.found.sums + <size_t>at * arrays.found.width
        for source in range(arrays.found.width):
            said[i * <int>SOURCES + source] = sums[source]
    return items, scores, evidence


def for_you(
    Arrays arrays not None, History history not None, np.ndarray anchors, np.ndarray recent, np.ndarray counts,
    double new, int limit,
):
    """Own purchases, what goes with them and with this visit, what is liked, and what is popular; never an anchor.

    `counts` [SOURCES] float64: what each source counts. `new`: share of the candidates kept for what was never bought.
    """
    cdef const int32_t* anchor = ints(anchors)
    cdef const int32_t* visit = ints(recent)
    cdef int a = <int>len(anchors), v = <int>len(recent), last = min(v, MOST_VISITED), i
    cdef const double* count = doubles(counts)
    cdef Found* found = &arrays.found
    cdef Worth worth
    if len(counts) != <int>SOURCES:
        raise ValueError(f"counts of {len(counts)} sources; there are {<int>SOURCES}")
    begin(found, <int>SOURCES)
    _companions(arrays, found, history)
    if v:
        _visited(arrays, found, visit + v - last, last)
        neighbours(arrays, found, visit + v - last, last)
    else:
        last = min(history.viewed_n, MOST_VISITED)
        _visited(arrays, found, history.viewed_at + history.viewed_n - last, last)
    _favourites(arrays, found, history)
    _liked(arrays, found, history)
    if history.n or v or history.viewed_n:
        make_room(found, FILL)
        for i in range(min(arrays.popular_count, FILL)):
            said_of(found, arrays.popular[i])[<int>POPULAR] += 1.0 / (i + 1)
    make_room(found, history.n)
    for i in range(history.n):
        said_of(found, history.item_of[i])[<int>OWN] += history.weight_of[i]
    worth = room_for(found.count + 2 * history.n)
    try:
        _add_up(arrays, history, anchor, a, &worth, count)
        return _out(arrays, &worth, best(&worth, limit, <int>(new * limit), worth.places + worth.count))
    finally:
        free(worth.score)


cdef int _companions(Arrays arrays, Found* found, History history) except -1:
    """Companions of this shopper's strongest purchases."""
    cdef int i
    for i in range(history.n):
        if history.rank_of[i] < STRONGEST:
            ahead(arrays.pairs.start + history.item_of[i])
    for i in range(history.n):
        if history.rank_of[i] < STRONGEST:
            ahead(arrays.pairs.items + arrays.pairs.start[history.item_of[i]])
            ahead(arrays.pairs.score + arrays.pairs.start[history.item_of[i]])
    for i in range(history.n):
        if history.rank_of[i] < STRONGEST:
            pairs(arrays, found, history.item_of[i], HISTORY_PAIR, history.weight_of[i] ** 0.5)
    return 0


cdef int _visited(Arrays arrays, Found* found, const int32_t* visit, int n) except -1:
    """What this visit, or else the last views, looked at, and the companions of that; the newer the more."""
    cdef int i
    for i in range(n):
        pairs(arrays, found, visit[i], VISIT_PAIR, 1.0 / (n - i))
    make_room(found, n)
    for i in range(n):
        said_of(found, visit[i])[<int>VISIT_PAIR] += 1.0 / (n - i)
    return 0


cdef int _favourites(Arrays arrays, Found* found, History history) except -1:
    """The best of the narrow categories this shopper buys most."""
    cdef int i, j, at, level, code, end, count = history.favourites_of()
    cdef double share
    for i in range(count):
        code, share = history.favourite[i], 0
        for j in range(history.n):
            for level in range(LEVELS):
                if product(arrays, history.item_of[j]).codes[level] == code:
                    share += history.weight_of[j]
        end = min(arrays.by_category.start[code + 1], arrays.by_category.start[code] + PER_FAVOURITE)
        make_room(found, PER_FAVOURITE)
        for at in range(arrays.by_category.start[code], end):
            said_of(found, arrays.by_category.items[at])[<int>FAVOURITE] += (
                share / history.total / (1 + at - arrays.by_category.start[code])
            )
    return 0


cdef int _liked(Arrays arrays, Found* found, History history) except -1:
    """What shoppers of this one's taste buy, of the shop's better known products."""
    cdef const float* taste = history.taste_of()
    cdef int i, n = 0, kept
    cdef double* near
    cdef int32_t* places
    if not endcap_dot_floats(taste, taste, arrays.dimensions) > 0:
        return 0
    near = <double*>malloc((arrays.popular_count + 1) * sizeof(double))
    places = <int32_t*>malloc((2 * arrays.popular_count + 1) * sizeof(int32_t))
    if near is NULL or places is NULL:
        free(near)
        free(places)
        raise MemoryError(f"no memory for {arrays.popular_count} products")
    for i in range(arrays.popular_count):
        near[i] = endcap_dot_floats(arrays.popular_tastes + i * arrays.dimensions, taste, arrays.dimensions)
        if near[i] > 0:
            places[n] = i
            n += 1
    kept = largest(near, places, places + n, n, MOST_LIKED)
    try:
        make_room(found, kept)
        for i in range(kept):
            said_of(found, arrays.popular[places[i]])[<int>LIKED] += near[places[i]]
    finally:
        free(near)
        free(places)
    return 0


cdef void _add_up(
    Arrays arrays, History history, const int32_t* anchors, int a, Worth* worth, const double* counts
) noexcept nogil:
    """A source counts by its weight after scaling it to at most 1. Own purchases come last."""
    cdef Found* found = &arrays.found
    cdef double[<int>SOURCES] scale
    cdef double* sums
    cdef double score
    cdef int source, at, i
    for source in range(<int>SOURCES):
        scale[source] = LEAST
    for at in range(found.count):
        sums = found.sums + <size_t>at * found.width
        for source in range(<int>SOURCES):
            scale[source] = sums[source] if sums[source] > scale[source] else scale[source]
    for source in range(<int>SOURCES):
        scale[source] = counts[source] / scale[source]
    for i in range(2):
        for at in range(found.count):
            sums = found.sums + <size_t>at * found.width
            if (history.row(found.items[at]) >= 0) != (i == 1) or among(anchors, a, found.items[at]):
                continue
            score = 0
            for source in range(<int>SOURCES):
                score += scale[source] * sums[source]
            worth.row[worth.count], worth.score[worth.count] = at, score
            worth.count += 1
        if i == 0:
            worth.others = worth.count


def buy_again(Arrays arrays not None, History history not None, np.ndarray anchors, int limit):
    """Own purchases alone, the strongest first; never an anchor."""
    cdef const int32_t* anchor = ints(anchors)
    cdef Found* found = &arrays.found
    cdef double heaviest = history.heaviest if history.heaviest > LEAST else LEAST
    cdef Worth worth = room_for(2 * history.n)
    cdef int i
    try:
        begin(found, <int>OWN + 1)
        make_room(found, history.n)
        for i in range(history.n):
            if among(anchor, <int>len(anchors), history.item_of[i]):
                continue
            said_of(found, history.item_of[i])[<int>OWN] = history.weight_of[i]
            worth.row[worth.count] = row(found, history.item_of[i])
            worth.score[worth.count] = history.weight_of[i] / heaviest
            worth.count += 1
        return _out(arrays, &worth, best(&worth, limit, 0, worth.places + worth.count))
    finally:
        free(worth.score)
