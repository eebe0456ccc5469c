"""Searching the knee: by what a rate gave, not by what a machine under test gives."""

import pytest

from loadtests.budget import read_budget
from loadtests.knee import Try, find, judged
from loadtests.seconds import Second
from loadtests.server import RunError

BUDGET = read_budget()


class Server:
    """Keeps up with so much, and says what it was asked."""

    def __init__(self, knee: float, stalls: int = 0) -> None:
        self.knee, self.stalls = knee, stalls
        self.tried: list[float] = []
        self.said: list[str] = []

    def __call__(self, rate: float) -> Try:
        """One try."""
        self.tried.append(rate)
        stalled = self.stalls > 0 and len(self.tried) > 1
        self.stalls -= stalled
        return Try(rate, min(rate, self.knee), 5.0, kept=rate <= self.knee and not stalled)


@pytest.mark.parametrize("knee", [100.0, 130.0, 444.0, 1_999.0, 7_000.0])
def test_it_is_found_from_below(knee: float) -> None:
    """A rate that is kept up with, and at most eight hundredths below the one that is not."""
    server = Server(knee)
    found = find(server, server.said.append)
    assert found.rate <= knee <= found.rate * 1.09
    assert len(found.tries) == len(server.said) == len(server.tried) - 1  # the first only wakes the server up


def test_one_stall_is_no_knee() -> None:
    """What was not kept is tried once more."""
    server = Server(450.0, stalls=1)
    assert find(server, server.said.append).rate > 400
    assert "not kept up with" in server.said[0]


def test_a_server_that_keeps_up_with_nothing_has_none() -> None:
    """The message says what to look at."""
    with pytest.raises(RunError, match="does not keep up with 100 requests/s"):
        find(Server(20.0), lambda _: None)


def test_a_server_that_keeps_up_with_everything_has_none() -> None:
    """One may be named then."""
    with pytest.raises(RunError, match="--knee"):
        find(Server(1e9), lambda _: None)


def seen(useful: int, excess: int = 0, took_ms: float = 5.0) -> Second:
    """Four seconds' worth."""
    return Second(useful=useful, excess=excess, took_ms=[took_ms] * (useful + excess))


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (seen(4_000), True),
        (seen(3_965, excess=35), True),
        (seen(3_950, excess=50), False),
        (seen(4_000, took_ms=100.0), False),
        (seen(3_000), False),
        (seen(0), False),
    ],
)
def test_a_try_is_judged_as_a_steady_run(second: Second, kept: bool) -> None:
    """At 1,000 a second: next to nothing missing, in time, and about as many as were asked for."""
    tried = judged(second, 1_000.0, BUDGET)
    assert tried.kept is kept
    assert tried.useful == second.useful / 4
