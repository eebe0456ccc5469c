"""Where ids lie: a hash table over the keys of `edge.core.ids`, in memory of this process.

In: the keys of all products and whose each is. Out: positions, of one id or of all in a profile at once. Ids that are
no plain decimals have hashes for keys, which alone find nothing: whoever asks for these compares the ids themselves.
"""

cimport numpy as np
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from edge.core.compiled.ahead cimport ahead
from edge.core.compiled.given cimport ints, longs

import numpy

np.import_array()

cdef enum:
    DIGITS = 18  # of the longest decimal that surely fits into 63 bits


cdef class Lookup:
    """Finds positions by key."""

    cdef object _held
    cdef const int64_t* keys
    cdef const int32_t* whose
    cdef int32_t* slots  # rows of `keys`, -1 where there is none; a power of two, at least twice as many as keys
    cdef uint64_t mask
    cdef int n

    def __cinit__(self, np.ndarray keys, np.ndarray whose):
        """`keys` [n] int64, rising, and `whose` [n] int32, their positions; of equal keys the first is found."""
        cdef int i
        cdef uint64_t room = 4
        self.keys, self.whose = longs(keys), ints(whose)
        if len(keys) != len(whose):
            raise ValueError(f"{len(keys)} keys and {len(whose)} positions")
        self._held, self.n = (keys, whose), <int>len(keys)
        while room < <uint64_t>2 * self.n:
            room *= 2
        self.slots = <int32_t*>malloc(room * sizeof(int32_t))
        if self.slots is NULL:
            raise MemoryError(f"no memory to find {self.n} products")
        self.mask = room - 1
        memset(self.slots, 255, room * sizeof(int32_t))
        for i in range(self.n):
            if i == 0 or self.keys[i] != self.keys[i - 1]:
                self.slots[self.slot(self.keys[i])] = i

    def __dealloc__(self):
        free(self.slots)

    cdef inline uint64_t place(self, int64_t key) noexcept nogil:
        return (<uint64_t>key * <uint64_t>0x9E3779B97F4A7C15 >> 20) & self.mask  # Fibonacci hashing

    cdef inline uint64_t slot(self, int64_t key) noexcept nogil:
        """Where a key stands, or the empty slot where it would."""
        cdef uint64_t at = self.place(key)
        while self.slots[at] >= 0 and self.keys[self.slots[at]] != key:
            at = (at + 1) & self.mask
        return at

    def row(self, int64_t key):
        """The row of a key, -1 where there is none."""
        return self.slots[self.slot(key)]

    def decimal(self, str id_ not None):
        """The position of an id that is a plain decimal, -1 where there is none; -2 for ids of another kind."""
        cdef Py_ssize_t length, at
        cdef const char* text
        cdef int64_t key = 0
        cdef int32_t found
        if not id_.isascii():
            return -2
        text = PyUnicode_AsUTF8AndSize(id_, &length)
        if not 0 < length <= DIGITS or (text[0] == c"0" and length > 1):
            return -2
        for at in range(length):
            if not c"0" <= text[at] <= c"9":
                return -2
            key = 10 * key + (text[at] - c"0")
        found = self.slots[self.slot(key)]
        return self.whose[found] if found >= 0 else -1

    def find(self, np.ndarray wanted, bint hashes):
        """For each of `wanted` [m] int64 its position, or -1 [m] int32. Without `hashes`, negative keys are -1."""
        cdef const int64_t* key = longs(wanted)
        cdef np.ndarray out = numpy.empty(len(wanted), numpy.int32)
        cdef int32_t* found = <int32_t*>np.PyArray_DATA(out)
        cdef int i, m = <int>len(wanted)
        for i in range(m):
            ahead(self.slots + self.place(key[i]))
        for i in range(m):  # step by step for all: one by one, each would wait for memory
            found[i] = self.slots[self.place(key[i])]
            ahead(self.keys + max(found[i], 0))
        for i in range(m):
            if found[i] >= 0 and self.keys[found[i]] != key[i]:
                found[i] = self.slots[self.slot(key[i])]
            if key[i] < 0 and not hashes:
                found[i] = -1
            ahead(self.whose + max(found[i], 0))
        for i in range(m):
            found[i] = self.whose[found[i]] if found[i] >= 0 else -1
        return out
