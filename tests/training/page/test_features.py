"""Importances: of each model a manifest tells of."""

import pytest

from tests.training.page.handmade import manifest
from training.page.features import importances, models


def test_each_model_has_its_features() -> None:
    """`gain:` is the ranker's, `<model>_gain:` another's; other data are no features."""
    shares = {"gain:sold": 0.3, "gain:own_rank": 0.7, "session_gain:cosine": 1.0}
    assert models(manifest(data=shares | {"products": 8} | {"code": "gain:abc"})) == {
        "ranker": {"own_rank": 0.7, "sold": 0.3},
        "session": {"cosine": 1.0},
    }


def test_the_strongest_are_drawn_and_the_rest_is_summed_up() -> None:
    """30 features: twenty bars, the widest full, ten in a sentence with what they have together."""
    shares = {f"gain:f{number:02}": (30 - number) / 465 for number in range(30)}
    (ranker,) = importances(manifest(data=shares))
    assert [name for name, _, _ in ranker.drawn] == [f"f{number:02}" for number in range(20)]
    assert ranker.drawn[0][2] == 100
    assert ranker.drawn[15][2] == pytest.approx(50)
    assert ranker.small == [f"f{number:02}" for number in range(20, 30)]
    assert ranker.small_share == pytest.approx(55 / 465)


def test_unused_features_are_named_with_the_rest() -> None:
    """A share of zero has no bar."""
    (ranker,) = importances(manifest(data={"gain:a": 1.0, "gain:b": 0.0}))
    assert [name for name, _, _ in ranker.drawn] == ["a"]
    assert ranker.small == ["b"]


def test_nothing_learned_is_no_table() -> None:
    """A bundle that keeps the retrieval order for want of data, or says nothing of features."""
    assert importances(manifest(data={"products": 3})) == []
    assert importances(manifest(data={"gain:a": 0.0})) == []
