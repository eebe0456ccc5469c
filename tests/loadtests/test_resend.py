"""Events that were refused are sent again, and those that were accepted are asked after."""

from typing import Any

import pytest

from loadtests import resend
from loadtests.measure import Numbers
from loadtests.resend import Ledger


def event(number: int) -> dict[str, Any]:
    """An event of a shopper who consents."""
    return {"id": f"e{number}", "type": "home-page-view", "consent": ["personalization"]}


@pytest.fixture
def numbers() -> Numbers:
    """A run that has just ended."""
    return Numbers(asked_rate=10, duration_s=2)


def test_refused_events_are_sent_again_with_their_ids(shop: Any, numbers: Numbers) -> None:
    """In batches the contract allows; each is then taken."""
    ledger = Ledger()
    ledger.note([event(n) for n in range(150)], accepted=False)
    ledger.settle(shop.url, numbers, check_kept=False)
    assert [len(body["events"]) for body in shop.posted] == [100, 50]
    assert shop.seen_ids == {f"e{n}" for n in range(150)}
    assert (numbers.events_sent_again, numbers.lost) == (150, 0)


def test_an_event_stored_although_refused_is_not_lost(shop: Any, numbers: Numbers) -> None:
    """The refusal may have come after the store had it: then the second sending is a duplicate."""
    shop.seen_ids.add("e1")
    ledger = Ledger()
    ledger.note([event(1)], accepted=False)
    ledger.settle(shop.url, numbers, check_kept=False)
    assert numbers.lost == 0


def test_accepted_events_are_asked_after(shop: Any, numbers: Numbers) -> None:
    """The server still has them: sent again with the same id they are duplicates."""
    shop.seen_ids |= {"e1", "e2"}
    ledger = Ledger()
    ledger.note([event(1), event(2)], accepted=True)
    ledger.settle(shop.url, numbers, check_kept=True)
    assert (numbers.events_accepted, numbers.events_sent_again, numbers.lost) == (2, 0, 0)
    assert len(shop.posted) == 1


def test_accepted_and_then_forgotten_is_lost(shop: Any, numbers: Numbers) -> None:
    """A server that accepts an accepted event a second time had lost it."""
    shop.forgets = True
    ledger = Ledger()
    ledger.note([event(1), event(2)], accepted=True)
    ledger.settle(shop.url, numbers, check_kept=True)
    assert numbers.lost == 2
    assert numbers.lost_reasons == ["2 were accepted and then forgotten"]


def test_accepted_events_are_left_alone_without_a_fault(shop: Any, numbers: Numbers) -> None:
    """A plain run sends nothing that the shoppers did not send."""
    ledger = Ledger()
    ledger.note([event(1)], accepted=True)
    ledger.settle(shop.url, numbers, check_kept=False)
    assert shop.posted == []


def test_events_refused_for_good_are_lost(shop: Any, numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts, with the pause that Retry-After asks for (none here, to save time)."""
    monkeypatch.setattr(resend, "_RETRY_AFTER_S", 0.0)
    shop.events_status = 503
    ledger = Ledger()
    ledger.note([event(1)], accepted=False)
    ledger.settle(shop.url, numbers, check_kept=False)
    assert len(shop.posted) == 5
    assert numbers.lost_reasons == ["1 were refused and could not be sent later"]


def test_any_other_answer_counts_as_lost(shop: Any, numbers: Numbers) -> None:
    """A 500 has no results in it."""
    shop.events_status = 500
    ledger = Ledger()
    ledger.note([event(1)], accepted=False)
    ledger.settle(shop.url, numbers, check_kept=False)
    assert numbers.lost == 1
