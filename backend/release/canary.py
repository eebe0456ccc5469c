"""The judge of a canary: keep it, withdraw it, or promote it, by what shoppers did and how the answers came out.

In: the trial (which versions, since when) and the counts of its days. Out: a `Verdict` with reasons. Failing, degraded
and slow answers, and a bundle that an edge refused, withdraw at once, beyond a limit; fewer clicks withdraw when the
sequential test says so, which may be asked every minute.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from backend.release.canary_settings import CanarySettings
from backend.release.sequential import Comparison, Stratum, compare

Action = Literal["keep", "withdraw", "promote"]
Days = Mapping[int, Mapping[str, int]]  # unix day -> field -> count

_FAILURES = 3  # fewer may be an accident
_SLOW_MS = 20  # a p95 up to here is nobody's concern
_HOUR_S = 3_600.0


class Trial(msgspec.Struct, frozen=True):
    """A canary and what was counted on its first day before it came."""

    version: str
    live: str
    percent: int
    started: float  # unix seconds
    day: int  # unix day of `before`
    before: dict[str, int] = {}


@dataclass(frozen=True)
class Verdict:
    """What to do with the canary, why, and the figures behind it for people to look at."""

    action: Action
    reasons: tuple[str, ...]
    figures: dict[str, float | int | str | None]


@dataclass(frozen=True)
class Answers:
    """How one model's answers came out."""

    ok: int
    degraded: int
    failed: int
    refused: int
    p95_ms: int | None

    @property
    def all(self) -> int:
        """Answers asked of the model."""
        return self.ok + self.degraded + self.failed

    def share(self, of: int) -> float:
        """A count as a share of all answers."""
        return of / max(self.all, 1)


def judge(trial: Trial, days: Days, now: float, settings: CanarySettings) -> Verdict:
    """Weigh what was counted since the trial began; `now` in unix seconds."""
    since = _since(trial, days)
    canary, live = (_answers(since, version) for version in (trial.version, trial.live))
    clicks = compare_clicks(trial, since, settings.canary_dispersion)
    figures = _figures(trial, since, canary, live, clicks, settings)
    if reasons := _broken(canary, live, settings):
        return Verdict("withdraw", reasons, figures)
    low, ratio, high = clicks.odds_ratio(settings.canary_alpha)
    if clicks.worse(settings.canary_alpha):
        told = f"shoppers click less: odds {ratio:.2f} times the live model's (interval {low:.2f} to {high:.2f})"
        return Verdict("withdraw", (told,), figures)
    hours = (now - trial.started) / _HOUR_S
    if low > 1 - settings.canary_margin and hours >= settings.canary_least_h:
        told = f"shoppers click as much: odds at least {low:.2f} times the live model's after {hours:.0f} h"
        return Verdict("promote", (told,), figures)
    return Verdict("keep", (f"nothing against it after {hours:.1f} h; odds between {low:.2f} and {high:.2f}",), figures)


def compare_clicks(trial: Trial, since: Days, dispersion: float) -> Comparison:
    """Clicks per shelf seen, by shelf and day: a weekend or a new shelf is the same to both models."""
    strata = []
    for counts in since.values():
        for slot in sorted(_slots(counts)):
            new, old = (
                (counts.get(f"impressions:{slot}:{version}", 0), counts.get(f"clicks:{slot}:{version}", 0))
                for version in (trial.version, trial.live)
            )
            strata.append(Stratum(*new, *old))
    return compare(strata, dispersion)


def _slots(counts: Mapping[str, int]) -> set[str]:
    return {parts[1] for name in counts if len(parts := name.split(":")) == 3 and parts[0] == "impressions"}


def _since(trial: Trial, days: Days) -> dict[int, dict[str, int]]:
    """The counts without those from before the trial on its first day."""
    return {
        day: {name: n - (trial.before.get(name, 0) if day == trial.day else 0) for name, n in counts.items()}
        for day, counts in days.items()
    }


def _answers(since: Days, version: str) -> Answers:
    def total(what: str) -> int:
        return sum(counts.get(f"served:{version}:{what}", 0) for counts in since.values())

    times: dict[int, int] = {}
    for counts in since.values():
        for name, n in counts.items():
            if name.startswith(f"served:{version}:ms:"):
                bound = int(name.rpartition(":")[2])
                times[bound] = times.get(bound, 0) + n
    return Answers(total("ok"), total("degraded"), total("failed"), total("refused"), _p95(times))


def _p95(times: Mapping[int, int]) -> int | None:
    """The bound that 95 of 100 answers stay below."""
    seen, bounds = 0, sorted(times)
    reached = [seen := seen + times[bound] for bound in bounds]
    return bounds[bisect_left(reached, 0.95 * seen)] if seen else None


def _broken(canary: Answers, live: Answers, settings: CanarySettings) -> tuple[str, ...]:
    """What is beyond its limit, whatever shoppers think of the shelves."""
    reasons = []
    if canary.refused:
        reasons.append(f"{canary.refused} edge process(es) refused the bundle; their log and /readyz say why")
    if canary.failed >= _FAILURES and canary.share(canary.failed) > settings.canary_failed:
        reasons.append(
            f"it failed at {canary.failed} of {canary.all} answers; {settings.canary_failed:.1%} are allowed"
        )
    if canary.all < settings.canary_least_answers:
        return tuple(reasons)
    # Three standard errors on top, so that the first hundred answers do not decide by chance.
    base = live.share(live.degraded)
    doubt = 3 * (max(base, settings.canary_degraded) / canary.all) ** 0.5
    if canary.share(canary.degraded) > base + settings.canary_degraded + doubt:
        reasons.append(
            f"{canary.share(canary.degraded):.1%} of its answers are degraded, {base:.1%} of the live model's"
        )
    limit = max(settings.canary_slower * (live.p95_ms or 0), _SLOW_MS)
    if canary.p95_ms is not None and live.p95_ms is not None and canary.p95_ms > limit:
        reasons.append(f"95 % of its answers take up to {canary.p95_ms} ms, the live model's {live.p95_ms} ms")
    return tuple(reasons)


def _figures(
    trial: Trial, since: Days, canary: Answers, live: Answers, clicks: Comparison, settings: CanarySettings
) -> dict[str, float | int | str | None]:
    def total(what: str, version: str) -> int:
        return sum(
            n
            for counts in since.values()
            for name, n in counts.items()
            if name.startswith(f"{what}:") and name.endswith(f":{version}")
        )

    low, ratio, high = clicks.odds_ratio(settings.canary_alpha)
    figures: dict[str, float | int | str | None] = {}
    for role, version, answers in (("canary", trial.version, canary), ("live", trial.live, live)):
        seen = total("impressions", version)
        figures |= {
            f"{role}_answers": answers.all,
            f"{role}_degraded": answers.degraded,
            f"{role}_failed": answers.failed,
            f"{role}_p95_ms": answers.p95_ms,
            f"{role}_shelves_seen": seen,
            f"{role}_clicks": (clicked := total("clicks", version)),
            f"{role}_click_rate": round(clicked / seen, 5) if seen else None,
        }
    # An interval without an upper end has no number in JSON.
    told = {
        "odds_low": round(low, 4),
        "odds_ratio": round(ratio, 4),
        "odds_high": round(high, 4) if high < 1e6 else None,
    }
    return figures | told
