"""Moments of a prepared data set: the profile is what serving would have read then, whatever came later."""

from datetime import UTC, datetime
from pathlib import Path

from edge.core.codec import decode_profile, encode_profile
from edge.core.profile import Profile, apply
from training.dataset import Dataset, prepare
from training.moments import Moment, collect

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HEADER = "event_id,type,time,product_id,customer_id,consent\n"
PAST = """o1,purchase-complete,2026-05-01T10:00:00Z,tea,anna,analytics
v1,detail-page-view,2026-05-08T10:00:00Z,cake,anna,analytics
v2,detail-page-view,2026-05-08T10:01:00Z,soap,anna,personalization
c1,add-to-cart,2026-05-08T10:02:00Z,cola,anna,analytics
"""
ORDER = """o2,purchase-complete,2026-05-08T10:05:00Z,cola,anna,analytics
o2,purchase-complete,2026-05-08T10:05:00Z,tea,anna,analytics
"""
FUTURE = """v3,detail-page-view,2026-05-08T10:05:01Z,soap,anna,analytics
o3,purchase-complete,2026-05-09T10:00:00Z,soap,anna,analytics
o4,purchase-complete,2026-05-02T10:00:00Z,soap,ben,analytics
"""


def shop(where: Path, events: str) -> Dataset:
    """A data set of these events."""
    where.mkdir()
    (where / "events.csv").write_text(HEADER + events)
    (where / "products.csv").write_text("id,title,price\ntea,Tea,1\ncake,Cake,1\nsoap,Soap,1\ncola,Cola,1\n")
    return prepare(where, where / "prepared", now=NOW)


def before(data: Dataset, *orders: str) -> list[Moment]:
    """The moments before these orders."""
    return collect(data, "demo", orders, lambda _: None)


def test_what_came_later_changes_no_moment(tmp_path: Path) -> None:
    """The same shop with and without a future gives the same bytes: nothing of the order itself or later leaks."""
    with_future = before(shop(tmp_path / "one", PAST + ORDER + FUTURE), "o2")
    assert with_future == before(shop(tmp_path / "two", PAST + ORDER), "o2")
    assert len(with_future) == 1


def test_a_moment_by_hand(tmp_path: Path) -> None:
    """Tea bought a week before, cake seen and cola in the cart; the soap was not for analytics, so it is not known."""
    (seen,) = before(shop(tmp_path / "one", PAST + ORDER + FUTURE), "o2")
    profile = decode_profile(seen.profile)
    assert (seen.order, seen.shopper, seen.basket) == ("o2", "anna", ("cola", "tea"))
    assert seen.visit == (("cake", False), ("cola", True))
    assert seen.past == ((20_574, ("tea",)),)
    assert (profile.shop, profile.orders, list(profile.bought)) == ("demo", 1, ["tea"])
    assert "soap" not in profile.viewed
    assert seen.day == datetime(2026, 5, 8, 10, 5, tzinfo=UTC).timestamp() / 86_400


def test_orders_of_many_shoppers_come_sorted_by_their_id(tmp_path: Path) -> None:
    """Each order is found once, however often it is asked for; the third knows of the second."""
    found = before(shop(tmp_path / "one", PAST + ORDER + FUTURE), "o4", "o3", "o2", "o3", "gone")
    assert [(moment.order, moment.shopper) for moment in found] == [("o2", "anna"), ("o3", "anna"), ("o4", "ben")]
    assert found[1].past == ((20_574, ("tea",)), (20_581, ("cola", "tea")))
    assert found[1].visit == (("soap", False),)
    assert found[2].past == ()


def test_the_profile_is_that_of_all_events_before(shop_dir: Dataset, moments: list[Moment]) -> None:
    """For orders of the sample shop: applying what came before one by one gives the very bytes of the moment."""
    wanted = {moment.order: moment for moment in moments}
    checked = 0
    for _, shopper, events in shop_dir.replay():
        profile = Profile(shop="demo", shopper=shopper)
        for event in events:
            if event.id in wanted:
                assert wanted[event.id].profile == encode_profile(profile)
                checked += 1
            apply(profile, event, event.time.timestamp())
    assert checked == len(moments) == 150
