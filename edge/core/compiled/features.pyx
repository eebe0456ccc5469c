"""Feature rows: what the ranker sees of each candidate, written column by column in the order of FEATURE_NAMES.

In: the index's arrays, a history, anchors and visit, candidates. Out: float32 rows, as `edge.core.features` says.
"""

cimport numpy as np
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.arrays cimport (
    GAP_DAYS, LEVELS, PRICE, TRAITS, Arrays, Product, direction, endcap_dot, product, product_ahead, taste, vector,
)
from edge.core.compiled.found cimport SOURCES
from edge.core.compiled.given cimport Said, floats, ints, said_by, table
from edge.core.compiled.history cimport History

np.import_array()

cdef float NEVER = -1  # where a number of days or a ratio does not exist
cdef int RECENT_ORDERS = 24
FEATURES = 3 + <int>SOURCES + TRAITS + 7 + 9 + 6 + 5  # columns


cdef struct Beside:
    # What candidates are compared with: the anchors, and this visit.
    const int32_t* anchors
    int count
    float price  # mean of those known, else 0
    float* towards  # [dimensions] where the anchors point
    float* visiting  # likewise this visit's products; NULL where there are none


def fill(
    Arrays arrays not None, History history not None, np.ndarray anchors, np.ndarray recent, double day, int slot,
    np.ndarray items, np.ndarray scores, np.ndarray evidence not None, np.ndarray out, int start,
):
    """Write the rows of one shelf's candidates into `out` [*, FEATURES] from row `start` on.

    `items` [n] int32 and `scores` [n] float32 are contiguous, `evidence` [SOURCES, n] float32 need not be; `day`: unix
    days. ValueError where a shape does not fit.
    """
    cdef int n = <int>len(items), i, at
    cdef const int32_t* item = ints(items)
    cdef const int32_t* anchor = ints(anchors)
    cdef const int32_t* visit = ints(recent)
    cdef const float* score = floats(scores)
    cdef Said said = table(evidence, n)
    cdef int columns = FEATURES, source
    cdef float* rows = <float*>floats(out)
    cdef Beside beside
    cdef float[5] situation
    if np.PyArray_NDIM(out) != 2 or out.shape[1] != columns or not 0 <= start <= len(out) - n or len(scores) != n:
        raise ValueError(f"{n} candidates, {len(scores)} scores: they are no rows {start} on of {(<object>out).shape}")
    rows += <size_t>start * columns
    beside.towards = <float*>malloc(2 * arrays.dimensions * sizeof(float))
    if beside.towards is NULL:
        raise MemoryError(f"no memory for {arrays.dimensions} numbers")
    _look_at(arrays, &beside, anchor, <int>len(anchors), visit, <int>len(recent))
    _situation(situation, history, <int>len(anchors), day)
    _ahead(arrays, item, n)
    _lay_shares(arrays, history, 1)
    for i in range(n):
        rows[0], rows[1], rows[2] = slot, score[i], i
        for source in range(<int>SOURCES):
            rows[3 + source] = said_by(said, source, i)
        at = 3 + <int>SOURCES
        at += _product(arrays, item[i], rows + at)
        at += _beside(arrays, &beside, item[i], rows + at)
        at += _bought(arrays, history, item[i], day, rows + at)
        at += _likes(arrays, history, item[i], rows + at)
        for source in range(5):
            rows[at + source] = situation[source]
        rows += columns
    _lay_shares(arrays, history, 0)
    free(beside.towards)


cdef void _ahead(Arrays arrays, const int32_t* items, int n) noexcept nogil:
    """Ask for all that is read of these products."""
    cdef int i
    for i in range(n):
        product_ahead(arrays, items[i])


cdef inline int _product(Arrays arrays, int32_t item, float* out) noexcept nogil:
    cdef int trait
    for trait in range(TRAITS):
        out[trait] = product(arrays, item).traits[trait]
    return TRAITS


cdef inline int _beside(Arrays arrays, Beside* beside, int32_t item, float* out) noexcept nogil:
    """The product beside the anchors, and beside this visit: what is unknown is like nothing."""
    cdef const Product* own = product(arrays, item)
    cdef const Product* theirs
    cdef int i, level, brand = own.brand
    cdef int[LEVELS + 1] same
    for level in range(LEVELS + 1):
        same[level] = 0
    for i in range(beside.count):
        theirs = product(arrays, beside.anchors[i])
        for level in range(LEVELS):
            same[level] += own.codes[level] >= 0 and own.codes[level] == theirs.codes[level]
        same[LEVELS] += brand >= 0 and brand == theirs.brand
    out[0] = product(arrays, item).traits[<int>PRICE] / beside.price if beside.price else 0
    for level in range(LEVELS + 1):
        out[1 + level] = <float>same[level] / beside.count if beside.count else 0
    out[5] = out[6] = 0
    if beside.count:
        out[5] = endcap_dot(vector(arrays, item), beside.towards, arrays.dimensions)
    if beside.visiting is not NULL:
        out[6] = endcap_dot(vector(arrays, item), beside.visiting, arrays.dimensions)
    return 7


cdef inline int _bought(Arrays arrays, History history, int32_t item, double day, float* out) noexcept nogil:
    """What the shopper bought of this product: count, share, idle days, gap, due, rank, often, lately, orders since."""
    cdef int row = history.row(item)
    cdef float count, idle, gap, expected
    if row < 0:
        out[0] = out[1] = 0
        out[2] = out[3] = out[4] = NEVER
        out[5] = history.n
        out[6] = out[7] = 0
        out[8] = RECENT_ORDERS
        return 9
    count, idle = history.count_of[row], <float>day - history.last_of[row]
    idle = idle if idle > 0 else 0
    gap = (history.last_of[row] - history.first_of[row]) / (count - 1) if count > 1 else NEVER
    # Bought once: what other shoppers take between two purchases stands in.
    expected = gap if gap > 0 else product(arrays, item).traits[<int>GAP_DAYS]
    out[0], out[1] = count, count / (history.order_count if history.order_count > 1 else 1)
    out[2], out[3] = idle, gap
    out[4] = idle / (expected if expected > 1 else 1) if expected > 0 else NEVER
    out[5] = history.rank_of[row]
    out[6], out[7] = history.often_of[2 * row], history.often_of[2 * row + 1]
    out[8] = history.since_of[row]
    return 9


cdef inline int _likes(Arrays arrays, History history, int32_t item, float* out) noexcept nogil:
    """Taste, the shares of categories and brand, and how long ago it was viewed: 1 is the newest view."""
    cdef int level, code, ago
    for level in range(6):
        out[level] = 0
    if history.n:
        out[0] = endcap_dot(taste(arrays, item), history.taste_of(), arrays.dimensions)
        for level in range(LEVELS):
            code = product(arrays, item).codes[level]
            out[1 + level] = arrays.by_code[code] / history.total if code >= 0 else 0
        code = product(arrays, item).brand
        out[4] = arrays.by_brand[code] / history.total if code >= 0 else 0
    for ago in range(history.viewed_n, 0, -1):  # of a product viewed twice the older view counts
        if history.viewed_at[history.viewed_n - ago] == item:
            out[5] = ago
            break
    return 6


cdef void _lay_shares(Arrays arrays, History history, double put) noexcept nogil:
    """Lay the weight of each category and brand bought into the index's scratch; with `put` 0 take it away again."""
    cdef int i, level, code
    for i in range(history.n):
        for level in range(LEVELS):
            code = product(arrays, history.item_of[i]).codes[level]
            if code >= 0:
                arrays.by_code[code] = (arrays.by_code[code] + history.weight_of[i]) if put else 0
        code = product(arrays, history.item_of[i]).brand
        if code >= 0:
            arrays.by_brand[code] = (arrays.by_brand[code] + history.weight_of[i]) if put else 0


cdef void _look_at(
    Arrays arrays, Beside* beside, const int32_t* anchors, int a, const int32_t* recent, int v
) noexcept nogil:
    cdef double sum = 0
    cdef int i, known = 0
    beside.anchors, beside.count, beside.visiting = anchors, a, NULL
    for i in range(a):
        if product(arrays, anchors[i]).traits[<int>PRICE] > 0:
            sum += product(arrays, anchors[i]).traits[<int>PRICE]
            known += 1
    beside.price = sum / known if known else 0
    if a:
        direction(arrays, False, anchors, NULL, a, beside.towards)
    if v:
        beside.visiting = beside.towards + arrays.dimensions
        direction(arrays, False, recent, NULL, v, beside.visiting)


cdef void _situation(float* out, History history, int anchors, double day) noexcept nogil:
    """Anchors, orders, products known, days since the last order, days from one to the next."""
    cdef float between = history.last_day_at - history.first_day_at
    out[0], out[1], out[2] = anchors, history.order_count, history.n
    out[3] = day - history.last_day_at if history.order_count else NEVER
    out[4] = between / (history.order_count - 1) if history.order_count > 1 else NEVER
