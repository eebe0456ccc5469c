from libc.stdint cimport int32_t, int64_t, uint16_t

from edge.core.compiled.ahead cimport ahead
from edge.core.compiled.found cimport Found


cdef struct Rows:
    # CSR: the values of row r lie from start[r] to start[r + 1].
    const int32_t* start
    const int32_t* items
    const float* score
    const float* lift


cdef enum:
    LINE = 64  # bytes
    LEVELS = 3  # of a category path
    TRAITS = 6


cdef struct Product:
    # The first line of a product, as `edge.core.derived` lays it out.
    float[TRAITS] traits
    int32_t[LEVELS] codes
    int32_t brand
    int32_t narrow


cdef enum Trait:
    SOLD
    SOLD_RECENTLY
    TREND
    REPEAT_RATE
    GAP_DAYS
    PRICE


cdef class Arrays:
    cdef object _held  # the arrays that the pointers lead into
    cdef int items, categories, brands, dimensions, width, popular_count
    cdef Rows pairs, named, kinds, sessions, item_sessions, by_category
    cdef const char* products  # [items, width]
    cdef const int32_t* popular
    cdef const float* sold
    cdef const float* popular_tastes
    # Scratch, used by one call at a time: a call never lets go of the interpreter.
    cdef Found found
    cdef double* by_code  # [categories + 1] zero between calls
    cdef double* by_brand  # [brands + 1] likewise


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* A half-precision number, without the processor's own instruction, which not every one has; infinities and NaN,
       which no unit vector holds, come out as large numbers. */
    static inline float endcap_half(uint16_t half) {
        uint32_t magnitude = half & 0x7fffu;
        uint32_t normal = (magnitude << 13) + (112u << 23);
        uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
        float value, small = (float)(int32_t)magnitude * 0x1p-24f;
        uint32_t bits;
        memcpy(&bits, &small, 4);
        bits = (magnitude < 0x0400u ? bits : normal) | sign;
        memcpy(&value, &bits, 4);
        return value;
    }
    /* Eight sums side by side, the same on every machine, which the compiler may keep in vector registers. */
    static inline float endcap_dot(const uint16_t *halves, const float *towards, int count) {
        float sums[8] = {0, 0, 0, 0, 0, 0, 0, 0}, rest = 0;
        int at = 0;
        for (; at + 8 <= count; at += 8)
            for (int lane = 0; lane < 8; lane++)
                sums[lane] += endcap_half(halves[at + lane]) * towards[at + lane];
        for (; at < count; at++)
            rest += endcap_half(halves[at]) * towards[at];
        return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest;
    }
    static inline float endcap_dot_floats(const float *left, const float *right, int count) {
        float sums[8] = {0, 0, 0, 0, 0, 0, 0, 0}, rest = 0;
        int at = 0;
        for (; at + 8 <= count; at += 8)
            for (int lane = 0; lane < 8; lane++)
                sums[lane] += left[at + lane] * right[at + lane];
        for (; at < count; at++)
            rest += left[at] * right[at];
        return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest;
    }
    """
    float endcap_half(uint16_t half) noexcept nogil
    float endcap_dot(const uint16_t* halves, const float* towards, int count) noexcept nogil
    float endcap_dot_floats(const float* left, const float* right, int count) noexcept nogil


cdef inline const Product* product(Arrays arrays, int32_t item) noexcept nogil:
    return <const Product*>(arrays.products + <size_t>item * arrays.width)


cdef inline const uint16_t* vector(Arrays arrays, int32_t item) noexcept nogil:
    return <const uint16_t*>(arrays.products + <size_t>item * arrays.width + LINE)


cdef inline const uint16_t* taste(Arrays arrays, int32_t item) noexcept nogil:
    return vector(arrays, item) + arrays.dimensions


cdef inline void product_ahead(Arrays arrays, int32_t item) noexcept nogil:
    """Ask for a product before it is read."""
    cdef int at
    for at in range(0, arrays.width, 64):
        ahead(arrays.products + <size_t>item * arrays.width + at)


cdef void direction(
    Arrays arrays, bint tastes, const int32_t* items, const float* weights, int n, float* out
) noexcept nogil
