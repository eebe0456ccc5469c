"""What each model looks at: its features by their share of the gain.

In: a manifest; `gain:<feature>` is the ranker's, `<model>_gain:<feature>` that of another model. Out: tables.
"""

from dataclasses import dataclass

from edge.core.bundle import Manifest

_DRAWN = 20


@dataclass(frozen=True)
class Importances:
    """A model's features, largest share first; `small` are the rest, `small_share` what they have together."""

    model: str
    drawn: list[tuple[str, float, float]]  # feature, share of the gain, width of its bar in percent
    small: list[str]
    small_share: float


def models(manifest: Manifest) -> dict[str, dict[str, float]]:
    """Model -> feature -> share of the gain, largest first."""
    found: dict[str, dict[str, float]] = {}
    for name, value in manifest.data.items():
        prefix, colon, feature = name.partition(":")
        if colon and prefix.endswith("gain") and not isinstance(value, str):
            model = prefix.removesuffix("gain").rstrip("_") or "ranker"
            found.setdefault(model, {})[feature] = float(value)
    return {model: dict(sorted(shares.items(), key=lambda one: -one[1])) for model, shares in found.items()}


def importances(manifest: Manifest) -> list[Importances]:
    """A table per model; none for a bundle that tells nothing, and a model that never split has no features."""
    out = []
    for model, shares in models(manifest).items():
        ranked = [(feature, share) for feature, share in shares.items() if share > 0]
        if ranked:
            widest = ranked[0][1]
            drawn = [(feature, share, 100 * share / widest) for feature, share in ranked[:_DRAWN]]
            rest = [feature for feature, _ in ranked[_DRAWN:]] + [name for name, share in shares.items() if share <= 0]
            out.append(Importances(model, drawn, rest, sum(share for _, share in ranked[_DRAWN:])))
    return out
