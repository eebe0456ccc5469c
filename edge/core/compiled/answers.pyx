"""An answer's body from what its parts are already; what edge.page joins pages with.

In: bytes of the shelves' heads and of each item. Out: the body.
"""

from binascii import hexlify
from hashlib import blake2s


def joined(bytes begin, list shelves, tuple scores, tuple said):
    """See answers.pyi."""
    cdef list parts = [begin], ids
    cdef tuple fragment
    cdef bytes head, speaks_of, start
    cdef bint first_shelf = True, first
    for head, speaks_of, items in shelves:
        ids = [speaks_of]
        parts.append(head[1:] if first_shelf else head)  # it begins with its comma, as items do
        at = len(parts)
        parts.append(b"")  # the token, once its products are known
        first = True
        for fragment, score, reason in <list>items:
            ids.append(fragment[0])
            start = fragment[1]
            parts.append(start[1:] if first else start)
            parts.append(scores[score])
            parts.append(said[reason])
            parts.append(fragment[2])
            first = False
        parts[at] = hexlify(blake2s(b"\0".join(ids), digest_size=6).digest()) + b'","items":['
        parts.append(b"]}")
        first_shelf = False
    parts.append(b"]}")
    return b"".join(parts)
