"""Models on trial: a canary that serves a share of the shoppers, a shadow that serves nobody.

In: requests, while `live.json` names a canary or a shadow. Out: answers, and counts by model version in the shop's
counts of the day (docs/backend.md names the fields), from which the backend judges. While there is neither, nothing
here runs and nothing is counted.
"""

import asyncio
import logging
import random
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable

from edge.identify import Caller
from edge.metrics import SHADOW, SHADOW_OVERLAP, TRIAL_ANSWERS
from edge.page import Page
from edge.profiles import Known
from edge.recommend import Recommender, Served
from edge.scoring import Model
from edge.tally import Tally
from edge.wire import Query

logger = logging.getLogger("endcap.trials")

BOUNDS_MS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 1_000_000)
_NOT_THE_MODELS = frozenset({"profile"})  # what is missing in an answer through no fault of the model
_WAITING = 32  # requests a shadow may be behind; more are not worth their memory
_IDLE_S = 0.002


class Trials:
    """The canary's answers beside the live model's, and what the shadow would have said."""

    def __init__(self, recommender: Recommender, tally: Tally, shadow_percent: float) -> None:
        self._recommender = recommender
        self._live = recommender.live
        self._tally = tally
        self._percent = shadow_percent
        self._queue: asyncio.Queue[tuple[Query, Known]] = asyncio.Queue(_WAITING)
        self._reported: tuple[str | None, str | None] = (None, None)

    # --- canary --------------------------------------------------------------------------------------------------

    async def answer(self, query: Query, caller: Caller) -> Served:
        """The answer of the model that this shopper gets. A canary that breaks down never shows: live answers then."""
        live, canary = self._live.current, self._live.canary_for(caller.visit)
        started = time.perf_counter()
        try:
            served = await self._recommender.answer(query, caller, canary)
        except Exception:  # because a model on trial may do anything wrong; its answer is lost, logged and counted, and
            # the shopper gets the live model's, whose own errors go on
            if canary is None:
                raise
            logger.exception("canary %s failed; the live model answers", canary.version)
            self._count(canary, "canary", "failed")
            return await self._recommender.answer(query, caller, live)
        if self._live.canary is not None and served.known is not None and (model := canary or live):
            role, failed = "canary" if canary else "live", set(served.answer.degraded) - _NOT_THE_MODELS
            self._count(model, role, "degraded" if failed else "ok")
            if not served.cached.hit:  # the smaller group finds less in the cache, which says nothing of its model
                ms = (time.perf_counter() - started) * 1_000
                self._tally.add(f"served:{model.version}:ms:{BOUNDS_MS[bisect_left(BOUNDS_MS, ms)]}")
        return served

    def _count(self, model: Model, role: str, outcome: str) -> None:
        TRIAL_ANSWERS.labels(role, outcome).inc()
        self._tally.add(f"served:{model.version}:{outcome}")

    def report_refusal(self) -> None:
        """Count a canary that this process would not load, once, so that the judge hears of it."""
        place = self._live.places["canary"]
        if place.refused and self._reported != (place.version, place.refused):
            self._reported = (place.version, place.refused)
            self._tally.add(f"served:{place.version}:refused")

    # --- shadow --------------------------------------------------------------------------------------------------

    def offer(self, pairs: Iterable[tuple[Query, Served]]) -> None:
        """Offer a sample of the questions to the shadow, which looks at them when nothing else is at work."""
        if self._live.shadow is None:
            return
        for query, served in pairs:
            if served.known is None or random.random() * 100 >= self._percent:
                continue
            if self._queue.full():
                SHADOW.labels("dropped").inc()
            else:
                self._queue.put_nowait((query, served.known))

    async def run(self, busy: Callable[[], object]) -> None:
        """Ask the shadow, one question at a time and only while no request is at work, until cancelled."""
        while True:
            query, known = await self._queue.get()
            await _until_idle(busy)
            live, shadow = self._live.current, self._live.shadow
            if live is None or shadow is None:
                continue
            first = self._rehearse(live, query, known)
            await _until_idle(busy)
            second = self._rehearse(shadow, query, known)
            self._compare(shadow.version, first, second)

    def _rehearse(self, model: Model, query: Query, known: Known) -> tuple[Page | None, int]:
        """A model's answer and the microseconds of processor time that it took; no answer where it broke down."""
        started = time.thread_time_ns()
        try:
            answer = self._recommender.rehearse(model, query, known)
        except Exception:  # because a model on trial may do anything wrong; lost is one comparison, logged and counted
            # as failed: no shopper waits for it
            logger.exception("model %s failed in the shadow", model.version)
            return None, 0
        return answer, (time.thread_time_ns() - started) // 1_000

    def _compare(self, version: str, first: tuple[Page | None, int], second: tuple[Page | None, int]) -> None:
        (live, live_us), (shadow, shadow_us) = first, second
        if live is None:
            return
        if shadow is None or set(shadow.degraded) - set(live.degraded):
            SHADOW.labels("failed").inc()
            self._tally.add(f"shadow:{version}:failed")
            return
        SHADOW.labels("compared").inc()
        self._tally.add(f"shadow:{version}:compared")
        self._tally.add(f"shadow:{version}:us", shadow_us)
        self._tally.add(f"shadow:{version}:live_us", live_us)
        for slot, overlap in overlaps(live, shadow).items():
            SHADOW_OVERLAP.labels(slot).observe(overlap)
            self._tally.add(f"shadow:{version}:shelves:{slot}")
            self._tally.add(f"shadow:{version}:overlap:{slot}", round(1_000 * overlap))


async def _until_idle(busy: Callable[[], object]) -> None:
    """Let everything else go first, at least once."""
    await asyncio.sleep(0)
    while busy():  # noqa: ASYNC110 -- requests should not have to announce their end to a thing that is rarely there
        await asyncio.sleep(_IDLE_S)


def overlaps(one: Page, other: Page) -> dict[str, float]:
    """By shelf, the share of products that two answers have in common; a shelf that only one has shares nothing."""
    ours = {slot.id: {item.id for item in slot.items} for slot in one.slots}
    theirs = {slot.id: {item.id for item in slot.items} for slot in other.slots}
    return {
        slot: len(ours.get(slot, set()) & theirs.get(slot, set()))
        / max(len(ours.get(slot, ())), len(theirs.get(slot, ())))
        for slot in dict.fromkeys((*ours, *theirs))
    }
