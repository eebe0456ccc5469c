# Memory asked for before it is needed. A shop's arrays are far larger than a processor's caches: one product after the
# other, each access waits a tenth of a microsecond for memory; asked for together, they all wait once.

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define endcap_ahead(address) __builtin_prefetch((const void *)(address))
    #else
    #define endcap_ahead(address) ((void)0)
    #endif
    """
    void ahead "endcap_ahead"(const void* address) noexcept nogil

cdef enum:
    LINE = 64  # bytes that come at once
