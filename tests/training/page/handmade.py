"""Manifests made by hand, whose differences can be worked out."""

from collections.abc import Mapping

from edge.core.bundle import Calibration, Golden, Manifest


def manifest(
    version: str = "20261121T100000Z-0001",
    *,
    shop: str = "demo",
    metrics: dict[str, dict[str, dict[str, float]]] | None = None,
    data: Mapping[str, str | int | float] | None = None,
    calibration: dict[str, Calibration] | None = None,
) -> Manifest:
    """A manifest that says this, and else little."""
    return Manifest(
        version=version,
        shop=shop,
        created="2026-11-21T10:00:00+00:00",
        feature_names=("a",),
        files={},
        onnx={"ir_version": 10},
        golden=Golden([[1.0]], [0.5]),
        metrics=metrics or {},
        readiness={"for_you": "2 of 3 shoppers came back: answers"},
        data=dict(data or {}),
        calibration=calibration or {},
    )
