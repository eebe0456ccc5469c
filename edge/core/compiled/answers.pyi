"""What answers.pyx offers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

class Cards:
    """A snapshot's cards, to be copied from.

    `ids`: [n, width] bytes of UTF-8, ended by 0; `begins` [n + 1]: where each card begins in `cards`, and where the
    last one ends. Raises ValueError where the numbers of them differ.
    """

    def __init__(self, ids: NDArray[np.uint8], begins: NDArray[np.int64], cards: NDArray[np.uint8]) -> None: ...

def joined(
    begin: bytes,
    shelves: list[tuple[bytes, bytes, list[tuple[int, int, int]]]],
    said: tuple[bytes, ...],
    cards: Cards,
    changed: Mapping[int, object],
    fragment: Callable[[int], tuple[bytes, bytes, bytes]],
) -> bytes:
    """The body of an answer. `begin`: all before the first shelf.

    Of each shelf: its comma and all before the end of its token, what the token speaks of besides products, and its
    items: row, score in ten-thousandths, and reason, whose bytes stand in `said`. What an item says of a row that is in
    `changed`, or not in `cards`, `fragment` tells: its id, all before the score, all after the reason.
    Raises ValueError for a score that is none, IndexError for a row or a reason.
    """
