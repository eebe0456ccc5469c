"""What is found out about a shop before a run."""

from itertools import count
from typing import Any

from loadtests.ask import Asker, free_port
from loadtests.discover import discover

CUSTOMERS = [str(number) for number in range(1, 101)]


def test_shelves_are_followed_from_the_homepage_to_all_products(shop: Any) -> None:
    """The homepage shows ten, each product page its three neighbours: all thirty are found, the popular ones apart."""
    with Asker(shop.url) as asker:
        found = discover(asker, CUSTOMERS)
    assert found.popular == tuple(f"p{number}" for number in range(10))
    assert sorted(found.others) == sorted(f"p{number}" for number in range(10, 30))


def test_customers_with_personal_answers_are_found(shop: Any) -> None:
    """The shop knows customers 1 and 2, of which the sample of every second one holds the first."""
    with Asker(shop.url) as asker:
        assert discover(asker, CUSTOMERS).personal_customers == ("1",)
        assert discover(asker, ["2", "1"]).personal_customers == ("2", "1")
        assert discover(asker, ["77"]).personal_customers == ()
        assert discover(asker, []).personal_customers == ()


def test_enough_products_are_enough(shop: Any) -> None:
    """A shop of a million products is not read to its end."""
    with Asker(shop.url) as asker:
        found = discover(asker, [], most=15)
    assert len(found.popular + found.others) == 15


def test_time_is_limited(shop: Any) -> None:
    """With no time at all, only the homepages are looked at."""
    ticks = count(step=10.0)
    with Asker(shop.url) as asker:
        found = discover(asker, [], patience_s=5.0, clock=lambda: next(ticks))
    assert len(found.popular) == 10
    assert found.others == ()


def test_a_shop_that_does_not_answer_has_nothing() -> None:
    """The caller says so in words; nothing breaks here."""
    with Asker(f"http://127.0.0.1:{free_port()}", timeout_s=1) as asker:
        found = discover(asker, CUSTOMERS)
    assert (found.popular, found.others, found.personal_customers) == ((), (), ())
