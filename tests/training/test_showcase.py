"""Example shelves: drawn from real moments, the same each time, naming nobody."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.core.bundle import read_manifest
from edge.core.codec import encode_profile
from edge.core.errors import BundleError
from edge.core.index import Index
from edge.core.profile import Bought, Profile
from edge.core.sources import SOURCES
from training import showcase
from training.examples import MEASURED_SLOTS
from training.moments import Moment
from training.pipeline import Outcome
from training.showcase import PER_SLOT, UNLABELLED, Example, Examples, Shown, draw, encode, read

TODAY = 20_000


def by_rank(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """A ranker that keeps the retrieval order."""
    return -features[:, 2]


def asked(who: str, *basket: str, bought: dict[str, Bought] | None = None) -> Moment:
    """The moment before an order of somebody who bought tea and soap on different days."""
    profile = Profile(shop="d", shopper=who, orders=2, last_order_day=TODAY - 1)
    profile.bought = {"tea": Bought(2, TODAY - 9, TODAY - 1), "soap": Bought(1, TODAY - 9, TODAY - 9)}
    if bought is not None:
        profile.bought = bought
    days = sorted({item.last_day for item in profile.bought.values()})
    past = tuple((day, tuple(id_ for id_, item in profile.bought.items() if item.last_day == day)) for day in days)
    return Moment(f"order of {who}", who, TODAY, encode_profile(profile), (), past, basket)


def test_each_slot_has_its_examples(known: Index, moments: list[Moment]) -> None:
    """PER_SLOT shelves of every measured slot, and `similar` on the same pages as `bought_together`."""
    got = draw(known, moments, by_rank).examples
    count = {slot: sum(one.slot == slot for one in got) for slot in (*MEASURED_SLOTS, *UNLABELLED)}
    assert set(count.values()) == {PER_SLOT}
    pages = {slot: {one.anchors for one in got if one.slot == slot} for slot in ("bought_together", "similar")}
    assert pages["bought_together"] == pages["similar"]


def test_a_shelf_says_what_was_shown_and_bought(known: Index, moments: list[Moment]) -> None:
    """Ten products at most, best first, each with a source; the mark says what the order then held."""
    for one in draw(known, moments, by_rank).examples:
        assert 0 < len(one.shelf) <= 10
        scores = [shown.score for shown in one.shelf]
        assert scores == sorted(scores, reverse=True)
        assert all(shown.found_by and set(shown.found_by) <= set(SOURCES) for shown in one.shelf)
        assert len({shown.id for shown in one.shelf}) == len(one.shelf)
        assert not {shown.id for shown in one.shelf} & set(one.anchors)
        hits = {shown.id for shown in one.shelf if shown.bought}
        assert len(hits) <= one.bought_in_all
        assert len(one.bought) == min(one.bought_in_all, 12)
        if one.bought_in_all <= 12:
            assert hits <= set(one.bought)


def test_the_same_moments_give_the_same_examples(known: Index, moments: list[Moment]) -> None:
    """Drawn with a seed: two runs keep the same shelves, another seed others."""
    assert draw(known, moments, by_rank) == draw(known, moments, by_rank)
    assert draw(known, moments, by_rank) != draw(known, moments, by_rank, seed=8)


def test_a_shopper_stands_for_one_slot(index: Index) -> None:
    """Ten orders of one household: their history is shown once, not ten times."""
    same = [asked("anna", "cake", "bread", "coffee", "tea") for _ in range(10)]
    got = draw(index, same, by_rank).examples
    assert len([one for one in got if one.slot not in UNLABELLED]) == 1


def test_the_last_basket_is_that_of_the_last_day(index: Index) -> None:
    """Tea was bought yesterday, soap nine days ago."""
    (one, *_) = draw(index, [asked("anna", "cake", "bread", "coffee", "tea")], by_rank).examples
    assert one.last_basket == ("tea",)


def test_small_orders_and_strangers_are_not_drawn(index: Index) -> None:
    """An order of three products, and one of somebody who never bought, show nothing."""
    moments = [asked("anna", "cake", "bread", "tea"), asked("ben", "cake", "bread", "tea", "coffee", bought={})]
    assert draw(index, moments, by_rank) == Examples(())


def test_no_moments_draw_nothing(index: Index) -> None:
    """A shop without orders in the last weeks has no examples, and no error."""
    assert draw(index, [], by_rank) == Examples(())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """The file holds everything, whatever a product's id looks like."""
    shown = Shown('<script>"', 0.5, ("own",), bought=True)
    examples = Examples((Example("for_you", (), ("ä",), (shown,), ("b",), 3),))
    (tmp_path / showcase.FILE).write_bytes(encode(examples))
    assert read(tmp_path) == examples


def test_a_bundle_of_before_has_no_examples(tmp_path: Path) -> None:
    """No file is no error: older bundles have none."""
    assert read(tmp_path) == Examples(())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not what a training run writes"),
        (b'{"examples": [{"slot": 3}]}', "is not what a training run writes"),
        (b"\xff", "is not what a training run writes"),
        (b'{"examples": [], "version": 2}', "has version 2, this program reads 1"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """The error names the file and what to do."""
    (tmp_path / showcase.FILE).write_bytes(content)
    with pytest.raises(BundleError, match=message):
        read(tmp_path)


def test_a_run_keeps_examples_under_a_checksum(outcome: Outcome) -> None:
    """The bundle of the sample shop holds them like every other file."""
    assert showcase.FILE in read_manifest(outcome.directory).files
    assert {one.slot for one in read(outcome.directory).examples} >= {"for_you", "buy_again"}
