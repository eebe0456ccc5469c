"""Weekly figures: shoppers count alike, intervals hold the mean, leads are paired."""

from random import Random

import pytest

from loadtests.live.arms import Asked
from loadtests.live.plot import draw
from loadtests.live.weekly import by_week, leads


def asked(week: int, arm: str, shopper: str, recall: float, shelf: str = "for_you") -> Asked:
    """One answer's recall."""
    return Asked(week, arm, shelf, shopper, recall)


def test_a_shopper_who_orders_often_counts_once() -> None:
    """Ten orders of one and one of another: the mean lies in the middle."""
    rows = [asked(0, "live", "often", 1.0)] * 10 + [asked(0, "live", "once", 0.0)]
    (week,) = by_week(rows)
    assert (week.recall, week.shoppers) == (0.5, 2)
    assert week.low <= 0.5 <= week.high


def test_weeks_and_shelves_and_arms_stand_apart() -> None:
    """A row each."""
    rows = [
        asked(week, arm, "a", 0.1 * week, shelf)
        for week in (0, 1)
        for arm in ("live", "frozen")
        for shelf in ("for_you", "buy_again")
    ]
    found = by_week(rows)
    assert len(found) == 8
    assert {row.recall for row in found if row.week == 1} == {0.1}


def test_a_paired_lead_is_surer_than_the_means() -> None:
    """Shoppers differ much, arms little but always: the lead's interval leaves zero out."""
    random = Random(1)
    base = {f"s{number}": random.random() * 0.8 for number in range(60)}
    rows = [asked(0, "live", shopper, value + 0.05) for shopper, value in base.items()]
    rows += [asked(0, "frozen", shopper, value) for shopper, value in base.items()]
    (lead,) = leads(rows)
    assert lead.arm == "frozen"
    assert lead.lead == pytest.approx(0.05)
    assert lead.low > 0.04
    live, frozen = by_week(rows)
    assert live.low < frozen.high


def test_leads_may_begin_later() -> None:
    """Before the first retraining both serve the same model."""
    rows = [asked(0, arm, "a", 0.5) for arm in ("live", "frozen")]
    rows += [asked(1, "live", "a", 0.6), asked(1, "frozen", "a", 0.4)]
    assert leads(rows, since=1)[0].lead == pytest.approx(0.2)
    assert leads(rows)[0].lead == pytest.approx(0.1)
    assert leads(rows[:2], since=1) == []


def test_the_picture_shows_every_arm_and_where_models_changed() -> None:
    """Names are escaped; a mark per publication but after the last week."""
    rows = [
        asked(week, arm, shopper, 0.1 + 0.1 * week + 0.02 * number, shelf)
        for week in range(3)
        for arm in ("live", "<frozen>")
        for shelf in ("for_you", "cart_complements")
        for number, shopper in enumerate("abc")
    ]
    svg = draw(by_week(rows), published={0, 2})
    assert svg.startswith("<svg")
    assert svg.count("<polyline") == 4
    assert "&lt;frozen&gt;" in svg
    assert "<frozen>" not in svg
    assert svg.count('class="m"') == 2  # one mark in each of two panels
    assert "for_you: recall@10" in svg


def test_a_flat_line_can_be_drawn() -> None:
    """All recalls alike: the axis still has room."""
    assert "nan" not in draw(by_week([asked(0, "live", "a", 0.0)]), published=set())
