"""The live rules over a shelf's picks, one by one; what edge.shelves fills shelves with.

In: picks, best first, and what the shop shows now. Out: those that may stand on the page, as it holds them already.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int32_t, int64_t


cdef class Filler:
    """See shelving.pyi."""

    cdef const int64_t[::1] shown
    cdef double least
    cdef int32_t* rows  # on the page, or not to be
    cdef int64_t* families  # on the shelf
    cdef Py_ssize_t rows_taken, families_taken, room
    cdef bint collapses

    def __cinit__(self, const int64_t[::1] shown, double least, taken):
        self.shown, self.least = shown, least
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

    def take(self, places, rows_of, scores, reasons, Py_ssize_t start, Py_ssize_t count):
        cdef const int32_t[::1] where = places, worth = scores, why = reasons, lying
        cdef Py_ssize_t at, known = self.shown.shape[0], most = where.shape[0], lies = -1
        cdef int32_t row
        cdef int64_t family
        cdef list items = []
        if worth.shape[0] != most or why.shape[0] != most:
            raise ValueError(f"{most} picks with {worth.shape[0]} scores and {why.shape[0]} reasons")
        if rows_of is not None:
            lying = rows_of
            lies = lying.shape[0]
        self.grow(count)
        for at in range(start, most):
            if len(items) >= count:
                return items, at
            row = where[at]
            if lies >= 0:
                row = lying[row] if 0 <= row < lies else -1
            if not 0 <= row < known or worth[at] < self.least:
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
