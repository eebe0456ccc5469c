"""The order of a shelf: candidates by worth, where each further product of a kind is worth less than the one before it.

In: scored candidates. Out: their places in the order they are shown, and the scores they are shown with.
"""

cimport numpy as np
from libc.math cimport exp
from libc.stdint cimport int32_t

from edge.core.compiled.given cimport doubles, floats, ints
from edge.core.compiled.order cimport falling

import numpy

np.import_array()

def ordered(np.ndarray values, bint ranked):
    """Places best first [n] int32, of equals the first stays first, and a value in 0..1 for each candidate [n] float64.

    `values` [n] float32: the ranker's raw scores where `ranked`, else those of retrieval, which fall already.
    """
    cdef int n = <int>len(values), i
    cdef const float* value = floats(values)
    cdef np.ndarray places = numpy.empty(2 * n, numpy.int32)
    cdef np.ndarray shares = numpy.empty(n, numpy.float64)
    cdef int32_t* place = <int32_t*>np.PyArray_DATA(places)
    cdef double* share = <double*>np.PyArray_DATA(shares)
    cdef double most = 1e-9
    for i in range(n):
        place[i], share[i] = i, value[i]
        most = share[i] if share[i] > most else most
    if ranked:
        falling(share, place, place + n, n)
    for i in range(n):
        if ranked:
            share[i] = 1 / (1 + exp(-share[i]))
        else:
            share[i] = min(max(share[i] / most, 0), 1)
    return places[:n], shares


def spread(np.ndarray values, np.ndarray kinds, double strength, int most):
    """The first `most` places once the n-th of a kind is worth (1 - strength)^(n-1), and what each is worth.

    `values` [n] float64, 0 or more, best first; `kinds` [n] int32, where -1 is unlike every other. Out: places [k] int32,
    worth [k] float64. Ties keep the order given.
    """
    cdef int n = <int>len(values), i, j, kept = min(n, most)
    cdef const double* value = doubles(values)
    cdef const int32_t* kind = ints(kinds)
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
