"""What answers.pyx offers."""

def joined(
    begin: bytes,
    shelves: list[tuple[bytes, bytes, list[tuple[tuple[bytes, bytes, bytes], int, int]]]],
    scores: tuple[bytes, ...],
    said: tuple[bytes, ...],
) -> bytes:
    """The body of an answer. `begin`: all before the first shelf.

    Of each shelf: its comma and all before the end of its token, what the token speaks of besides products, and its
    items. An item is its id, its comma and all before the score, all after the reason; then its score and its reason,
    which `scores` and `said` have the bytes of.
    """
