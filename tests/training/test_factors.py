"""ALS and BPR on a shop of two crowds that never buy the same: whose products a shopper should see is obvious."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.factors import MIN_BUYERS, Als, Bpr, Goods, common
from training.purchases import Purchases

CROWD, GOODS = 20, 6  # shoppers and products of each of the two crowds


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    """Shoppers 0 to 19 buy products 0 to 5, shoppers 20 to 39 products 6 to 11, each all but one of them."""
    rows = [
        (who, who, crowd * GOODS + item)
        for crowd in (0, 1)
        for who in range(crowd * CROWD, (crowd + 1) * CROWD)
        for item in range(GOODS)
        if item != who % GOODS
    ]
    shopper, order, item = np.array(rows, np.int32).T
    return Purchases({f"s{who}": who for who in range(2 * CROWD)}, shopper, order, item, 2 * GOODS)


@pytest.fixture(scope="module")
def als(purchases: Purchases) -> Als:
    """ALS with few factors, since there is little to factorise."""
    return Als.of(purchases, factors=4)


@pytest.fixture(scope="module")
def bpr(purchases: Purchases) -> Bpr:
    """BPR likewise, with rounds enough for so few purchases."""
    return Bpr.of(purchases, factors=4, iterations=300)


def first(scores: NDArray[np.float32]) -> set[int]:
    """The half of the products that scores best."""
    return set(np.argsort(-scores)[:GOODS].tolist())


def test_als_finds_the_crowd_of_a_history(als: Als) -> None:
    """Two products of the second crowd bring up the second crowd's others."""
    owned = np.array([6, 7], np.int32)
    assert first(als.shopper(owned, np.array([1, 2]))) == set(range(GOODS, 2 * GOODS))


def test_als_follows_the_history_it_is_given(als: Als) -> None:
    """Factors are solved for at each query: another history, another crowd."""
    assert first(als.shopper(np.array([0, 3], np.int32), np.array([1, 1]))) == set(range(GOODS))


def test_als_without_history_is_indifferent(als: Als) -> None:
    """Nothing bought gives zero for every product, which popularity then fills."""
    assert als.shopper(np.empty(0, np.int32), np.empty(0, np.int64)).tolist() == [0] * (2 * GOODS)


def test_bpr_finds_the_crowd_of_a_shopper(bpr: Bpr) -> None:
    """A shopper of each crowd, by row."""
    assert first(bpr.shopper(3)) == set(range(GOODS))
    assert first(bpr.shopper(CROWD + 3)) == set(range(GOODS, 2 * GOODS))


def test_bpr_of_a_stranger_is_the_mean_shopper(bpr: Bpr) -> None:
    """Not seen in training: the mean of all shoppers' factors."""
    np.testing.assert_array_equal(bpr.shopper(-1), bpr.goods.score(bpr.shoppers.mean(axis=0)))


def test_a_page_brings_up_its_own_crowd(als: Als, bpr: Bpr) -> None:
    """Beside one product of the first crowd stand the others of it."""
    for model in (als, bpr):
        assert first(model.goods.page(np.array([2], np.int32))) == set(range(GOODS))


def test_the_same_seed_gives_the_same_factors(purchases: Purchases, als: Als, bpr: Bpr) -> None:
    """One thread and a seed: figures do not change from run to run."""
    np.testing.assert_array_equal(Als.of(purchases, factors=4).goods.factors, als.goods.factors)
    np.testing.assert_array_equal(Bpr.of(purchases, factors=4, iterations=300).goods.factors, bpr.goods.factors)


def test_rare_products_have_no_factors() -> None:
    """Bought by five, product 1 is learned from; by four, product 0 is not, nor product 2 by nobody."""
    shopper = np.array([0, 1, 2, 3, 0, 1, 2, 3, 4], np.int32)
    item = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1], np.int32)
    order = np.argsort(shopper, kind="stable")
    rare = Purchases({str(row): row for row in range(5)}, shopper[order], shopper[order], item[order], 3)
    matrix, kept = common(rare)
    assert kept.tolist() == [1]
    assert matrix.toarray().tolist() == [[1]] * MIN_BUYERS


def test_a_page_score_is_the_mean_cosine() -> None:
    """To anchors [1, 0] and [0, 2]: 1/2 for either, 0.7071 for [1, 1], -1/2 for [-1, 0] and so for one without."""
    factors = np.array([[1, 0], [0, 2], [1, 1], [-1, 0]], np.float32)
    goods = Goods.of(np.array([0, 1, 2, 4], np.int32), factors, factors, 5)
    got = goods.page(np.array([0, 1], np.int32))
    assert got.tolist() == pytest.approx([0.5, 0.5, np.sqrt(0.5), -0.5, -0.5])


def test_a_page_nothing_is_known_of_says_nothing() -> None:
    """An anchor without factors is near to nothing."""
    goods = Goods.of(np.array([0], np.int32), np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), 2)
    assert goods.page(np.array([1], np.int32)).tolist() == [0, 0]
