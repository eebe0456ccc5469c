"""The arrays of an index as compiled kernels read them: pointers, taken once when the bundle is loaded.

In: the checked arrays of an `Index`. Out: `Arrays`, which other kernels are given, with their scratch memory. All
values that point somewhere were checked when the bundle was read (`edge.core.index`); kernels do not check them again.
"""

cimport numpy as np
from libc.math cimport sqrtf
from libc.stdlib cimport calloc, free

from edge.core.compiled.found cimport let_go

import numpy

np.import_array()

_HALVES = frozenset({"vectors", "tastes"})


cdef const int32_t* _ints(np.ndarray array) noexcept:
    return <const int32_t*>np.PyArray_DATA(array)


cdef const float* _floats(np.ndarray array) noexcept:
    return <const float*>np.PyArray_DATA(array)


cdef class Arrays:
    """Pointers into an index, by what they mean. Made by the index; of no use by itself."""

    def __cinit__(self, arrays, int categories, int brands):
        """`arrays`: name -> array, as `index.ARRAYS` and `derived.DERIVED` name them. MemoryError for scratch."""
        held = {name: _plain(name, array) for name, array in arrays.items()}
        self._held = held
        self.items, self.width = held["products"].shape
        self.categories, self.brands, self.dimensions = categories, brands, held["vectors"].shape[1]
        self.popular_count = len(held["popular"])
        self.pairs = _rows(held, "pair_ptr", "pair_items", "pair_score", "pair_lift")
        self.named = _rows(held, "named_ptr", "named_items", "named_score", "named_lift")
        self.kinds = _rows(held, "kind_ptr", "kind_codes", "kind_lift", "kind_lift")
        self.sessions = _rows(held, "session_ptr", "session_items", None, None)
        self.item_sessions = _rows(held, "item_session_ptr", "item_sessions", None, None)
        self.by_category = _rows(held, "category_ptr", "category_items", None, None)
        self.products = <const char*>np.PyArray_DATA(held["products"])
        self.popular, self.sold = _ints(held["popular"]), _floats(held["sold"])
        self.popular_tastes = _floats(held["popular_tastes"])
        self.found.row_of = <int32_t*>calloc(self.items + 1, sizeof(int32_t))
        self.by_code = <double*>calloc(categories + 2, sizeof(double))
        self.by_brand = <double*>calloc(brands + 2, sizeof(double))
        if self.found.row_of is NULL or self.by_code is NULL or self.by_brand is NULL:
            raise MemoryError(f"no memory for the scratch of {self.items} products")

    def __dealloc__(self):
        let_go(&self.found)
        free(self.by_code)
        free(self.by_brand)


cdef Rows _rows(dict held, ptr, items, score, lift):
    cdef Rows rows
    rows.start, rows.items = _ints(held[ptr]), _ints(held[items])
    rows.score = _floats(held[score]) if score else NULL
    rows.lift = _floats(held[lift]) if lift else NULL
    return rows


def _plain(name, array):
    """The array as kernels read it; a copy only of what a trainer wrote in other widths."""
    if array.dtype.kind == "u":
        return numpy.ascontiguousarray(array)
    if array.dtype.kind == "i":
        return numpy.ascontiguousarray(array, numpy.int32)
    return numpy.ascontiguousarray(array, numpy.float16 if name in _HALVES else numpy.float32)


cdef void direction(
    Arrays arrays, bint tastes, const int32_t* items, const float* weights, int n, float* out
) noexcept nogil:
    """The unit vector [dimensions] where these products point together, zero where none does. Weights NULL: all 1."""
    cdef int i, d, dimensions = arrays.dimensions
    cdef const uint16_t* one
    cdef float length
    for i in range(n):
        ahead(taste(arrays, items[i]) if tastes else vector(arrays, items[i]))
    for d in range(dimensions):
        out[d] = 0
    for i in range(n):
        one = taste(arrays, items[i]) if tastes else vector(arrays, items[i])
        endcap_add(one, weights[i] if weights is not NULL else 1, out, dimensions)
    length = sqrtf(endcap_dot_floats(out, out, dimensions))
    length = length if length > 1e-9 else <float>1e-9
    for d in range(dimensions):
        out[d] /= length
