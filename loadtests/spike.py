"""The spike: calm just below the knee, then several times the knee, then calm again; and the verdict on it.

In: the knee and the seconds of a run. Out: stages for the throng, and what was broken. Past the knee a server can do
two things wrong: spend itself on answers that nobody gets in time, or not come back afterwards.
"""

from dataclasses import dataclass
from typing import Any

from loadtests.budget import Budget, SpikeBudget
from loadtests.measure import Window, percentile
from loadtests.seconds import Second, Seconds, together
from loadtests.throng import Stage, Thronged

_BEFORE, _DURING = 0.25, 0.4  # of the run; the rest comes after the spike
REGULARS_SHARE = 1 / 3  # of the calm rate at most: what Locust's shoppers ask for, all the time
_LESS = ("overload", "deadline")  # what answers in a spike may lack


@dataclass(frozen=True)
class Course:
    """The spike of one run. Times in seconds after the warm-up."""

    knee: float
    regulars: float  # requests per second from Locust
    duration_s: float
    warm_up_s: float
    budget: SpikeBudget

    @property
    def begins_s(self) -> float:
        """The spike begins."""
        return float(round(self.duration_s * _BEFORE))

    @property
    def ends_s(self) -> float:
        """The spike ends."""
        return self.begins_s + max(1.0, round(self.duration_s * _DURING))

    @property
    def calm(self) -> float:
        """Requests per second before and after."""
        return self.knee * self.budget.calm_share

    @property
    def window(self) -> Window:
        """In which Locust's shoppers excuse answers with less."""
        begins_s, ends_s = self.warm_up_s + self.begins_s, self.warm_up_s + self.ends_s
        return Window(begins_s, ends_s, ends_s + self.budget.recovery_s, _LESS)

    def stages(self) -> tuple[Stage, ...]:
        """What the throng asks for beside the regulars, from the warm-up on."""
        calm, spike = self.calm - self.regulars, self.knee * self.budget.times - self.regulars
        return (
            Stage(calm, self.warm_up_s + self.begins_s),
            Stage(spike, self.ends_s - self.begins_s),
            Stage(calm, self.duration_s - self.ends_s),
        )


def phases(course: Course, seconds: Seconds) -> dict[str, Second]:
    """Before, in, and after the spike; the last without what is granted for recovery."""
    calm_s = course.ends_s + course.budget.recovery_s
    return {
        "before": together(seconds, 0, course.begins_s),
        "spike": together(seconds, course.begins_s, course.ends_s),
        "recovery": together(seconds, course.ends_s, calm_s),
        "after": together(seconds, calm_s, course.duration_s),
    }


def recovered_s(course: Course, seconds: Seconds, limit_ms: float) -> float | None:
    """How long after the spike the p99 of every second is kept again; None if it is not by the end."""
    over = [
        number
        for number, second in seconds.items()
        if course.ends_s <= number < course.duration_s and percentile(second.took_ms, 0.99) >= limit_ms
    ]
    back_s = max(over, default=course.ends_s - 1) + 1 - course.ends_s
    return back_s if back_s < course.duration_s - course.ends_s else None


def judge_spike(course: Course, seconds: Seconds, thronged: Thronged, budget: Budget) -> list[str]:
    """Every rule of a spike that was broken."""
    spike, limit_ms = course.budget, budget.surfaces["pdp"].p99_scheduled_ms
    parts = phases(course, seconds)
    broken = []
    useful, needed = useful_rate(course, parts["spike"]), course.knee * spike.min_useful_share
    if useful < needed:
        broken.append(
            f"in the spike {useful:,.0f} useful answers/s, {needed:,.0f} needed "
            f"({spike.min_useful_share:.0%} of the knee's {course.knee:,.0f})"
        )
    if thronged.statuses:
        kinds = ", ".join(f"{count:,} x {status or 'no answer'}" for status, count in thronged.statuses.items())
        broken.append(f"of the throng's requests failed: {kinds}; what is past the knee gets 200 and what is popular")
    back_s = recovered_s(course, seconds, limit_ms)
    if back_s is None or back_s > spike.recovery_s:
        came = "not by the end of the run" if back_s is None else f"only after {back_s:g} s"
        broken.append(f"p99 came back below {limit_ms:g} ms {came}; {spike.recovery_s:g} s are granted")
    for name in ("before", "after"):
        part, share = parts[name], budget.run.max_hiccup_share
        if part.asked - part.useful > part.asked * share:
            less = (part.asked - part.useful) / part.asked
            broken.append(f"{name} the spike {less:.2%} of the answers had less in them; {share:.2%} allowed")
        if (p99_ms := percentile(part.took_ms, 0.99)) >= limit_ms:
            broken.append(
                f"{name} the spike p99 from the scheduled start is {p99_ms:.1f} ms, not below {limit_ms:g} ms"
            )
    return broken


def useful_rate(course: Course, spike: Second) -> float:
    """Useful answers per second of the spike."""
    return spike.useful / (course.ends_s - course.begins_s)


def tell(course: Course, seconds: Seconds, thronged: Thronged, limit_ms: float) -> dict[str, Any]:
    """The spike for the report: what a reader may ask, per phase."""
    rows = {}
    lengths = {
        "before": course.begins_s,
        "spike": course.ends_s - course.begins_s,
        "recovery": course.budget.recovery_s,
    }
    for name, part in phases(course, seconds).items():
        length_s = lengths.get(name, course.duration_s - course.ends_s - course.budget.recovery_s)
        rows[name] = {
            "asked_rate": round(part.asked / length_s, 1) if length_s > 0 else 0.0,
            "useful_rate": round(part.useful / length_s, 1) if length_s > 0 else 0.0,
            **{kind: getattr(part, kind) for kind in ("useful", "excess", "lesser", "failed")},
            "p50_ms": round(percentile(part.took_ms, 0.5), 2),
            "p99_ms": round(percentile(part.took_ms, 0.99), 2),
        }
    return {
        "knee": course.knee,
        "regulars": course.regulars,
        "begins_s": course.begins_s,
        "ends_s": course.ends_s,
        "useful_of_knee": round(useful_rate(course, phases(course, seconds)["spike"]) / course.knee, 4),
        "recovered_s": recovered_s(course, seconds, limit_ms),
        "throng_sent_late_p99_ms": thronged.lag_p99_ms,
        "phases": rows,
    }
