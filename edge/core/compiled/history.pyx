"""A shopper's purchases aligned to the index, worked out once per request however many shelves it has.

In: `Arrays`, the columns of a profile. Out: `History`, which candidates and features read by pointer, and everybody
else as arrays. `edge.core.context` says what its attributes mean.
"""

cimport numpy as np
from libc.math cimport exp2f, sqrtf
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from edge.core.compiled.ahead cimport ahead
from edge.core.compiled.arrays cimport direction, product, taste
from edge.core.compiled.given cimport ints
from edge.core.compiled.order cimport falling, rising

import numpy

np.import_array()

HALF_LIFE_DAYS = 60.0  # after two months without it, a purchase counts half

cdef enum:
    BITS = 24  # of the recent orders, the lowest is the last order: RECENT_ORDERS of `edge.core.profile`
    COLUMNS = 9  # floats for each product bought

cdef float half_life = HALF_LIFE_DAYS
cdef float[BITS] lasting  # what an order counts by age: 0.9 keeps about the last ten,
cdef float[BITS] fading  # 0.7 the last three
cdef int _age
for _age in range(BITS):
    lasting[_age] = 0.9**_age
    fading[_age] = 0.7**_age


cdef class History:
    """Products bought, by rising position, and what is known of each."""

    def __cinit__(self, Arrays arrays not None, np.ndarray places, np.ndarray numbers, scalars):
        """`places` [n + m] int32: of n products bought and m viewed, -1 where the index has none; `numbers` [4, n]

        int32: count, first day, last day (unix days), bits of the recent orders; `scalars`: orders, first and last
        order day.
        """
        cdef const int32_t* place = ints(places)
        cdef const int32_t* number = ints(numbers)
        cdef int32_t* seen
        cdef int bought, m, i
        if np.PyArray_NDIM(numbers) != 2 or numbers.shape[0] != 4 or numbers.shape[1] > len(places):
            raise ValueError(f"{len(places)} products, numbers of {(<object>numbers).shape}; 4 of each bought")
        bought = <int>numbers.shape[1]
        m = <int>len(places) - bought
        self.arrays = arrays
        self.orders, self.first_order_day, self.last_order_day = scalars
        self.order_count, self.first_day_at, self.last_day_at = scalars
        self._allocate(bought, arrays.dimensions)
        self._fill(place, number, bought, self.last_day_at)
        self.viewed = numpy.empty(m, numpy.int32)
        seen = <int32_t*>np.PyArray_DATA(self.viewed)
        for i in range(m):
            if place[bought + i] >= 0:
                seen[self.viewed_n] = place[bought + i]
                self.viewed_n += 1
        if self.viewed_n < m:
            self.viewed = self.viewed[: self.viewed_n].copy()
        self._viewed = self.viewed
        self.viewed_at = <const int32_t*>np.PyArray_DATA(self._viewed)
        self.favourite_n = -1

    def __dealloc__(self):
        free(self.item_of)
        free(self.count_of)

    cdef _allocate(self, int n, int dimensions):
        self.item_of = <int32_t*>malloc((n + 1) * sizeof(int32_t))
        self.count_of = <float*>malloc((<size_t>n * COLUMNS + dimensions + 1) * sizeof(float))
        if self.item_of is NULL or self.count_of is NULL:
            raise MemoryError(f"no memory for a history of {n} products")
        self.first_of, self.last_of, self.often_of = self.count_of + n, self.count_of + 2 * n, self.count_of + 3 * n
        self.since_of, self.weight_of = self.count_of + 5 * n, self.count_of + 6 * n
        self.rank_of, self.spare, self.taste_ = self.count_of + 7 * n, self.count_of + 8 * n, self.count_of + 9 * n

    cdef _fill(self, const int32_t* place, const int32_t* numbers, int bought, float last_order_day):
        """Sort what the index knows by position, and work out what follows from each product's own numbers."""
        cdef int64_t* keys = <int64_t*>malloc((2 * bought + 1) * sizeof(int64_t))
        cdef int i, n = 0, at
        cdef uint32_t recent
        cdef float old
        if keys is NULL:
            raise MemoryError(f"no memory for a history of {bought} products")
        for i in range(bought):
            if place[i] >= 0 and numbers[i] > 0:  # of the others the rest was returned
                keys[n] = (<int64_t>place[i] << 32) | i
                n += 1
        rising(keys, keys + bought, n)
        for i in range(n):
            at = <int>(keys[i] & 0x7FFFFFFF)
            recent = <uint32_t>numbers[3 * bought + at]
            self.item_of[i] = <int32_t>(keys[i] >> 32)
            self.count_of[i], self.first_of[i] = numbers[at], numbers[bought + at]
            self.last_of[i] = numbers[2 * bought + at]
            self._read(recent, i)
            old = last_order_day - self.last_of[i]  # below 0 in damaged records only, whose weights must stay numbers
            old = old if old > 0 else 0
            self.weight_of[i] = self.count_of[i] * exp2f(-old / half_life) + 2 * self.often_of[2 * i]
            self.total += self.weight_of[i]
            self.heaviest = self.weight_of[i] if self.weight_of[i] > self.heaviest else self.heaviest
        free(keys)
        self.n = n
        for i in range(n):
            ahead(product(self.arrays, self.item_of[i]))
            ahead(taste(self.arrays, self.item_of[i]))
        self.total = self.total if self.total > 1e-9 else 1e-9
        self._rank()

    cdef void _read(self, uint32_t recent, int i) noexcept:
        """Which of the recent orders held product `i`: faded sums, and how many orders came after the last of them."""
        cdef float longer = 0, shorter = 0
        cdef int age, newest = BITS
        for age in range(BITS - 1, -1, -1):
            if recent >> age & 1:
                longer += lasting[age]
                shorter += fading[age]
                newest = age
        self.often_of[2 * i], self.often_of[2 * i + 1], self.since_of[i] = longer, shorter, newest

    cdef _rank(self):
        """0 for the largest weight."""
        cdef double* weight = <double*>malloc((self.n + 1) * sizeof(double))
        cdef int32_t* order = <int32_t*>malloc((2 * self.n + 1) * sizeof(int32_t))
        cdef int i
        if weight is NULL or order is NULL:
            free(weight)
            free(order)
            raise MemoryError(f"no memory to rank {self.n} products")
        for i in range(self.n):
            weight[i], order[i] = self.weight_of[i], i
        falling(weight, order, order + self.n, self.n)
        for i in range(self.n):
            self.rank_of[order[i]] = i
        free(weight)
        free(order)

    cdef int row(self, int32_t item) noexcept nogil:
        """The row of a product bought, -1 for all others."""
        cdef int low = 0, high = self.n, middle
        while low < high:
            middle = (low + high) // 2
            if self.item_of[middle] < item:
                low = middle + 1
            else:
                high = middle
        return low if low < self.n and self.item_of[low] == item else -1

    cdef const float* taste_of(self) noexcept nogil:
        """Where the products bought point together: a unit vector, or zero."""
        cdef int i
        if not self.tasted:
            for i in range(self.n):
                self.spare[i] = sqrtf(self.weight_of[i])
            direction(self.arrays, True, self.item_of, self.spare, self.n, self.taste_)
            self.tasted = True
        return self.taste_

    cdef int favourites_of(self) except -1:
        """Narrow categories bought most, strongest first; of equals the smaller code. Returns how many."""
        cdef int i, j, code, best
        cdef double* sums = self.arrays.by_code
        if self.favourite_n >= 0:
            return self.favourite_n
        self.favourite_n = 0
        for i in range(self.n):
            code = product(self.arrays, self.item_of[i]).narrow
            if code >= 0:
                sums[code] += self.weight_of[i]
        for j in range(FAVOURITES):
            best = -1
            for i in range(self.n):
                code = product(self.arrays, self.item_of[i]).narrow
                if code >= 0 and sums[code] > 0:
                    if best < 0 or sums[code] > sums[best] or (sums[code] == sums[best] and code < best):
                        best = code
            if best < 0:
                break
            self.favourite[j] = best
            self.favourite_n += 1
            sums[best] = 0
        for i in range(self.n):
            if product(self.arrays, self.item_of[i]).narrow >= 0:
                sums[product(self.arrays, self.item_of[i]).narrow] = 0
        return self.favourite_n

    # --- for all who are not compiled --------------------------------------------------------------------------------

    cdef np.ndarray _floats(self, const float* column, int width=1):
        out = numpy.empty(self.n * width, numpy.float32)
        cdef float* to = <float*>np.PyArray_DATA(out)
        cdef int i
        for i in range(self.n * width):
            to[i] = column[i]
        return out

    @property
    def bought(self):
        """How many products of the index were bought."""
        return self.n

    @property
    def items(self):
        """[n] int32, bought, rising."""
        out = numpy.empty(self.n, numpy.int32)
        cdef int32_t* to = <int32_t*>np.PyArray_DATA(out)
        cdef int i
        for i in range(self.n):
            to[i] = self.item_of[i]
        return out

    @property
    def counts(self):
        """[n] how often."""
        return self._floats(self.count_of)

    @property
    def first_day(self):
        """[n] unix days."""
        return self._floats(self.first_of)

    @property
    def last_day(self):
        """[n] unix days."""
        return self._floats(self.last_of)

    @property
    def often(self):
        """[n, 2] the orders that held it, of the last ten or so and of the last three or so."""
        return self._floats(self.often_of, 2).reshape(self.n, 2)

    @property
    def since(self):
        """[n] orders after the last that held it; RECENT_ORDERS where none of those remembered did."""
        return self._floats(self.since_of)

    @property
    def weight(self):
        """[n] counts, decayed to the day of the last order, and much more what was bought lately."""
        return self._floats(self.weight_of)

    @property
    def rank(self):
        """[n] 0 for the largest weight."""
        return self._floats(self.rank_of)

    @property
    def taste(self):
        """[dimensions] where the products bought point together: a unit vector, or zero."""
        out = numpy.empty(self.arrays.dimensions, numpy.float32)
        cdef float* to = <float*>np.PyArray_DATA(out)
        cdef const float* towards = self.taste_of()
        cdef int d
        for d in range(self.arrays.dimensions):
            to[d] = towards[d]
        return out

    @property
    def favourites(self):
        """[at most 8] narrow categories bought most, strongest first."""
        cdef int i, n = self.favourites_of()
        return numpy.array([self.favourite[i] for i in range(n)], numpy.int32)
