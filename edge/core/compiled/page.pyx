"""Candidates beside a page or cart: what the page says to everybody, and what this shopper bought.

In: the index's arrays, anchors, a history, what each source counts. Out: `Page`, the same for every shopper, to be
kept; products best first, their worth, and the evidence each was found by [products, SOURCES], as `edge.core.retrieval`
describes them.
"""

cimport numpy as np
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.arrays cimport Arrays, product, product_ahead
from edge.core.compiled.found cimport HITS, KIND, LIFT, NEIGHBOURS, OWN, PAIR, SOURCES, Found, begin
from edge.core.compiled.given cimport ints
from edge.core.compiled.history cimport History
from edge.core.compiled.order cimport rising
from edge.core.compiled.sources cimport MOST_ANCHORS, MOST_VISITED, company, neighbours
from edge.core.compiled.worth cimport Worth, best, room_for

import numpy

np.import_array()

cdef double LEAST = 1e-9  # keeps a source that says nothing from dividing by zero


cdef struct Near:
    # A product that the page speaks of, and what orders like the page's say of it.
    int32_t item
    float near


cdef struct Pair:
    # Of a product paired with an anchor, the row among all.
    int32_t row
    float pair
    float lift
    float hits


cdef struct Said:
    # All that is said of one product.
    int32_t item
    float pair
    float lift
    float hits
    float near


cdef class Page:
    """Products found beside some anchors, by rising position, and what is said of each."""

    cdef Near* found  # [n], then
    cdef Pair* pairs  # [k]
    cdef int n, k
    cdef double most_pair, most_near  # the largest of each, at least LEAST

    def __init__(self, Arrays arrays not None, np.ndarray anchors, np.ndarray recent):
        """`anchors` [a] int32; where there are none, orders like `recent` [v] int32, this visit, are looked for."""
        cdef const int32_t* anchor = ints(anchors)
        cdef const int32_t* visit = ints(recent)
        cdef int a = <int>len(anchors), v = <int>len(recent), newest = min(a, MOST_ANCHORS), last = min(v, MOST_VISITED)
        begin(&arrays.found, <int>OWN)
        company(arrays, &arrays.found, anchor + a - newest, newest)
        if a:
            neighbours(arrays, &arrays.found, anchor + a - newest, newest)
        else:
            neighbours(arrays, &arrays.found, visit + v - last, last)
        self._fill(&arrays.found)

    def __dealloc__(self):
        free(self.found)

    @property
    def size(self):
        """Bytes."""
        return self.n * sizeof(Near) + self.k * sizeof(Pair) + 200

    cdef _fill(self, const Found* found):
        """What was found, sorted; most of it is paired with nothing, and need not say so at length."""
        cdef int64_t* keys = <int64_t*>malloc((2 * found.count + 1) * sizeof(int64_t))
        cdef const double* sums
        cdef int i, paired = 0
        for i in range(found.count):
            paired += found.sums[<size_t>i * found.width + <int>HITS] > 0
        self.found = <Near*>malloc((found.count + 1) * sizeof(Near) + paired * sizeof(Pair))
        if keys is NULL or self.found is NULL:
            free(keys)
            raise MemoryError(f"no memory for a page of {found.count} products")
        self.pairs = <Pair*>(self.found + found.count + 1)
        for i in range(found.count):
            keys[i] = (<int64_t>found.items[i] << 32) | i
        rising(keys, keys + found.count, found.count)
        self.n, self.k, self.most_pair, self.most_near = found.count, 0, LEAST, LEAST
        for i in range(found.count):
            sums = found.sums + <size_t>(keys[i] & 0x7FFFFFFF) * found.width
            self.found[i].item, self.found[i].near = <int32_t>(keys[i] >> 32), sums[<int>NEIGHBOURS]
            if sums[<int>HITS] > 0:
                self.pairs[self.k].row, self.pairs[self.k].pair = i, sums[<int>PAIR]
                self.pairs[self.k].lift, self.pairs[self.k].hits = sums[<int>LIFT], sums[<int>HITS]
                self.k += 1
            self.most_pair = max(self.most_pair, sums[<int>PAIR])
            self.most_near = max(self.most_near, sums[<int>NEIGHBOURS])
        free(keys)

    cdef inline int read(self, int row, int pair, Said* said) noexcept nogil:
        """All that is said of a row, whose pair, if it has one, is `pair` or comes after it. Returns where that is."""
        while pair < self.k and self.pairs[pair].row < row:
            pair += 1
        said.item, said.near = self.found[row].item, self.found[row].near
        said.pair = said.lift = said.hits = 0
        if pair < self.k and self.pairs[pair].row == row:
            said.pair, said.lift, said.hits = self.pairs[pair].pair, self.pairs[pair].lift, self.pairs[pair].hits
        return pair


cdef struct Shelf:
    # What each source counts on a shelf, whom it is for, and what is said of own purchases.
    double pair
    double near
    double own
    bint related
    double most_pair
    double heaviest
    const int32_t* anchors
    int a
    Said* mine  # [purchases]
    float* kinds  # [purchases] what the kind of each says
    Said* others  # of what was never bought


def beside(
    Arrays arrays not None, Page page not None, History history not None, np.ndarray anchors, double pair, double near,
    double own, bint related, double new, int limit,
):
    """The page's products and own purchases; never one of `anchors` [a] int32, which the page was made for.

    `pair`, `near`, `own`: what the sources count. `related`: only what was bought with an anchor beyond chance, and own
    purchases of its kind. `new`: share of the candidates kept for what was never bought.
    """
    cdef Shelf shelf
    cdef Worth worth
    cdef int standing = page.k if related else page.n
    shelf.pair, shelf.near, shelf.own, shelf.related = pair, near, own, related
    shelf.anchors, shelf.a, shelf.most_pair = ints(anchors), <int>len(anchors), page.most_pair
    shelf.heaviest = history.heaviest if history.heaviest > LEAST else LEAST
    shelf.mine = <Said*>malloc((standing + history.n + 1) * sizeof(Said) + history.n * sizeof(float))
    if shelf.mine is NULL:
        raise MemoryError(f"no memory for {standing + history.n} candidates")
    shelf.others = shelf.mine + history.n
    shelf.kinds = <float*>(shelf.others + standing + 1)
    try:
        worth = room_for(standing + history.n)
        try:
            _said_of_mine(arrays, page, history, &shelf)
            _weigh_others(page, history, &shelf, &worth)
            _weigh_mine(page, history, &shelf, &worth)
            return _out(
                arrays, history, &shelf, &worth,
                best(&worth, limit, <int>(new * limit), worth.places + worth.count),
            )
        finally:
            free(worth.score)
    finally:
        free(shelf.mine)


cdef void _said_of_mine(Arrays arrays, Page page, History history, Shelf* shelf) noexcept nogil:
    """What the page says of each purchase, and its own list where it names the one anchor that does not name it."""
    cdef int i, at = 0, pair = 0, newest = min(shelf.a, MOST_ANCHORS)
    cdef int named = arrays.named.start[shelf.anchors[0]] if shelf.a == 1 else 0
    cdef Said* mine
    cdef int32_t item, narrow
    _kinds(arrays, shelf.anchors + shelf.a - newest, newest, 1)
    for i in range(history.n):
        item, mine = history.item_of[i], shelf.mine + i
        while at < page.n and page.found[at].item < item:
            at += 1
        if at < page.n and page.found[at].item == item:
            pair = page.read(at, pair, mine)
        else:
            mine.item, mine.pair, mine.lift, mine.hits, mine.near = item, 0, 0, 0, 0
        if shelf.a == 1:
            named = _named(arrays, shelf.anchors[0], named, mine)
            shelf.most_pair = mine.pair if mine.pair > shelf.most_pair else shelf.most_pair
        narrow = product(arrays, item).narrow
        shelf.kinds[i] = arrays.by_code[narrow] if narrow >= 0 else 0
    _kinds(arrays, shelf.anchors + shelf.a - newest, newest, 0)


cdef inline int _named(Arrays arrays, int32_t anchor, int low, Said* mine) noexcept nogil:
    """Add what a purchase's own list says of the anchor, whose list, cut short, does not name it.

    Who names a product stands there in rising order, as purchases do, and there may be thousands: `low` is where the
    purchase before this one would stand. Returns the same of this one.
    """
    cdef int end = arrays.named.start[anchor + 1], high, middle, step = 1
    while low + step < end and arrays.named.items[low + step] < mine.item:
        low += step
        step *= 2
    high = min(low + step + 1, end)
    while low < high:
        middle = (low + high) // 2
        if arrays.named.items[middle] < mine.item:
            low = middle + 1
        else:
            high = middle
    if low < end and arrays.named.items[low] == mine.item:
        mine.pair += arrays.named.score[low]
        mine.lift += arrays.named.lift[low]
        mine.hits += 1
    return low


cdef void _kinds(Arrays arrays, const int32_t* anchors, int n, double put) noexcept nogil:
    """Into `by_code` how much more than by chance each category goes with the anchors' kinds; zeros with `put` 0."""
    cdef int i, at, code
    for i in range(n):
        code = product(arrays, anchors[i]).narrow
        if code < 0:
            continue
        for at in range(arrays.kinds.start[code], arrays.kinds.start[code + 1]):
            if put:
                arrays.by_code[arrays.kinds.items[at]] += arrays.kinds.score[at]
            else:
                arrays.by_code[arrays.kinds.items[at]] = 0


cdef void _weigh_others(Page page, History history, Shelf* shelf, Worth* worth) noexcept nogil:
    """What was never bought, and may stand on the shelf; what it is worth there."""
    cdef int i, row, pair = 0, mine = 0
    cdef Said* said
    for i in range(page.k if shelf.related else page.n):
        row, said = page.pairs[i].row if shelf.related else i, shelf.others + worth.count
        while mine < history.n and history.item_of[mine] < page.found[row].item:
            mine += 1
        if mine < history.n and history.item_of[mine] == page.found[row].item:
            continue
        if not _among(shelf, page.found[row].item):
            pair = page.read(row, pair, said)
            worth.row[worth.count], worth.score[worth.count] = worth.count, _worth(page, shelf, said)
            worth.count += 1
    worth.others = worth.count


cdef void _weigh_mine(Page page, History history, Shelf* shelf, Worth* worth) noexcept nogil:
    """Own purchases that may stand on the shelf."""
    cdef int i
    for i in range(history.n):
        if (shelf.related and shelf.kinds[i] <= 0 and not shelf.mine[i].hits) or _among(shelf, shelf.mine[i].item):
            continue
        worth.row[worth.count] = i
        worth.score[worth.count] = (
            _worth(page, shelf, shelf.mine + i) + shelf.own * history.weight_of[i] / shelf.heaviest
        )
        worth.count += 1


cdef inline double _worth(Page page, const Shelf* shelf, const Said* said) noexcept nogil:
    return shelf.pair * said.pair / shelf.most_pair + shelf.near * said.near / page.most_near


cdef inline bint _among(const Shelf* shelf, int32_t item) noexcept nogil:
    cdef int i
    for i in range(shelf.a):
        if shelf.anchors[i] == item:
            return True
    return False


cdef tuple _out(Arrays arrays, History history, const Shelf* shelf, const Worth* worth, int count):
    """The best as arrays."""
    cdef np.ndarray items = numpy.empty(count, numpy.int32)
    cdef np.ndarray scores = numpy.empty(count, numpy.float32)
    cdef np.ndarray evidence = numpy.zeros((count, <int>SOURCES), numpy.float32)
    cdef int32_t* item = <int32_t*>np.PyArray_DATA(items)
    cdef float* score = <float*>np.PyArray_DATA(scores)
    cdef float* source = <float*>np.PyArray_DATA(evidence)
    cdef const Said* said
    cdef int i, place, at
    for i in range(count):
        place = worth.places[i]
        at = worth.row[place]
        if place < worth.others:
            said = shelf.others + at
        else:
            said = shelf.mine + at
            source[<int>KIND], source[<int>OWN] = shelf.kinds[at], history.weight_of[at]
        product_ahead(arrays, said.item)  # features will be asked for next
        item[i], score[i] = said.item, worth.score[place]
        source[<int>PAIR], source[<int>LIFT], source[<int>HITS] = said.pair, said.lift, said.hits
        source[<int>NEIGHBOURS] = said.near
        source += <int>SOURCES
    return items, scores, evidence
