"""What was done, sent as a storefront would: in batches, some twice, some late.

In: events and the shares of trouble to make. Out: POSTs to `/v1/events`, sent again while the server says 503; and how
many different events were sent that may be kept, by type, which is what a server must have counted in the end.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from loadtests.answers import read_results
from loadtests.ask import Asker
from loadtests.server import RunError

_BATCH = 100  # events in one request, the contract's limit
_ATTEMPTS, _RETRY_AFTER_S = 30, 1.0
_TAKEN, _LEFT = {"accepted", "duplicate"}, {"ignored"}  # what must become of an event with consent, and of one without

EventJson = dict[str, Any]


class Sender:
    """Sends events to one server. `twice` and `late` are shares of the events: repeated, and held back to the end."""

    def __init__(self, url: str, *, twice: float = 0.03, late: float = 0.03, seed: int = 1) -> None:
        self.sent: Counter[str] = Counter()
        self.repeated = 0
        self._asker = Asker(url)
        self._random = Random(seed)
        self._twice, self._late = twice, late

    def close(self) -> None:
        """Let go of the connection."""
        self._asker.__exit__()

    def send(self, events: Sequence[EventJson]) -> None:
        """Send one day's events: late ones after the others, repeated ones anywhere. Raises RunError."""
        self.sent.update(event["type"] for event in events if _kept(event))
        late = [event for event in events if self._random.random() < self._late]
        twice = [event for event in events if self._random.random() < self._twice]
        held = {event["id"] for event in late}
        self.repeated += len(twice)
        queue = [event for event in events if event["id"] not in held] + late
        for event in twice:
            queue.insert(self._random.randrange(len(queue) + 1), event)
        for start in range(0, len(queue), _BATCH):
            self._post(queue[start : start + _BATCH])

    def _post(self, batch: Sequence[EventJson]) -> None:
        body = json.dumps({"events": batch})
        for _ in range(_ATTEMPTS):
            reply = self._asker.post("/v1/events", body)
            if reply.status not in (0, 503):
                break
            time.sleep(_RETRY_AFTER_S)
        if reply.status != 200:
            raise RunError(f"events were answered {reply.status}: {reply.body[:200].decode(errors='replace')}")
        results = zip(batch, read_results(reply.body), strict=True)
        odd = {result.status for event, result in results if result.status not in (_TAKEN if _kept(event) else _LEFT)}
        if odd:
            raise RunError(f"events were {', '.join(sorted(odd))}: {reply.body[:300].decode(errors='replace')}")


def _kept(event: EventJson) -> bool:
    """Whether its shopper allows keeping it."""
    return not {"personalization", "analytics"}.isdisjoint(event.get("consent", ()))
