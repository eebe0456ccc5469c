"""The soak: a long steady run in which every slice keeps the budget and no process grows.

In: the run's seconds and memory samples. Out: what was broken, and the figures for the report.
"""

import math
from typing import Any

from loadtests.budget import Budget
from loadtests.measure import percentile
from loadtests.memory import Samples, growth_mb
from loadtests.seconds import Seconds, together

_TOLD = 60  # samples of each process in the report: enough to see whether it is still growing


def slices(seconds: Seconds, duration_s: float, slice_s: float) -> list[tuple[float, float]]:
    """The p99 of each slice of the run, from the scheduled start: (its begin in s, ms)."""
    begins = [number * slice_s for number in range(max(1, math.floor(duration_s / slice_s)))]
    return [(begin, percentile(together(seconds, begin, begin + slice_s).took_ms, 0.99)) for begin in begins]


def judge_soak(seconds: Seconds, samples: Samples, duration_s: float, budget: Budget) -> list[str]:
    """Every rule of a soak that was broken."""
    soak, limit_ms = budget.soak, budget.surfaces["pdp"].p99_scheduled_ms
    broken = [
        f"from second {begin:g} on p99 from the scheduled start is {p99_ms:.1f} ms for {soak.slice_s:g} s, "
        f"it must stay below {limit_ms:g} ms"
        for begin, p99_ms in slices(seconds, duration_s, soak.slice_s)
        if p99_ms >= limit_ms
    ]
    if not samples:
        broken.append("no memory was sampled, so nothing is known about it")
    for pid, sampled in samples.items():
        if sampled[0][0] > duration_s * soak.warm_up_share:
            broken.append(f"process {pid} was started in the middle of the run: another one died")
        elif sampled[-1][0] < duration_s * 0.9:
            broken.append(f"process {pid} ended in the middle of the run")
        elif (grown_mb := growth_mb(sampled, duration_s * soak.warm_up_share)) > soak.max_growth_mb:
            broken.append(
                f"process {pid} grew by {grown_mb:.2f} MB after the first {soak.warm_up_share:.0%} of the run; "
                f"{soak.max_growth_mb:g} MB allowed"
            )
    return broken


def tell(seconds: Seconds, samples: Samples, duration_s: float, budget: Budget) -> dict[str, Any]:
    """The soak for the report."""
    soak = budget.soak
    worst = max(slices(seconds, duration_s, soak.slice_s), key=lambda one: one[1])
    processes = {
        str(pid): {
            "first_mb": sampled[0][1],
            "last_mb": sampled[-1][1],
            "most_mb": max(mb for _, mb in sampled),
            "growth_mb": round(growth_mb(sampled, duration_s * soak.warm_up_share), 3),
            "samples": sampled[:: max(1, len(sampled) // _TOLD)],
        }
        for pid, sampled in samples.items()
    }
    return {"slice_s": soak.slice_s, "worst_slice_s": worst[0], "worst_p99_ms": round(worst[1], 2), "memory": processes}
