"""Names for people: the known ones as everywhere else, the others made readable."""

import pytest

from edge.core.sources import SOURCES
from training import report
from training.page import names


def test_known_names_are_those_of_the_terminal() -> None:
    """Shelves and methods are called what the tables of a run call them."""
    assert names.slot("for_you_repeat") == "For you, repeat"
    assert names.method("own_frequency") == report.METHODS["own_frequency"]
    assert names.method("retrieval_order") == "retrieval order alone"


def test_unknown_names_are_made_readable() -> None:
    """A slot, method, metric, fact or source of tomorrow is shown, not dropped."""
    assert names.slot("next_view_mobile") == "Next view mobile"
    assert names.method("some_new_baseline") == "some new baseline"
    assert names.metric("some_rate@5") == "Some rate@5"
    assert names.fact("some_count") == "some count"
    assert names.sources(("new_source", "own")) == ["new source", "bought before"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ndcg@10", "NDCG@10"),
        ("mrr@20", "MRR@20"),
        ("hit_rate@10", "HR@10"),
        ("hr@20", "HR@20"),
        ("recall@5", "Recall@5"),
    ],
)
def test_metrics_are_called_what_papers_call_them(name: str, shown: str) -> None:
    """The depth stays behind the @."""
    assert names.metric(name) == shown


def test_every_source_is_told_or_part_of_another() -> None:
    """Pair, lift and hits are one reason; no source falls back to its name in code."""
    assert names.sources(("pair", "lift", "hits")) == ["often bought together"]
    for source in SOURCES:
        assert source.replace("_", " ") not in names.sources((source,)) or source == "popular"


def test_the_known_come_first() -> None:
    """In the order of the tables, then whatever else there is, as it came."""
    found = ["z_slot", "buy_again", "a_slot", "bought_together"]
    assert names.slots(found) == ["bought_together", "buy_again", "z_slot", "a_slot"]
    assert names.methods(["x", "popularity", "endcap"]) == ["endcap", "popularity", "x"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567, "1,234,567"),
        (3.0, "3"),
        (0, "0"),
        (0.1234567, "0.1235"),
        (3.3e-06, "3.3e-06"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_numbers_as_people_read_them(value: str | float, shown: str) -> None:
    """Whole numbers with separators, others to four digits, texts as they are."""
    assert names.number(value) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.146, "14.6 %"), (0.0009, "0.09 %"), (0, "0.00 %"), (1, "100.0 %")])
def test_small_shares_keep_their_digits(share: float, shown: str) -> None:
    """Less than one percent is told to two digits."""
    assert names.percent(share) == shown
