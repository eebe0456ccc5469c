"""What a request's first line asks, in parts; what edge.turned_away knows requests again by.

In: the bytes of a request. Out: parts, or None for whatever is not plain: that is for a parser of HTTP.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memchr, memcmp

cdef enum:
    LONGEST = 128  # bytes of an id or a list of them: none may be longer, and no list of so many bytes has too many
    VISITOR, CUSTOMER, PRODUCT, CART, EXCLUDED, NAMES

cdef unsigned char PLAIN[256]
for _letter in range(256):
    PLAIN[_letter] = _letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/?&=,"


def taken_apart(bytes data not None):
    cdef const char* begin = data
    cdef const char* end = begin + len(data)
    cdef const char* line_end = <const char*>memchr(begin, b"\r", len(data))
    cdef const char* at
    if line_end is NULL or line_end - begin < 13 or end - line_end < 2 or line_end[1] != b"\n":
        return None
    if memcmp(begin, b"GET ", 4) or memcmp(line_end - 9, b" HTTP/1.1", 9):
        return None
    cdef const char* stop = line_end - 9
    begin += 4
    at = begin
    while at < stop:
        if not PLAIN[<unsigned char>at[0]]:
            return None
        at += 1
    asked = _parts(begin, stop)
    return None if asked is None else (PyBytes_FromStringAndSize(line_end + 2, end - line_end - 2), *asked)


cdef tuple _parts(const char* begin, const char* stop):
    """The parts of an address."""
    cdef const char* values[NAMES]
    cdef Py_ssize_t lengths[NAMES]
    cdef const char* at
    cdef const char* part
    cdef const char* value
    cdef int name
    cdef list like
    for name in range(NAMES):
        values[name], lengths[name] = NULL, 0
    part = <const char*>memchr(begin, b"?", stop - begin)
    if part is NULL:
        return None
    like = [PyBytes_FromStringAndSize(begin, part - begin)]
    while part < stop:
        part += 1
        at = <const char*>memchr(part, b"&", stop - part)
        if at is NULL:
            at = stop
        value = <const char*>memchr(part, b"=", at - part)
        name = _name(part, (at if value is NULL else value) - part)
        if name == NAMES:
            like.append(PyBytes_FromStringAndSize(part, at - part))
        elif values[name] is not NULL:
            return None
        else:
            values[name] = at if value is NULL else value + 1
            lengths[name] = at - values[name]
            if lengths[name] > LONGEST:
                return None
        part = at
    if not lengths[VISITOR] and not lengths[CUSTOMER]:
        return None
    product = PyBytes_FromStringAndSize(values[PRODUCT], lengths[PRODUCT]) if lengths[PRODUCT] else b""
    taken = frozenset((product,))
    for name in range(CART, NAMES):
        if lengths[name]:
            taken = taken.union(PyBytes_FromStringAndSize(values[name], lengths[name]).split(b","))
    return b"&".join(like), product, taken


cdef int _name(const char* name, Py_ssize_t length) noexcept:
    """Which of those that are taken out it is; NAMES: none of them."""
    if length == 10 and not memcmp(name, b"visitor_id", 10):
        return VISITOR
    if length == 11 and not memcmp(name, b"customer_id", 11):
        return CUSTOMER
    if length == 10 and not memcmp(name, b"product_id", 10):
        return PRODUCT
    if length == 11 and not memcmp(name, b"product_ids", 11):
        return CART
    return EXCLUDED if length == 7 and not memcmp(name, b"exclude", 7) else NAMES
