"""What may stand on a shelf: the kernel beside the rules as one would say them, and what it refuses."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.compiled.shelving import Filler


class Asked(NamedTuple):
    """One call of `take`, in plain numbers."""

    places: list[int]
    scores: list[int]
    reasons: list[int]
    most: int


ROWS = 12
ASKED = st.lists(
    st.tuples(st.integers(-2, ROWS + 2), st.integers(0, 9), st.integers(0, 5)), max_size=30
).flatmap(
    lambda picks: st.integers(-1, 10).map(
        lambda count: Asked([one[0] for one in picks], [one[1] for one in picks], [one[2] for one in picks], count)
    )
)  # fmt: skip


def ints(numbers: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    """As kernels take them."""
    return np.array(numbers, np.int32)


@given(
    shown=st.lists(st.integers(0, 6), min_size=ROWS, max_size=ROWS),
    taken=st.lists(st.none() | st.integers(0, ROWS - 1), max_size=4),
    least=st.integers(0, 9),
    shelves=st.lists(st.tuples(st.booleans(), st.lists(ASKED, max_size=3)), max_size=3),
    rows_of=st.none() | st.lists(st.integers(-1, ROWS - 1), max_size=ROWS),
)
def test_nothing_twice_nothing_hidden_nothing_weak(
    shown: list[int],
    taken: list[int | None],
    least: int,
    shelves: list[tuple[bool, list[Asked]]],
    rows_of: list[int] | None,
) -> None:
    """On any number of shelves, each filled in several goes."""
    filler, page = Filler(np.array(shown, np.int64), float(least), taken), {row for row in taken if row is not None}
    for collapses, goes in shelves:
        filler.begin(collapses)
        families: set[int] = set()
        for asked in goes:
            expected: list[tuple[int, int, int]] = []
            for at, place in enumerate(asked.places):
                row = place
                if rows_of is not None:
                    row = rows_of[place] if 0 <= place < len(rows_of) else -1
                if len(expected) >= asked.most or not 0 <= row < ROWS or not shown[row] or row in page:
                    continue
                if asked.scores[at] < least or (collapses and shown[row] in families):
                    continue
                page.add(row)
                families.add(shown[row])
                expected.append((row, asked.scores[at], asked.reasons[at]))
            arrays = ints(asked.places), None if rows_of is None else ints(rows_of)
            items, _ = filler.take(*arrays, ints(asked.scores), ints(asked.reasons), 0, asked.most)
            assert items == expected


def test_one_goes_on_where_one_stopped() -> None:
    """What was looked at is not looked at again, also where nothing was wanted."""
    filler = Filler(np.arange(1, 9, dtype=np.int64), 0.0, [])
    filler.begin(False)
    picks = ints([0, 1, 2, 3, 4]), None, ints([5] * 5), ints([0] * 5)
    items, left = filler.take(*picks, 0, 2)
    assert ([row for row, _, _ in items], left) == ([0, 1], 2)
    assert filler.take(*picks, left, 0) == ([], 2)
    items, left = filler.take(*picks, left, 9)
    assert ([row for row, _, _ in items], left) == ([2, 3, 4], 5)
    assert filler.take(*picks, left, 9) == ([], 5)


def test_a_page_holds_as_much_as_is_asked_for() -> None:
    """Far more than any page has."""
    filler = Filler(np.arange(1, 5_001, dtype=np.int64), 0.0, range(100))
    filler.begin(True)
    every = np.arange(5_000, dtype=np.int32)
    items, _ = filler.take(every, None, every, every, 0, 5_000)
    assert [row for row, _, _ in items] == list(range(100, 5_000))


def test_arrays_of_another_kind_or_length_are_refused() -> None:
    """Behind a pointer nobody would look."""
    with pytest.raises(TypeError):
        Filler(np.ones(3), 0.0, [])  # type: ignore[arg-type]  # because just that is refused
    filler = Filler(np.ones(3, np.int64), 0.0, [])
    one, two = ints([0]), ints([0, 1])
    with pytest.raises(ValueError, match="2 picks with 1 scores and 2 reasons"):
        filler.take(two, None, one, two, 0, 1)
    with pytest.raises(TypeError):
        filler.take(two.astype(np.int64), None, two, two, 0, 1)
    with pytest.raises(TypeError):
        filler.take(ints([0, 1, 2, 3])[::2], None, two, two, 0, 1)
