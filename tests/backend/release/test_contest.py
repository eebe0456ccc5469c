"""Contests over a shop of eight products: questions by id, shelves of both models, times, each checked by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.release.contest import Contender, _Seen, _shelf, compete, race, translated
from edge.core.codec import encode_profile
from edge.core.context import Context, History
from edge.core.features import FEATURE_NAMES
from edge.core.index import Index
from edge.core.profile import Profile
from training.examples import queries
from training.moments import Moment

DAY = 20_000.5


def model(index: Index, sign: float = 1.0) -> Any:
    """A model whose score is what the product sold, or its opposite."""
    column = FEATURE_NAMES.index("sold")
    return SimpleNamespace(index=index, ranker=SimpleNamespace(scores=lambda rows: sign * rows[:, column]))


def contender(index: Index, sign: float = 1.0) -> Contender:
    """It answers with the index it would ship."""
    return Contender(model(index, sign), index)


def moment(order: str, shopper: str, basket: tuple[str, ...], visit: tuple[tuple[str, bool], ...] = ()) -> Moment:
    """A first order, after some looks."""
    profile = encode_profile(Profile("demo", shopper))
    return Moment(order, shopper, DAY, profile, visit, (), basket)


def without(arrays: dict[str, NDArray[Any]], id_: str) -> Index:
    """The same index, in which this product goes by another id: nobody can ask for it."""
    ids = [b"gone" if one == id_.encode() else one for one in arrays["ids"].tolist()]
    return Index.from_arrays(arrays | {"ids": np.array(ids, np.bytes_)})


MOMENTS = [
    moment("o1", "ann", ("bread", "cake"), (("tea", True),)),
    moment("o2", "ann", ("coffee",), (("cake", False),)),
    moment("o3", "bob", ("cake", "tea"), (("bread", True), ("tea", True))),
]


def test_a_shelf_is_ranked_by_the_models_scores(index: Index) -> None:
    """Most sold first, or last; products that are no candidates are on neither."""
    asked = Context(index.positions(["tea"]), index.positions([]), History.of(index, None), DAY)
    best = contender(index).shelf(index, "bought_together", asked)
    assert len(best) > 1
    assert index.position["tea"] not in best
    assert index.sold[best].tolist() == sorted(index.sold[best], reverse=True)
    worst = contender(index, -1).shelf(index, "bought_together", asked)
    assert sorted(worst.tolist()) == sorted(best.tolist())
    assert index.sold[worst].tolist() == sorted(index.sold[worst])


def test_a_shelf_without_candidates_is_empty(index: Index) -> None:
    """The model is not asked: nobody has bought anything before."""
    broken = SimpleNamespace(index=index, ranker=None)
    nobody = Context(index.positions([]), index.positions([]), History.of(index, None), DAY)
    assert len(Contender(broken, index).shelf(index, "buy_again", nobody)) == 0  # type: ignore[arg-type]  # because it is not asked


def test_a_question_is_the_same_products_in_another_index(index: Index, arrays: dict[str, NDArray[Any]]) -> None:
    """By id, though the places differ; what the other index lacks is left out; the own index is asked as it is."""
    (query, *_) = queries(index, MOMENTS[0])
    turned = Index.from_arrays(arrays | {"ids": arrays["ids"][::-1].copy()})
    asked = Context(index.positions(["tea", "soap"]), index.positions(["cake"]), History.of(index, None), DAY)
    question: Any = SimpleNamespace(context=asked)
    there = translated(question, index, turned, MOMENTS[0])
    assert sorted(turned.ids[at] for at in there.anchors) == ["soap", "tea"]
    assert [turned.ids[at] for at in there.recent] == ["cake"]
    assert there.day == DAY
    lacking = translated(question, index, without(arrays, "tea"), MOMENTS[0])
    assert [index.ids[at] for at in lacking.anchors] == ["soap"]
    assert translated(query, index, index, MOMENTS[0]) is query.context


def test_a_model_beside_itself_is_as_good(index: Index) -> None:
    """No difference on any shelf, and the same reach; progress counts the moments."""
    told: list[int] = []
    shelves = compete(contender(index), contender(index), MOMENTS, told.append)
    assert shelves
    assert told == [1, 2, 3]
    assert [one.queries for one in shelves] == sorted((one.queries for one in shelves), reverse=True)
    for one in shelves:
        assert (one.difference, one.live) == (0, one.candidate)
        assert one.live_coverage == one.candidate_coverage
        assert one.low <= 0 <= one.high


def test_the_difference_is_candidate_less_live(index: Index) -> None:
    """Turned round it changes its sign."""
    ahead = {one.slot: one for one in compete(contender(index, -1), contender(index), MOMENTS)}
    behind = {one.slot: one for one in compete(contender(index), contender(index, -1), MOMENTS)}
    assert any(one.difference != 0 for one in ahead.values())
    for slot, one in ahead.items():
        assert behind[slot].difference == pytest.approx(-one.difference)
        assert (behind[slot].live, behind[slot].candidate) == pytest.approx((one.candidate, one.live))


def test_a_product_that_an_index_lacks_is_missed_and_not_forgiven(index: Index, arrays: dict[str, Any]) -> None:
    """What is wanted is set by the candidate's index: a live model that cannot name it does worse."""
    shelves = {one.slot: one for one in compete(contender(without(arrays, "cake")), contender(index), MOMENTS)}
    assert shelves["bought_together"].difference > 0


def test_shoppers_count_alike_and_coverage_is_a_share_of_the_catalogue() -> None:
    """One with two questions and one with one: means of 0.5 and 1; two of eight products were shown, then four."""
    seen = _Seen(["ann", "ann", "bob"], [(0.0, 0.5), (0.0, 0.5), (1.0, 1.0)], ({"a", "b"}, set("abcd")))
    one = _shelf("for_you", seen, 8)
    assert (one.queries, one.shoppers) == (3, 2)
    assert (one.live, one.candidate, one.difference) == (0.5, 0.75, 0.25)
    assert (one.live_coverage, one.candidate_coverage) == (0.25, 0.5)
    assert 0 <= one.low <= 0.25 <= one.high <= 0.5
    assert _shelf("for_you", seen, 0).live_coverage == 2, "an empty catalogue divides nothing"


def test_nothing_asked_is_nothing_timed(index: Index) -> None:
    """No shelf, no time, and no refusal by a ratio."""
    assert compete(contender(index), contender(index), []) == []
    speed = race(contender(index), contender(index), [])
    assert (speed.live_us, speed.candidate_us, speed.ratio) == (0.0, 0.0, 1.0)


def test_a_slower_model_takes_more_times(index: Index) -> None:
    """By processor time, which sleeping does not use and counting does."""
    slow = model(index)
    scores = slow.ranker.scores

    def counting(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        for _ in range(40):
            np.sort(np.arange(20_000)[::-1])
        result: NDArray[np.float32] = scores(rows)
        return result

    slow.ranker.scores = counting
    speed = race(contender(index), Contender(slow, index), MOMENTS)
    assert speed.ratio > 1.3
    assert speed.candidate_us > speed.live_us > 0
