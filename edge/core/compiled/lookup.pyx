"""Where keys lie among sorted ones: the search behind `edge.core.ids`, for all products of a profile at once.

In: keys in rising order and whose each is, the keys looked for. Out: whose they are.
"""

cimport numpy as np
from libc.stdint cimport int32_t, int64_t

from edge.core.compiled.given cimport ints, longs

import numpy

np.import_array()


def find(np.ndarray known, np.ndarray whose, np.ndarray wanted, bint hashes):
    """For each of `wanted` [m] int64 the entry of `whose` [n] int32 beside the first equal of `known` [n] int64, or -1.

    All three are contiguous. Negative keys are hashes, which alone find nothing: without `hashes` they are -1.
    """
    cdef const int64_t* keys = longs(known)
    cdef const int32_t* owner = ints(whose)
    cdef const int64_t* key = longs(wanted)
    cdef np.ndarray out = numpy.empty(len(wanted), numpy.int32)
    cdef int32_t* found = <int32_t*>np.PyArray_DATA(out)
    cdef int i, step, n = <int>len(known), m = <int>len(wanted)
    for i in range(m):
        found[i] = 0
    step = n
    while step > 1:  # all keys step by step together: one by one, each step would wait for memory
        for i in range(m):
            found[i] += (step // 2) * (keys[found[i] + step // 2 - 1] < key[i])
        step -= step // 2
    for i in range(m):
        if n and keys[found[i]] < key[i]:
            found[i] += 1
        if found[i] < n and keys[found[i]] == key[i] and (hashes or key[i] >= 0):
            found[i] = owner[found[i]]
        else:
            found[i] = -1
    return out
