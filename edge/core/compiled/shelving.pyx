"""The live rules over a shelf's picks, one by one; what edge.shelves fills shelves with.

In: picks, best first, and what the shop shows now. Out: those that may stand on the page, as it holds them already.
"""

cimport numpy as np
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t

from edge.core.compiled.given cimport ints, longs

np.import_array()


cdef class Filler:
    """See shelving.pyi."""

    cdef np.ndarray array
    cdef const int64_t* shown
    cdef Py_ssize_t known
    cdef double least
    cdef int32_t* rows  # on the page, or not to be
    cdef int64_t* families  # on the shelf
    cdef Py_ssize_t rows_taken, families_taken, room
    cdef bint collapses

    def __cinit__(self, np.ndarray shown not None, double least, taken):
        self.array, self.shown, self.known, self.least = shown, longs(shown), shown.shape[0], least
        for row in taken:
            if row is not None:
                self.grow(1)
                self.rows[self.rows_taken] = row
                self.rows_taken += 1

    def __dealloc__(self):
        PyMem_Free(self.rows)
        PyMem_Free(self.families)

    def begin(self, bint collapses):
        self.families_taken, self.collapses = 0, collapses

    def take(
        self, np.ndarray places not None, np.ndarray rows_of, np.ndarray scores not None, np.ndarray reasons not None,
        Py_ssize_t start, Py_ssize_t count,
    ):
        cdef const int32_t* where = ints(places)
        cdef const int32_t* worth = ints(scores)
        cdef const int32_t* why = ints(reasons)
        cdef const int32_t* lying = NULL
        cdef Py_ssize_t at, most = places.shape[0], lies = -1
        cdef int32_t row
        cdef int64_t family
        cdef list items = []
        if scores.shape[0] != most or reasons.shape[0] != most:
            raise ValueError(f"{most} picks with {len(scores)} scores and {len(reasons)} reasons")
        if rows_of is not None:
            lying, lies = ints(rows_of), rows_of.shape[0]
        self.grow(count)
        for at in range(start, most):
            if len(items) >= count:
                return items, at
            row = where[at]
            if lies >= 0:
                row = lying[row] if 0 <= row < lies else -1
            if not 0 <= row < self.known or worth[at] < self.least:
                continue
            family = self.shown[row]
            if not family or self.has(row, family):
                continue
            self.rows[self.rows_taken] = row
            self.rows_taken += 1
            self.families[self.families_taken] = family
            self.families_taken += 1
            items.append((row, worth[at], why[at]))
        return items, most

    cdef bint has(self, int32_t row, int64_t family) noexcept:
        """Whether the page has the product or, where they count, the shelf its family."""
        cdef Py_ssize_t at
        for at in range(self.rows_taken):
            if self.rows[at] == row:
                return True
        for at in range(self.families_taken if self.collapses else 0):
            if self.families[at] == family:
                return True
        return False

    cdef int grow(self, Py_ssize_t count) except -1:
        """Make room for so many more."""
        cdef Py_ssize_t room = self.rows_taken + max(count, 0)
        if room <= self.room:
            return 0
        room += 64
        rows = <int32_t*>PyMem_Realloc(self.rows, room * sizeof(int32_t))
        if rows is NULL:
            raise MemoryError
        self.rows = rows
        families = <int64_t*>PyMem_Realloc(self.families, room * sizeof(int64_t))
        if families is NULL:
            raise MemoryError
        self.families, self.room = families, room
        return 0
