"""Products like a page's product, as `edge.core.similar` promises them.

In: the index's arrays, anchors. Out: products best first, their worth, and the evidence [products, SOURCES].
"""

cimport numpy as np
from libc.math cimport log1p
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.arrays cimport (
    LEVELS, PRICE, SOLD_RECENTLY, Arrays, Product, endcap_dot, endcap_half, product, product_ahead, vector,
)
from edge.core.compiled.found cimport ALIKE, SOURCES, among
from edge.core.compiled.given cimport ints
from edge.core.compiled.order cimport falling

import numpy

np.import_array()


cdef struct Alike:
    # Products found so far, and of each what it is worth: its tier, and likeness as the part after the comma.
    int32_t* item
    int32_t* places
    double* worth
    int count
    int kept  # of them in the band, the anchor itself among them
    double most  # the largest worth, the anchors' own among them
    float* towards  # [dimensions] the anchor's direction


def alike(Arrays arrays not None, np.ndarray anchors, double band, int enough, int limit):
    """Products like the last anchor: its narrowest category within the price band, `enough` of them alone, else others
    after them, first of the next wider category in the band, then of the narrow one outside it. Never an anchor."""
    cdef const int32_t* anchor = ints(anchors)
    cdef int a = <int>len(anchors), level, deepest = -1, most = 0
    cdef const Product* page = NULL
    cdef Alike alike
    if a:
        page = product(arrays, anchor[a - 1])
        for level in range(LEVELS):
            if page.codes[level] >= 0:
                deepest = level
                most += arrays.by_category.start[page.codes[level] + 1] - arrays.by_category.start[page.codes[level]]
    if deepest < 0:
        most = 0
    alike.worth = <double*>malloc(
        (most + 1) * (sizeof(double) + 3 * sizeof(int32_t)) + arrays.dimensions * sizeof(float)
    )
    if alike.worth is NULL:
        raise MemoryError(f"no memory for {most} products")
    alike.item = <int32_t*>(alike.worth + most + 1)
    alike.places = alike.item + most
    alike.towards = <float*>(alike.places + 2 * most + 2)
    alike.count = alike.kept = 0
    alike.most = 1e-9
    try:
        if deepest >= 0:
            _look(arrays, &alike, anchor, a, page, deepest, band, enough)
        return _out(&alike, limit)
    finally:
        free(alike.worth)


cdef void _look(
    Arrays arrays, Alike* alike, const int32_t* anchors, int a, const Product* page, int deepest, double band,
    int enough,
) noexcept nogil:
    cdef int level, i, at
    cdef float price = product(arrays, anchors[a - 1]).traits[<int>PRICE]
    for i in range(arrays.dimensions):
        alike.towards[i] = endcap_half(vector(arrays, anchors[a - 1])[i])
    for at in range(arrays.by_category.start[page.codes[deepest]], arrays.by_category.start[page.codes[deepest] + 1]):
        product_ahead(arrays, arrays.by_category.items[at])
    for at in range(arrays.by_category.start[page.codes[deepest]], arrays.by_category.start[page.codes[deepest] + 1]):
        alike.kept += _within(price, product(arrays, arrays.by_category.items[at]).traits[<int>PRICE], band)
    if alike.kept > enough:
        _of(arrays, alike, anchors, a, page.codes[deepest], 0, -2, band, 2)
        return
    alike.kept = 0
    _of(arrays, alike, anchors, a, page.codes[deepest], -1, 0, band, 2)
    for level in range(deepest - 1, -1, -1):
        if alike.kept > enough:
            break
        if page.codes[level] >= 0:
            _of(arrays, alike, anchors, a, page.codes[level], level + 1, page.codes[level + 1], band, 1)


cdef void _of(
    Arrays arrays, Alike* alike, const int32_t* anchors, int a, int code, int level, int but, double band, double tier
) noexcept nogil:
    """Add the products of a category; with a `level`, only those in the band of another code there than `but`."""
    cdef const int32_t* items = arrays.by_category.items
    cdef int at, start = arrays.by_category.start[code], end = arrays.by_category.start[code + 1]
    cdef int32_t anchor = anchors[a - 1]
    cdef float price = product(arrays, anchor).traits[<int>PRICE]
    cdef double worth
    cdef bint within
    for at in range(start, end):
        product_ahead(arrays, items[at])
    for at in range(start, end):
        within = _within(price, product(arrays, items[at]).traits[<int>PRICE], band)
        if level >= 0 and (not within or product(arrays, items[at]).codes[level] == but):
            continue
        alike.kept += within
        worth = tier * within + _likeness(arrays, anchor, items[at], alike.towards) / 10
        alike.most = worth if worth > alike.most else alike.most
        if among(anchors, a, items[at]):
            continue
        alike.item[alike.count], alike.worth[alike.count] = items[at], worth
        alike.count += 1


cdef inline bint _within(float price, float other, double band) noexcept nogil:
    """Whether prices are within the band of each other; one not known, 0, is within every band."""
    return price <= 0 or other <= 0 or (other <= price * band and other * band >= price)


cdef inline double _likeness(Arrays arrays, int32_t anchor, int32_t item, const float* towards) noexcept nogil:
    """Near in price, of the same brand, bought in the same company, sold lately; well below 10."""
    cdef float price = product(arrays, anchor).traits[<int>PRICE], other = product(arrays, item).traits[<int>PRICE]
    cdef double near = 0.5, company
    if price > 0 and other > 0:
        near = price / other if price < other else other / price
    if product(arrays, item).brand >= 0 and product(arrays, item).brand == product(arrays, anchor).brand:
        near += 0.3
    company = endcap_dot(vector(arrays, item), towards, arrays.dimensions)
    return near + (company if company > 0 else 0) + 0.1 * log1p(product(arrays, item).traits[<int>SOLD_RECENTLY])


cdef tuple _out(Alike* alike, int limit):
    cdef int i, n = alike.count, count = min(n, limit)
    cdef np.ndarray items, scores, evidence
    for i in range(n):
        alike.places[i] = i
    falling(alike.worth, alike.places, alike.places + n, n)
    items, scores = numpy.empty(count, numpy.int32), numpy.empty(count, numpy.float32)
    evidence = numpy.zeros((count, <int>SOURCES), numpy.float32)
    for i in range(count):
        (<int32_t*>np.PyArray_DATA(items))[i] = alike.item[alike.places[i]]
        (<float*>np.PyArray_DATA(scores))[i] = alike.worth[alike.places[i]] / alike.most
        (<float*>np.PyArray_DATA(evidence))[i * <int>SOURCES + <int>ALIKE] = alike.worth[alike.places[i]]
    return items, scores, evidence
