"""The circuit breaker, on a clock of the test's own."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.breaker import Breaker

THRESHOLD, OPEN_S = 3, 0.5


def make() -> tuple[Breaker, list[float]]:
    """A breaker and its clock: a list whose last number is now."""
    clock = [0.0]
    return Breaker(threshold=THRESHOLD, open_s=OPEN_S, clock=lambda: clock[-1]), clock


def test_it_opens_after_failures_in_a_row() -> None:
    """One less than the threshold is not enough, and a success in between starts the count again."""
    breaker, _ = make()
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    assert breaker.allow()
    breaker.failed()
    assert breaker.open
    assert not breaker.allow()


def test_one_probe_per_interval_and_success_closes() -> None:
    """While open, the first caller after the interval tries; the others go on skipping."""
    breaker, clock = make()
    for _ in range(THRESHOLD):
        breaker.failed()
    clock.append(OPEN_S)
    assert breaker.allow()
    assert not breaker.allow()
    breaker.failed()
    assert not breaker.allow()
    clock.append(2 * OPEN_S)
    assert breaker.allow()
    breaker.succeeded()
    assert not breaker.open
    assert breaker.allow()


class BreakerMachine(RuleBasedStateMachine):
    """Any order of calls, results and time: compared with the rule in words."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.clock = make()
        self.failures = 0
        self.calling = 0

    @rule()
    def call(self) -> None:
        """Somebody wants to call."""
        allowed = self.breaker.allow()
        assert allowed or self.failures >= THRESHOLD, "a closed circuit lets everybody through"
        self.calling += allowed

    @precondition(lambda self: self.calling)
    @rule()
    def fails(self) -> None:
        """A call under way fails."""
        self.calling -= 1
        self.failures += 1
        self.breaker.failed()
        if self.breaker.open:
            assert not self.breaker.allow(), "right after a failure an open circuit lets nobody through"

    @precondition(lambda self: self.calling)
    @rule()
    def succeeds(self) -> None:
        """A call under way comes back."""
        self.calling -= 1
        self.failures = 0
        self.breaker.succeeded()

    @rule()
    def time_passes(self) -> None:
        """Long enough for a probe."""
        self.clock.append(self.clock[-1] + OPEN_S)
        if self.breaker.open:
            assert self.breaker.allow(), "after the interval a probe goes through"
            self.calling += 1

    @invariant()
    def open_means_failures_in_a_row(self) -> None:
        """Nothing else opens it."""
        assert self.breaker.open == (self.failures >= THRESHOLD)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=50, deadline=None)
