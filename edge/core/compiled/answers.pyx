"""An answer's body, copied together from what lies in the catalogue's snapshot; what edge.page makes pages with.

In: rows of products with score and reason, bytes of the shelves' heads. Out: the body. A product that has changed since
the snapshot, or whose id needs escapes in JSON, is asked for instead.
"""

from hashlib import blake2s

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from edge.core.compiled.ahead cimport ahead

cdef Py_ssize_t MOST = 10_000  # of a score
cdef Py_ssize_t ROOM = 16_384  # bytes to begin with


cdef struct Text:
    char* bytes
    Py_ssize_t size
    Py_ssize_t room


cdef int put(Text* text, const void* data, Py_ssize_t size) except -1:
    if text.size + size > text.room:
        room = 2 * text.room + size + ROOM
        grown = <char*>PyMem_Realloc(text.bytes, room)
        if grown is NULL:
            raise MemoryError
        text.bytes, text.room = grown, room
    memcpy(text.bytes + text.size, data, size)
    text.size += size
    return 0


cdef int put_bytes(Text* text, bytes data, Py_ssize_t start=0) except -1:
    return put(text, PyBytes_AS_STRING(data) + start, PyBytes_GET_SIZE(data) - start)


cdef int put_score(Text* text, Py_ssize_t score) except -1:
    """As a float of up to four digits is written."""
    cdef char[6] digits
    cdef Py_ssize_t size = 6, place
    if not 0 <= score <= MOST:
        raise ValueError(f"a score of {score}; from 0 to {MOST} they go")
    if score == MOST:
        return put(text, b"1.0", 3)
    digits[0], digits[1] = b"0", b"."
    for place in range(5, 1, -1):
        digits[place] = <char>(48 + score % 10)
        score //= 10
    while size > 3 and digits[size - 1] == b"0":
        size -= 1
    return put(text, digits, size)


cdef class Cards:
    """See answers.pyi."""

    cdef const unsigned char[:, ::1] ids
    cdef const int64_t[::1] begins
    cdef const unsigned char[::1] cards

    def __init__(self, ids, begins, cards):
        self.ids, self.begins, self.cards = ids, begins, cards
        if len(begins) != len(ids) + 1:
            raise ValueError(f"{len(begins)} places for {len(ids)} cards")

    cdef Py_ssize_t plain(self, Py_ssize_t row) noexcept:
        """The length of a product's id, where it can be copied; else 0."""
        cdef Py_ssize_t size = 0
        cdef unsigned char letter
        if not 0 <= row < self.ids.shape[0]:
            return 0
        while size < self.ids.shape[1]:
            letter = self.ids[row, size]
            if letter == 0:
                break
            if not 32 <= letter < 127 or letter == 34 or letter == 92:  # quotes and backslashes are escaped
                return 0
            size += 1
        return size


def joined(bytes begin, list shelves, tuple said, Cards cards, dict changed, fragment):
    """See answers.pyi."""
    cdef Text body = Text(NULL, 0, 0), marks = Text(NULL, 0, 0)
    cdef Py_ssize_t number = 0
    cdef bytes head, speaks_of
    cdef list items
    try:
        look_ahead(shelves, cards)
        put_bytes(&body, begin)
        for head, speaks_of, items in shelves:
            marks.size = 0
            put_bytes(&marks, speaks_of)
            for item in items:
                if item[0] < 0:
                    raise IndexError(f"row {item[0]} of a catalogue")
                put_mark(&marks, item[0], cards, changed, fragment)
            put_bytes(&body, head, 0 if number else 1)  # the first goes without its comma
            token = blake2s(PyBytes_FromStringAndSize(marks.bytes, marks.size), digest_size=6)
            put_bytes(&body, (<str>token.hexdigest()).encode())
            put(&body, b'","items":[', 11)
            put_items(&body, items, said, cards, changed, fragment)
            put(&body, b"]}", 2)
            number += 1
        put(&body, b"]}", 2)
        return PyBytes_FromStringAndSize(body.bytes, body.size)
    finally:
        PyMem_Free(body.bytes)
        PyMem_Free(marks.bytes)


cdef int look_ahead(list shelves, Cards cards) except -1:
    """Ask for all that will be copied; of the cards, which lie all over the snapshot, once it is known where."""
    cdef list items
    cdef Py_ssize_t row, at
    for _, _, items in shelves:
        for place, _, _ in items:
            row = place
            if 0 <= row < cards.ids.shape[0]:
                ahead(&cards.ids[row, 0])
                ahead(&cards.begins[row])
    for _, _, items in shelves:
        for place, _, _ in items:
            row = place
            if 0 <= row < cards.ids.shape[0]:
                for at in range(cards.begins[row], cards.begins[row + 1], 64):
                    ahead(&cards.cards[at])
    return 0


cdef int put_mark(Text* marks, row, Cards cards, dict changed, fragment) except -1:
    """A product's id as the shelf's token speaks of it."""
    cdef Py_ssize_t size = 0 if changed and row in changed else cards.plain(row)
    put(marks, b"\0", 1)
    if size:
        return put(marks, &cards.ids[<Py_ssize_t>row, 0], size)
    return put_bytes(marks, fragment(row)[0])


cdef int put_items(Text* body, list items, tuple said, Cards cards, dict changed, fragment) except -1:
    cdef Py_ssize_t row, size, at, number = 0
    for place, score, reason in items:
        row = place
        size = 0 if changed and place in changed else cards.plain(row)
        if number:
            put(body, b",", 1)
        if size:
            put(body, b'{"id":"', 7)
            put(body, &cards.ids[row, 0], size)
            put(body, b'","score":', 10)
            put_score(body, score)
            put_bytes(body, said[reason])
            at = cards.begins[row]
            put(body, &cards.cards[at], cards.begins[row + 1] - at)
            put(body, b"}", 1)
        else:
            _, start, end = fragment(place)
            put_bytes(body, start, 1)  # without its comma
            put_score(body, score)
            put_bytes(body, said[reason])
            put_bytes(body, end)
        number += 1
    return 0
