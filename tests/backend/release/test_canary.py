"""The judge of a canary: what withdraws at once, what takes evidence, and what is left alone."""

from typing import Any

import pytest

from backend.release.canary import Trial, Verdict, judge
from backend.release.canary_settings import CanarySettings

NOW = 20_000 * 86_400.0 + 3_600
SETTINGS = CanarySettings()


def counts(
    version: str, *, ok: int = 1_000, clicks: int = 100, seen: int = 2_000, ms: int = 3, **more: int
) -> dict[str, int]:
    """A day of one model: answers, shelves seen and clicked, and the time of all answers."""
    found = {f"served:{version}:ok": ok, f"served:{version}:ms:{ms}": ok}
    found |= {f"impressions:similar:{version}": seen, f"clicks:similar:{version}": clicks}
    return found | {f"served:{version}:{name}": n for name, n in more.items()}


def verdict(new: dict[str, int], old: dict[str, int] | None = None, **changed: Any) -> Verdict:
    """What the judge makes of one day after an hour."""
    trial = Trial("new", "old", 10, NOW - 3_600, 20_000, changed.pop("before", {}))
    settings = SETTINGS.model_copy(update=changed)
    return judge(
        trial, {20_000: (counts("old", ok=9_000, seen=18_000, clicks=900) if old is None else old) | new}, NOW, settings
    )


def test_a_canary_like_the_live_model_is_kept() -> None:
    """With the figures for people to look at."""
    found = verdict(counts("new"))
    assert found.action == "keep"
    assert found.figures["canary_click_rate"] == found.figures["live_click_rate"] == 0.05
    assert found.figures["canary_p95_ms"] == 3
    assert found.figures["odds_ratio"] == pytest.approx(1.0)


def test_a_canary_without_data_is_kept() -> None:
    """Nothing counted is nothing against it; there is no rate to speak of."""
    found = verdict({}, {})
    assert found.action == "keep"
    assert found.figures["canary_click_rate"] is None
    assert found.figures["odds_high"] is None


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (counts("new", refused=1), "refused the bundle"),
        (counts("new", ok=200, failed=3), "failed at 3 of 203"),
        (counts("new", ok=900, degraded=100), "10.0% of its answers are degraded, 0.0%"),
        (counts("new", ms=30), "take up to 30 ms, the live model's 3 ms"),
        (counts("new", clicks=40), "shoppers click less"),
    ],
)
def test_a_canary_beyond_a_limit_is_withdrawn_with_the_reason(new: dict[str, int], reason: str) -> None:
    """Each limit by itself."""
    found = verdict(new)
    assert found.action == "withdraw"
    assert reason in found.reasons[0]


@pytest.mark.parametrize(
    "new",
    [
        counts("new", ok=5, failed=2),
        counts("new", ok=40, degraded=9, seen=0, clicks=0),
        counts("new", ok=900, degraded=30),
        counts("new", ms=20),
        counts("new", clicks=95),
        counts("new", seen=20, clicks=0),
    ],
)
def test_accidents_do_not_withdraw(new: dict[str, int]) -> None:
    """Two failures, a bad start, a p95 that nobody feels, a few clicks less."""
    assert verdict(new).action == "keep"


def test_what_the_live_model_suffers_from_too_is_not_the_canarys_fault() -> None:
    """Degraded and slow answers everywhere."""
    old = counts("old", ok=8_000, degraded=1_000, ms=50, seen=18_000, clicks=900)
    assert verdict(counts("new", ok=890, degraded=110, ms=80), old).action == "keep"


def test_what_was_counted_before_the_trial_is_left_out() -> None:
    """A version that was live this morning and badly clicked brings none of it into the evening's trial."""
    morning = {"impressions:similar:new": 50_000, "clicks:similar:new": 10, "served:new:failed": 500}
    evening = counts("new")
    total = {name: evening.get(name, 0) + morning.get(name, 0) for name in {*evening, *morning}}
    assert verdict(total).action == "withdraw"
    assert verdict(total, before=morning).action == "keep"


def test_a_canary_that_is_as_good_may_be_promoted_after_a_day() -> None:
    """Not before, however good."""
    many = counts("new", seen=200_000, clicks=10_000)
    old = counts("old", seen=200_000, clicks=10_000)
    assert verdict(many, old).action == "keep"
    found = verdict(many, old, canary_least_h=1.0)
    assert found.action == "promote"
    assert "as much" in found.reasons[0]


def test_days_are_compared_each_with_itself() -> None:
    """A quiet day on which the canary got a larger share does not count against it."""
    trial = Trial("new", "old", 10, NOW - 86_400, 19_999)
    days = {
        19_999: counts("new", seen=100, clicks=10) | counts("old", seen=10_000, clicks=1_000),
        20_000: counts("new", seen=10_000, clicks=200) | counts("old", seen=10_000, clicks=200),
    }
    assert judge(trial, days, NOW, SETTINGS).action == "keep"
