"""The bounded memory: what is kept, what must go, and that threads may share it."""

from concurrent.futures import ThreadPoolExecutor

from edge.core.memo import Memo


def test_what_was_kept_is_found_again() -> None:
    """The very object, under its key and no other."""
    memo, page = Memo(100), ["page"]
    memo.keep("a", page, 10)
    assert memo.get("a", list) is page
    assert memo.get("b", list) is None


def test_a_value_of_another_kind_is_not_given() -> None:
    """Whoever asks for a page must not get something else."""
    memo = Memo(100)
    memo.keep("a", ["page"], 10)
    assert memo.get("a", dict) is None
    assert memo.get("a", list) == ["page"]


def test_what_was_used_least_lately_goes_first() -> None:
    """Room for two: of three, the one not asked for in between goes."""
    memo = Memo(20)
    for name in ("a", "b"):
        memo.keep(name, name, 10)
    memo.get("a", str)
    memo.keep("c", "c", 10)
    assert [memo.get(name, str) for name in ("a", "b", "c")] == ["a", None, "c"]


def test_bytes_bound_it_not_the_number_of_values() -> None:
    """One large value takes the place of several small ones."""
    memo = Memo(100)
    for number in range(10):
        memo.keep(number, number, 10)
    assert len(memo) == 10
    memo.keep("large", "large", 75)
    assert len(memo) == 3
    assert memo.get("large", str) == "large"


def test_a_value_larger_than_the_memory_empties_nothing() -> None:
    """It is not kept, and what was there stays."""
    memo = Memo(100)
    memo.keep("a", "a", 100)
    memo.keep("huge", "huge", 101)
    assert memo.get("huge", str) is None
    assert memo.get("a", str) == "a"


def test_keeping_again_replaces_value_and_size() -> None:
    """The old value's bytes are free again."""
    memo = Memo(100)
    memo.keep("a", "old", 90)
    memo.keep("a", "new", 10)
    memo.keep("b", "b", 90)
    assert memo.get("a", str) == "new"
    assert memo.get("b", str) == "b"


def test_threads_may_share_it() -> None:
    """Eight threads that keep, find and push out: nothing breaks, and nobody gets another key's value."""
    memo = Memo(50)

    def use(seed: int) -> bool:
        right = True
        for step in range(2_000):
            key = (seed * 31 + step * 7) % 20
            found = memo.get(key, int)
            right = right and found in (None, key)
            memo.keep(key, key, 5)
        return right

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(8)))
    assert len(memo) <= 10
