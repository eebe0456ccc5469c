"""A forest of small trees over many rows at once, without a branch that depends on the data.

In: the nodes of all trees, rows. Out: one score per row. Every node whose condition fails strikes out the leaves on its
left; the first leaf left over is the one a walk from the root would reach (QuickScorer, Lucchese et al., SIGIR 2015).
Sixteen rows go through each node together, in vector registers.
"""

cimport numpy as np
from libc.stdint cimport int32_t

from edge.core.compiled.given cimport floats, ints

import numpy

np.import_array()

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #define ENDCAP_ROWS 16
    typedef float endcap_floats __attribute__((vector_size(4 * ENDCAP_ROWS)));
    typedef int32_t endcap_masks __attribute__((vector_size(4 * ENDCAP_ROWS)));
    #if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__)
    /* The same numbers by whichever vector unit the machine has, chosen when the module is loaded. */
    #define ENDCAP_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
    #else
    #define ENDCAP_CLONES
    #endif
    ENDCAP_CLONES
    static void endcap_sixteen(
        const float *rows, int columns, int count, const int32_t *start, int trees, const int32_t *feature,
        const float *limit, const int32_t *left, const float *leaf, int leaves, float base, float *out
    ) {
        endcap_floats values[256];
        endcap_floats sums = {0};
        for (int column = 0; column < columns; column++)
            for (int row = 0; row < ENDCAP_ROWS; row++)
                values[column][row] = row < count ? rows[row * columns + column] : 0;
        for (int tree = 0; tree < trees; tree++) {
            endcap_masks reached = {0};
            reached = ~reached;
            for (int node = start[tree]; node < start[tree + 1]; node++)
                reached &= ~(values[feature[node]] > limit[node]) | left[node];
            /* The lowest bit left, as a float, has its place for an exponent: no vector unit counts zeros below. */
            endcap_floats first = __builtin_convertvector(reached & -reached, endcap_floats);
            endcap_masks place = ((endcap_masks)first >> 23 & 255) - 127;
            const float *worth = leaf + tree * leaves;
            for (int row = 0; row < ENDCAP_ROWS; row++)
                sums[row] += worth[place[row]];
        }
        for (int row = 0; row < count; row++)
            out[row] = sums[row] + base;
    }
    """
    void endcap_sixteen(
        const float* rows, int columns, int count, const int32_t* start, int trees, const int32_t* feature,
        const float* limit, const int32_t* left, const float* leaf, int leaves, float base, float* out
    ) noexcept nogil

MOST_LEAVES = 32  # of a tree: a bit each
MOST_COLUMNS = 256
cdef enum:
    ROWS = 16


cdef class Forest:
    """A sum of trees. Nodes: go left where the feature is at most the limit. Rows must hold finite numbers."""

    cdef np.ndarray _start, _feature, _limit, _left, _leaf
    cdef int _trees, _leaves
    cdef float _base
    cdef readonly int columns

    def __init__(self, int columns, start, feature, limit, left, leaf, float base):
        """`start` [trees + 1] the first node of each tree; of each node `feature`, `limit`, and in `left` zeros for the

        leaves on its left, numbered from left to right; `leaf` [trees, most leaves]. ValueError where these do not fit.
        """
        self._start, self._feature, self._left = start, feature, left
        self._limit, self._leaf = limit, leaf
        for array in (start, feature, left):
            ints(array)
        for array in (limit, leaf):
            floats(array)
        if leaf.ndim != 2:
            raise ValueError(f"leaves of shape {leaf.shape}; [trees, most leaves] are needed")
        self._trees, self._leaves, self.columns, self._base = len(leaf), leaf.shape[1], columns, base
        nodes = len(feature)
        if not (0 < columns <= MOST_COLUMNS and 0 < self._leaves <= MOST_LEAVES):
            raise ValueError(
                f"{columns} columns and {self._leaves} leaves are not within {MOST_COLUMNS} and {MOST_LEAVES}"
            )
        fits = len(start) == self._trees + 1 and len(limit) == len(left) == nodes
        if not fits or start[0] != 0 or start[self._trees] != nodes:
            raise ValueError(f"{nodes} nodes are not those of {self._trees} trees")
        if (numpy.diff(start) < 0).any() or nodes and not 0 <= feature.min() <= feature.max() < columns:
            raise ValueError(f"a tree begins before the one before it, or asks for a feature beyond {columns}")
        if nodes and not ((left >> (self._leaves - 1)) & 1).all():
            raise ValueError("a node strikes out the last leaf")

    def scores(self, np.ndarray rows):
        """[n] float32 for `rows` [n, columns] float32, C-contiguous. ValueError for another width."""
        cdef int n = <int>len(rows), at
        cdef const float* row = floats(rows)
        cdef np.ndarray out = numpy.empty(n, numpy.float32)
        cdef float* score = <float*>np.PyArray_DATA(out)
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise ValueError(f"rows of shape {(<object>rows).shape}; the forest was made for {self.columns} columns")
        at = 0
        while at < n:
            endcap_sixteen(
                row + <size_t>at * self.columns, self.columns, min(ROWS, n - at), ints(self._start), self._trees,
                ints(self._feature), floats(self._limit), ints(self._left), floats(self._leaf), self._leaves,
                self._base, score + at,
            )
            at += ROWS
        return out
