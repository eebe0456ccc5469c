"""Events are never lost once accepted: what was refused is sent again, and what was accepted is asked after.

In: each batch of events and whether it was accepted. Out: the numbers of those sent again, and of those lost. Asking
after an accepted event means sending it again with its id: `duplicate` shows that the server still has it, `accepted`
that it had forgotten it.
"""

import time
from collections import deque
from collections.abc import Sequence

import msgspec

from loadtests.answers import read_results
from loadtests.ask import Asker
from loadtests.measure import Numbers
from loadtests.traffic import EventJson, events_body

_BATCH = 100  # events in one request, the contract's limit
_KEPT = 2_000  # accepted events that are asked after: the last ones
_ATTEMPTS, _RETRY_AFTER_S = 5, 1.0
_TAKEN = frozenset({"accepted", "duplicate"})  # a refusal may have come after the event was stored


class Ledger:
    """The events of a run."""

    def __init__(self) -> None:
        self.refused: list[EventJson] = []
        self.accepted: deque[EventJson] = deque(maxlen=_KEPT)
        self._accepted_count = 0

    def note(self, events: Sequence[EventJson], *, accepted: bool) -> None:
        """Write down what became of a request's events."""
        if accepted:
            self.accepted.extend(events)
            self._accepted_count += len(events)
        else:
            self.refused.extend(events)

    def settle(self, host: str, numbers: Numbers, *, check_kept: bool) -> None:
        """Send the refused events again and, if asked to, ask after the accepted ones."""
        numbers.events_accepted = self._accepted_count
        numbers.events_sent_again = len(self.refused)
        with Asker(host) as asker:
            never = self._send(asker, self.refused, _TAKEN)
            if never:
                numbers.lost += never
                numbers.lost_reasons.append(f"{never:,} were refused and could not be sent later")
            gone = self._send(asker, list(self.accepted), frozenset({"duplicate"})) if check_kept else 0
            if gone:
                numbers.lost += gone
                numbers.lost_reasons.append(f"{gone:,} were accepted and then forgotten")

    @staticmethod
    def _send(asker: Asker, events: Sequence[EventJson], expected: frozenset[str]) -> int:
        """How many events got another result than expected."""
        odd = 0
        for start in range(0, len(events), _BATCH):
            some = events[start : start + _BATCH]
            for attempt in range(_ATTEMPTS):
                reply = asker.post("/v1/events", events_body(some))
                if reply.status != 503:
                    break
                if attempt + 1 < _ATTEMPTS:
                    time.sleep(_RETRY_AFTER_S)
            try:
                statuses = [result.status for result in read_results(reply.body)]
            except msgspec.DecodeError:
                statuses = []
            odd += len(some) - sum(status in expected for status in statuses)
        return odd
