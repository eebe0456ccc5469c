"""The loop, lived: past weeks go through the real endpoints day by day, and shelves are asked for before each order.

In: a replay, arms, the backend's API, the clock file. Out: a `Lived`: recall by week and arm, what was sent and
counted, which models were trained, approved and served. Each simulated week ends with a look at the backend: where a
candidate waits it is approved, and the next week begins when the live arm serves it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from loadtests.ask import Asker
from loadtests.live import plot, replay, weekly
from loadtests.live.admin import Admin, Candidate, Status
from loadtests.live.arms import Arms, Asked, reported
from loadtests.live.clock import SimulatedClock
from loadtests.live.replay import Day
from loadtests.live.send import EventJson, Sender
from loadtests.server import RunError

_PURCHASE = "purchase-complete"
_CATCH_UP_S, _SWAP_S = 120.0, 30.0
_END_OF_DAY = timedelta(days=1, seconds=-1)  # still the same day, so that "today" is the day that was lived

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is lived, and against whom. The first arm is live: it gets the events, and its model is renewed."""

    replay: Path
    arms: Sequence[tuple[str, str]]
    clock: Path
    asked_per_day: int
    retrain_s: float  # how long a week's end may wait for a candidate
    seed: int = 1


@dataclass
class Lived:
    """What came of it."""

    rows: list[Asked] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    degraded: int = 0
    candidates: list[tuple[int, Candidate]] = field(default_factory=list)
    published: list[int] = field(default_factory=list)  # weeks at whose end a new model began to serve

    @property
    def missing(self) -> dict[str, int]:
        """Events sent less events counted, by type, where these differ."""
        types = {*self.sent, *self.counted}
        return {type_: lack for type_ in sorted(types) if (lack := self.sent.get(type_, 0) - self.counted[type_])}


def simulate(plan: Plan, admin: Admin, tell: Tell) -> Lived:
    """Live through all days. Raises RunError when a server fails or the backend does not keep up."""
    events = replay.read(plan.replay)
    lived, random = Lived(), Random(plan.seed)
    clock = SimulatedClock(plan.clock, events[0].time)
    arms, sender = Arms(plan.arms, plan.seed), Sender(plan.arms[0][1], seed=plan.seed)
    try:
        week = 0
        for day in replay.days(events):
            if day.week > week:
                clock.move_to(replay.end_of(week, events))  # its last day may have had no orders
                _end_week(week, plan, admin, lived, tell)
                week = day.week
            told = _ask(day, arms, clock, random, plan.asked_per_day, lived)
            clock.move_to(day.date + _END_OF_DAY)
            sender.send([event.raw for event in day.events] + told)
            _count(admin.caught_up(_CATCH_UP_S), lived)
            tell(f"week {week + 1}, {day.date:%a %d %b}: {len(day.events):,} events, all applied")
        lived.sent, lived.repeated, lived.degraded = dict(sender.sent), sender.repeated, arms.degraded
        return lived
    finally:
        arms.close()
        sender.close()


def _ask(day: Day, arms: Arms, clock: SimulatedClock, random: Random, most: int, lived: Lived) -> list[EventJson]:
    """Ask all arms before some of the day's orders, in order of time; what the live one's shoppers saw and clicked."""
    orders = [event for event in day.events if event.type == _PURCHASE and event.items]
    chosen = sorted(random.sample(range(len(orders)), min(most, len(orders))))
    told = []
    for order in (orders[place] for place in chosen):
        clock.move_to(order.time)
        rows, shown = arms.ask(day.week, order)
        lived.rows += rows
        told += reported(shown)
    return told


def _count(status: Status, lived: Lived) -> None:
    for name, count in (status.today or {}).items():
        if name.startswith("events:"):
            lived.counted[name.removeprefix("events:")] += count


def _end_week(week: int, plan: Plan, admin: Admin, lived: Lived, tell: Tell) -> None:
    """Wait for the retraining that is due; approve what passed the gate and wait until it serves."""
    tell(f"week {week + 1} is over: waiting for the backend to train")
    known = {candidate.version for _, candidate in lived.candidates}

    def judged(status: Status) -> bool:
        found = status.models.candidate if status.models else None
        return found is not None and found.version not in known and found.stage != "trained"

    try:
        status = admin.await_status("a judged candidate", judged, plan.retrain_s)
    except RunError as error:
        tell(str(error))
        return
    candidate = status.models.candidate if status.models else None
    if candidate is None:
        return
    lived.candidates.append((week, candidate))
    tell(f"candidate {candidate.version}: {candidate.stage}; {'; '.join((*candidate.reasons, *candidate.refusals))}")
    if candidate.stage == "waiting":
        admin.post("/approve", {"version": candidate.version})
        _await_model(plan.arms[0][1], candidate.version)
        lived.published.append(week)
        tell(f"{candidate.version} is approved and serves")


def _await_model(url: str, version: str) -> None:
    ends = time.monotonic() + _SWAP_S
    with Asker(url) as asker:
        while json.loads(asker.get("/readyz").body or b"{}").get("model_version") != version:
            if time.monotonic() > ends:
                raise RunError(f"the live arm does not serve {version} after {_SWAP_S:.0f} s; see its /readyz")
            time.sleep(0.1)


def save(lived: Lived, directory: Path) -> list[Path]:
    """Write loop.json and loop.svg; the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    weeks = weekly.by_week(lived.rows)
    since = min(lived.published, default=0) + 1
    document = {
        "weeks": [asdict(week) for week in weeks],
        "leads_after_first_publication": [asdict(lead) for lead in weekly.leads(lived.rows, since)],
        "leads_all_weeks": [asdict(lead) for lead in weekly.leads(lived.rows)],
        "sent": lived.sent,
        "counted": dict(lived.counted),
        "missing": lived.missing,
        "sent_twice": lived.repeated,
        "degraded_answers": lived.degraded,
        "candidates": [{"week": week, "stage": one.stage, "reasons": one.reasons, "refusals": one.refusals}
                       for week, one in lived.candidates],
        "published_after_weeks": lived.published,
    }  # fmt: skip
    paths = [directory / "loop.json", directory / "loop.svg"]
    paths[0].write_text(json.dumps(document, indent=2) + "\n")
    paths[1].write_text(plot.draw(weeks, lived.published))
    return paths
