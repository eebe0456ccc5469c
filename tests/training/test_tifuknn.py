"""TIFU-KNN on histories of a few orders, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from training.purchases import Purchases
from training.tifuknn import BETWEEN, GROUP, WITHIN, TifuKnn, decay

TEA, COFFEE, CAKE, SOAP = range(4)


def ints(*values: int) -> NDArray[np.int32]:
    """A column."""
    return np.array(values, np.int32)


def purchases(*people: list[list[int]]) -> Purchases:
    """Each shopper's orders, oldest first, as products."""
    rows = [
        (who, 100 * who + at, item)
        for who, orders in enumerate(people)
        for at, order in enumerate(orders)
        for item in order
    ]
    shopper, order, item = np.array(rows, np.int32).reshape(-1, 3).T
    return Purchases({f"s{who}": who for who in range(len(people))}, shopper, order, item, 4)


def test_decay_within_the_newest_group() -> None:
    """Two orders are one group of two: the newer weighs 1/2, the older one step less."""
    assert decay(ints(0, 1), ints(2, 2)).tolist() == pytest.approx([WITHIN / 2, 1 / 2])


def test_decay_between_groups() -> None:
    """One order more than a group holds: the oldest is a group of its own, and all are halved by there being two."""
    weights = decay(np.arange(GROUP + 1, dtype=np.int32), np.full(GROUP + 1, GROUP + 1))
    assert weights[0] == pytest.approx(BETWEEN / 2)
    assert weights[1] == pytest.approx(WITHIN ** (GROUP - 1) / GROUP / 2)
    assert weights[-1] == pytest.approx(1 / GROUP / 2)


def test_vectors_are_the_shoppers_decayed_frequencies() -> None:
    """Tea in both orders, cake in the newer: (WITHIN + 1) / 2 and 1/2."""
    knn = TifuKnn.of(purchases([[TEA], [TEA, CAKE]], [[SOAP]]))
    assert knn.vectors.toarray()[0].tolist() == pytest.approx([(WITHIN + 1) / 2, 0, 1 / 2, 0])
    assert knn.vectors.toarray()[1].tolist() == [0, 0, 0, 1]
    assert knn.lengths.tolist() == pytest.approx([((WITHIN + 1) / 2) ** 2 + 1 / 4, 1])


def test_a_neighbour_adds_what_one_has_not_bought() -> None:
    """Nearest to a tea drinker is the one who bought tea and cake, not the one who bought soap."""
    knn = replace(TifuKnn.of(purchases([[TEA, CAKE]], [[SOAP]])), neighbours=1, alpha=0.75)
    assert knn.score(ints(TEA), ints(0)).tolist() == pytest.approx([0.75 + 0.25, 0, 0.25, 0])


def test_nobody_is_their_own_neighbour() -> None:
    """The first shopper's nearest other is the second; of one shopper alone nothing but the own part is left."""
    knn = replace(TifuKnn.of(purchases([[TEA]], [[TEA, COFFEE]])), neighbours=1, alpha=0.5)
    assert knn.score(ints(TEA), ints(0), row=0).tolist() == pytest.approx([1, 0.5, 0, 0])
    alone = TifuKnn.of(purchases([[TEA]]))
    assert alone.score(ints(TEA), ints(0), row=0).tolist() == [1, 0, 0, 0]


def test_somebody_without_history_gets_the_neighbours_mean() -> None:
    """With nothing of their own, everyone short is near: the score is the mean of the two shoppers there are."""
    knn = replace(TifuKnn.of(purchases([[TEA]], [[SOAP]])), alpha=0.5)
    assert knn.score(ints(), ints()).tolist() == pytest.approx([0.25, 0, 0, 0.25])


def test_more_neighbours_than_shoppers_is_no_error() -> None:
    """A small shop has fewer shoppers than neighbours are asked for."""
    score = TifuKnn.of(purchases([[TEA], [TEA]], [[TEA, SOAP]])).score(ints(TEA, TEA), ints(0, 1))
    assert np.isfinite(score).all()
    assert score.argmax() == TEA


def test_no_purchases_at_all_score_nothing() -> None:
    """A shop without an order has no neighbours and no error."""
    empty = Purchases({}, ints(), ints(), ints(), 4)
    assert TifuKnn.of(empty).score(ints(), ints()).tolist() == [0, 0, 0, 0]
