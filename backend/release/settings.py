"""The settings of retraining, judging and publishing; a part of the backend's."""

from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings


class ReleaseSettings(BaseSettings):
    """When a model is trained again, what a candidate must show, and who lets it serve."""

    publish: Literal["auto", "wait"] = Field(
        "wait",
        validation_alias=AliasChoices("ENDCAP_PUBLISH", "publish", "PUBLISH"),
        description="a candidate that passes the gate: `wait` for a person, or `auto`: serve at once",
    )
    keep_bundles: int = Field(10, ge=2, description="bundles kept of a shop, for rollback")
    retrain_interval_h: float = Field(168.0, ge=0, description="train when the live model's data are this old; 0: off")
    retrain_new_share: float = Field(
        0.1, ge=0, description="train when so many new events came, as a share of those learned from; 0: off"
    )
    retrain_on_drift: bool = Field(True, description="train when features, scores or inputs have drifted")
    retrain_rest_h: float = Field(6.0, ge=0, description="after a run, however it ended, no other one for so long")
    retrain_time_limit_s: float = Field(14_400.0, gt=0, description="a training run is ended after so long")
    retrain_memory_mib: int = Field(8_192, ge=64, description="a training run that holds more memory is ended")
    drift_every_h: float = Field(24.0, gt=0, description="drift is measured when the last time is so long ago")
    drift_psi: float = Field(0.2, gt=0, description="PSI from which a distribution has drifted")
    drift_ks: float = Field(0.2, gt=0, le=1, description="KS distance from which a distribution has drifted")
    drift_natural: float = Field(
        2.0, ge=0, description="and it must be this many times what the measured weeks differ among themselves"
    )
    drift_days: int = Field(14, ge=1, description="newest days that are compared with the live bundle's reference")
    drift_least_orders: int = Field(60, ge=1, description="fewer orders in these days say nothing about drift")
    gate_orders: int = Field(
        1_000, ge=1, description="orders of the unseen window both models are asked about, at most"
    )
    gate_least_shoppers: int = Field(30, ge=2, description="a shelf asked for by fewer shoppers is not judged")
    gate_worse: float = Field(
        0.02, ge=0, le=1, description="share of the live NDCG@10 a shelf may surely lose (95 % interval below zero)"
    )
    gate_collapse: float = Field(0.25, ge=0, le=1, description="share it may lose however wide the interval is")
    gate_coverage: float = Field(0.25, ge=0, le=1, description="share of the live model's coverage a shelf may lose")
    gate_slower: float = Field(1.3, ge=1, description="times the live model's time for a shelf it may take")
    gate_larger: float = Field(1.5, ge=1, description="times the live bundle's bytes it may have")
