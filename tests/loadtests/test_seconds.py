"""A run second by second."""

import pytest

from loadtests.seconds import Kind, Second, added, kind_of, together


@pytest.mark.parametrize(
    ("degraded", "kind"),
    [
        ([], "useful"),
        (["unknown_product"], "useful"),
        (["overload"], "excess"),
        (["profile", "overload"], "excess"),
        (["deadline"], "lesser"),
        (["profile"], "lesser"),
    ],
)
def test_what_is_missing_decides(degraded: list[str], kind: Kind) -> None:
    """The list for overload is excess, whatever else was missing; only whole pages are useful."""
    assert kind_of(degraded) == kind


def test_each_request_is_counted_once() -> None:
    """With its time."""
    second = Second()
    for kind in ("useful", "useful", "excess", "lesser", "failed"):
        second.add(kind, 2.0)
    assert (second.useful, second.excess, second.lesser, second.failed, second.asked) == (2, 1, 1, 1, 5)
    assert second.took_ms == [2.0] * 5


def test_several_senders_add_up() -> None:
    """Second by second, in order; what they had is not changed."""
    locust = {1: Second(useful=2, took_ms=[1.0, 2.0]), 0: Second(failed=1, took_ms=[9.0])}
    throng = {1: Second(excess=1, took_ms=[3.0])}
    whole = added((locust, throng))
    assert list(whole) == [0, 1]
    assert whole[1] == Second(useful=2, excess=1, took_ms=[1.0, 2.0, 3.0])
    assert throng[1].asked == 1


def test_a_stretch_is_one_second_the_longer() -> None:
    """From the first to before the last; nothing where nothing was asked for."""
    seconds = {number: Second(useful=1, took_ms=[float(number)]) for number in range(5)}
    assert together(seconds, 1, 3).took_ms == [1.0, 2.0]
    assert together(seconds, 9, 12) == Second()
