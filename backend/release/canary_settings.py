"""The settings of a canary's judge; a part of the backend's."""

from pydantic import Field
from pydantic_settings import BaseSettings


class CanarySettings(BaseSettings):
    """What a canary may do before it is withdrawn, and what it must show to be promoted."""

    canary_alpha: float = Field(
        0.05, gt=0, lt=1, description="chance to withdraw a canary that is no worse, over all looks at it together"
    )
    canary_dispersion: float = Field(
        2.0, ge=1, description="how much more clicks vary than independent draws; one shopper's shelves are alike"
    )
    canary_failed: float = Field(0.01, ge=0, le=1, description="share of answers a canary may fail at")
    canary_degraded: float = Field(
        0.02, ge=0, le=1, description="share of degraded answers a canary may have beyond the live model's"
    )
    canary_slower: float = Field(2.0, ge=1, description="times the live model's p95 a canary may take, from 20 ms on")
    canary_least_answers: int = Field(50, ge=1, description="answers of a canary before shares and times are judged")
    canary_margin: float = Field(
        0.1, gt=0, lt=1, description="odds of a click a canary may surely not lose more of to be called as good"
    )
    canary_least_h: float = Field(24.0, ge=0, description="hours a canary serves before it may be promoted")
