"""Restricted categories: which products they hold, and what is left of an event."""

from datetime import UTC, datetime

import pytest

from edge.core.events import Event, Line
from edge.core.restricted import Restricted, without


@pytest.mark.parametrize(
    ("listed", "category", "holds"),
    [
        ("Medicine", "Medicine", True),
        ("medicine", "Medicine > Pain", True),
        ("Medicine", "Health > Medicine > Pain", True),
        ("Drinks > Spirits", "Drinks > Spirits > Gin", True),
        ("Drinks > Spirits", "Drinks > Spiritsless", False),
        ("Drinks > Spirits", "Drinks", False),
        ("Medicine, Drinks > Spirits", "Drinks > Spirits", True),
        ("Med", "Medicine", False),
        ("", "", False),
        (" , ", "Medicine", False),
    ],
)
def test_an_entry_names_a_path_from_its_start_or_one_level(listed: str, category: str, holds: bool) -> None:
    """Whole names only, in any case of letters."""
    assert Restricted.of(listed).holds(category) is holds


def test_an_event_loses_the_lines_and_goes_when_it_had_no_others() -> None:
    """One without lines, such as a search, stays."""
    event = Event("e", "add-to-cart", datetime.now(UTC), products=(Line("tea"), Line("pills")))
    kept = without(event, {"pills"}.__contains__)
    assert kept
    assert [line.product_id for line in kept.products] == ["tea"]
    assert without(kept, {"pills"}.__contains__) is kept
    assert without(event, {"pills", "tea"}.__contains__) is None
    search = Event("e", "search", datetime.now(UTC))
    assert without(search, {"pills"}.__contains__) is search
