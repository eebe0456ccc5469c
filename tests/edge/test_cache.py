"""The answer cache, on a clock of the test's own."""

from edge.cache import AnswerCache


def make(ttl_s: float = 5.0, entries: int = 3) -> tuple[AnswerCache[str], list[float]]:
    """A cache and its clock."""
    clock = [100.0]
    return AnswerCache(ttl_s=ttl_s, entries=entries, clock=lambda: clock[-1]), clock


def test_what_is_kept_is_found_with_its_age() -> None:
    """Fresh when made, a hit with age and remaining life later."""
    cache, clock = make()
    made = cache.keep("k", "answer")
    assert (made.value, made.age_s, made.hit) == ("answer", 0, False)
    clock.append(102.5)
    found = cache.find("k")
    assert found is not None
    assert (found.value, found.age_s, found.ttl_s, found.hit) == ("answer", 2, 2, True)


def test_nothing_outlives_its_time() -> None:
    """After the TTL it is gone."""
    cache, clock = make()
    cache.keep("k", "answer")
    clock.append(105.0)
    assert cache.find("k") is None


def test_the_least_used_make_room() -> None:
    """Never more entries than allowed."""
    cache, _ = make()
    for name in "abcd":
        cache.keep(name, name)
    assert cache.find("a") is None
    assert cache.find("d") is not None


def test_a_life_of_nothing_keeps_nothing() -> None:
    """Caching can be switched off by its setting."""
    cache, _ = make(ttl_s=0)
    cache.keep("k", "answer")
    assert cache.find("k") is None
