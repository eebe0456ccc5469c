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
    /* Eight numbers side by side; a machine without registers so wide takes two. */
    typedef uint16_t endcap_halves __attribute__((vector_size(16)));
    typedef uint32_t endcap_bits __attribute__((vector_size(32)));
    typedef int32_t endcap_ints __attribute__((vector_size(32)));
    typedef float endcap_eight __attribute__((vector_size(32)));
    /* Half-precision numbers without the processor's own instruction, which not every one has; infinities and NaN,
       which no unit vector holds, come out as large numbers. */
    static inline endcap_eight endcap_read(const uint16_t *at) {
        endcap_halves halves;
        memcpy(&halves, at, sizeof halves);
        endcap_bits wide = __builtin_convertvector(halves, endcap_bits), magnitude = wide & 0x7fff;
        endcap_bits normal = (magnitude << 13) + (112u << 23);
        endcap_eight small = __builtin_convertvector((endcap_ints)magnitude, endcap_eight) * 0x1p-24f;
        endcap_bits tiny = (endcap_bits)((endcap_ints)magnitude < 0x400);
        return (endcap_eight)((tiny & (endcap_bits)small) | (~tiny & normal) | ((wide & 0x8000) << 16));
    }
    static inline float endcap_half(uint16_t half) {
        uint16_t padded[8] = {half};
        return endcap_read(padded)[0];
    }
    static inline float endcap_sum(endcap_eight lanes) {
        return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
    }
    #if defined(__x86_64__) && defined(__GNUC__)
    /* With the processor's own instruction, where it has it: the same numbers, in a third of the time. */
    #include <immintrin.h>
    #define ENDCAP_HAS_HALVES (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"))
    __attribute__((target("avx2,f16c")))
    static float endcap_dot_fast(const uint16_t *halves, const float *towards, int eights) {
        __m256 sums = _mm256_setzero_ps();
        endcap_eight lanes;
        for (int at = 0; at < eights; at += 8)
            sums = _mm256_add_ps(sums, _mm256_mul_ps(
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + at))), _mm256_loadu_ps(towards + at)));
        _mm256_storeu_ps((float *)&lanes, sums);
        return endcap_sum(lanes);
    }
    __attribute__((target("avx2,f16c")))
    static void endcap_add_fast(const uint16_t *halves, float weight, float *out, int eights) {
        __m256 weights = _mm256_set1_ps(weight);
        for (int at = 0; at < eights; at += 8)
            _mm256_storeu_ps(out + at, _mm256_add_ps(_mm256_loadu_ps(out + at), _mm256_mul_ps(
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + at))), weights)));
    }
    #else
    #define ENDCAP_HAS_HALVES 0
    #define endcap_dot_fast(halves, towards, eights) 0
    #define endcap_add_fast(halves, weight, out, eights) ((void)0)
    #endif
    static inline float endcap_dot(const uint16_t *halves, const float *towards, int count) {
        endcap_eight sums = {0}, others;
        int at = 0, eights = count & ~7;
        float rest = ENDCAP_HAS_HALVES ? endcap_dot_fast(halves, towards, eights) : 0;
        if (!ENDCAP_HAS_HALVES) {
            for (; at < eights; at += 8) {
                memcpy(&others, towards + at, sizeof others);
                sums += endcap_read(halves + at) * others;
            }
            rest = endcap_sum(sums);
        }
        for (at = eights; at < count; at++)
            rest += endcap_half(halves[at]) * towards[at];
        return rest;
    }
    static inline float endcap_dot_floats(const float *left, const float *right, int count) {
        endcap_eight sums = {0}, ours, others;
        float rest = 0;
        int at = 0;
        for (; at + 8 <= count; at += 8) {
            memcpy(&ours, left + at, sizeof ours);
            memcpy(&others, right + at, sizeof others);
            sums += ours * others;
        }
        for (; at < count; at++)
            rest += left[at] * right[at];
        return endcap_sum(sums) + rest;
    }
    static inline void endcap_add(const uint16_t *halves, float weight, float *out, int count) {
        endcap_eight sums;
        int eights = count & ~7;
        if (ENDCAP_HAS_HALVES)
            endcap_add_fast(halves, weight, out, eights);
        else
            for (int at = 0; at < eights; at += 8) {
                memcpy(&sums, out + at, sizeof sums);
                sums += endcap_read(halves + at) * weight;
                memcpy(out + at, &sums, sizeof sums);
            }
        for (int at = eights; at < count; at++)
            out[at] += endcap_half(halves[at]) * weight;
    }
    """
    float endcap_half(uint16_t half) noexcept nogil
    float endcap_dot(const uint16_t* halves, const float* towards, int count) noexcept nogil
    float endcap_dot_floats(const float* left, const float* right, int count) noexcept nogil
    void endcap_add(const uint16_t* halves, float weight, float* out, int count) noexcept nogil


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
