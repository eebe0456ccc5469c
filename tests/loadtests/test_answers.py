"""What counts as an answer, and what as a failure."""

import json
from typing import Any

import msgspec
import pytest

from loadtests.answers import Outcome, judge_answer, read_answer, read_results
from loadtests.traffic import Step

PAGE = Step("home", "/v1/recommendations/home", consents=True)
UNKNOWN = Step("pdp", "/v1/recommendations/pdp?product_id=x", consents=True, unknown_product=True)
DECLINED = Step("home", "/v1/recommendations/home", consents=False)
EVENTS = Step("events", "/v1/events", consents=True, events=({"id": "1"}, {"id": "2"}))
IGNORED = Step("events", "/v1/events", consents=False, events=({"id": "1"},))
RIGHT = Outcome()


def page(served_by: str = "popular", **changes: Any) -> bytes:
    """The body of an answer, some of it changed."""
    product = {"title": "Tea", "price": {"amount": "2.00", "currency_code": "USD"}}
    item = {"id": "p1", "score": 0.5, "reason": "popular", "product": product}
    slot = {"id": "for_you", "title": "For you", "served_by": served_by, "attribution_token": "t", "items": [item]}
    answer: dict[str, Any] = {"surface": "home", "model_version": "v1", "degraded": [], "slots": [slot]}
    return json.dumps(answer | changes).encode()


def results(*statuses: str) -> bytes:
    """The body of an answer to events."""
    return json.dumps({"results": [{"id": "1", "status": status} for status in statuses]}).encode()


def test_a_whole_answer_is_right() -> None:
    """Status 200, a model version, nothing degraded, products on a shelf."""
    assert judge_answer(PAGE, 200, {}, page()) == RIGHT
    assert judge_answer(PAGE, 200, {}, page(served_by="personal")) == RIGHT


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, page(), "status 500"),
        (304, b"", "status 304"),
        (200, b"<html>", "the body is not an answer in JSON"),
        (200, b"\xff\xfe", "the body is not an answer in JSON"),
        (200, b"", "the body is not an answer in JSON"),
        (200, b'{"degraded": []}', "the body is not an answer in JSON"),
        (200, page(model_version=None), "no model version"),
        (200, page(model_version=""), "no model version"),
        (200, page(slots=[]), "no shelf with a product"),
        (200, page(slots=[{"served_by": "popular", "items": []}]), "no shelf with a product"),
    ],
)
def test_anything_else_is_a_failure_with_its_reason(status: int, body: bytes, reason: str) -> None:
    """A page that answers quickly with the wrong thing must not pass."""
    assert judge_answer(PAGE, status, {}, body).failure == reason


def test_a_degraded_answer_fails_where_nothing_was_broken_on_purpose() -> None:
    """It is counted as degraded, too."""
    assert judge_answer(PAGE, 200, {}, page(degraded=["deadline"])) == Outcome(
        degraded=True, hiccup=True, lacking="lesser"
    )
    outcome = judge_answer(PAGE, 200, {}, page(degraded=["ranker", "deadline"]))
    assert outcome == Outcome("degraded: ranker", degraded=True)


def test_during_a_fault_only_what_is_allowed_may_be_missing() -> None:
    """A dead store excuses the profile, and nothing else."""
    excused = judge_answer(PAGE, 200, {}, page(degraded=["profile"]), ("profile",))
    assert excused == Outcome(degraded=True, lacking="lesser")
    assert judge_answer(PAGE, 200, {}, page(degraded=["profile", "ranker"]), ("profile",)).failure == "degraded: ranker"
    assert judge_answer(PAGE, 500, {}, page(), ("profile",)).failure == "status 500"


@pytest.mark.parametrize(
    ("step", "status", "degraded", "kind"),
    [
        (PAGE, 200, [], "useful"),
        (UNKNOWN, 200, ["unknown_product"], "useful"),
        (PAGE, 200, ["overload"], "excess"),
        (PAGE, 200, ["deadline", "overload"], "excess"),
        (PAGE, 200, ["deadline"], "lesser"),
        (PAGE, 200, ["ranker"], "failed"),
        (PAGE, 503, [], "failed"),
    ],
)
def test_a_page_counts_by_what_is_missing(step: Step, status: int, degraded: list[str], kind: str) -> None:
    """Useful, excess, lesser or failed: what past the knee is counted by."""
    assert judge_answer(step, status, {}, page(degraded=degraded), ("overload", "deadline")).kind == kind


def test_in_a_spike_events_are_not_turned_away() -> None:
    """Only a store that is away excuses 503."""
    refused = {"retry-after": "1"}
    assert judge_answer(EVENTS, 503, refused, b"", ("overload", "deadline")).failure == "status 503"
    assert judge_answer(EVENTS, 503, refused, b"", ("profile",)).refused


def test_a_product_asked_for_as_unknown_may_be_called_so() -> None:
    """That is the right answer, hence not degraded; for any other product it is a failure."""
    assert judge_answer(UNKNOWN, 200, {}, page(degraded=["unknown_product"])) == RIGHT
    assert judge_answer(UNKNOWN, 200, {}, page(degraded=["unknown_product", "profile"])).hiccup
    assert judge_answer(PAGE, 200, {}, page(degraded=["unknown_product"])).failure == "degraded: unknown_product"


def test_nothing_personal_may_come_back_without_consent() -> None:
    """However fast it was."""
    assert judge_answer(DECLINED, 200, {}, page(served_by="personal")).failure == "personal without consent"
    assert judge_answer(DECLINED, 200, {}, page()) == RIGHT


def test_events_are_accepted_or_for_who_declined_ignored() -> None:
    """One result per event, each as consent has it: keeping a declined event is a failure."""
    assert judge_answer(EVENTS, 200, {}, results("accepted", "accepted")) == RIGHT
    assert judge_answer(IGNORED, 200, {}, results("ignored")) == RIGHT
    assert judge_answer(IGNORED, 200, {}, results("accepted")).failure == "events accepted, not ignored"
    odd = judge_answer(EVENTS, 200, {}, results("accepted", "rejected"))
    assert odd.failure == "events rejected, not accepted"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", "status 500"),
        (503, b"", "status 503"),
        (200, b"[]", "the body is not a list of results in JSON"),
        (200, results("accepted"), "not one result per event"),
    ],
)
def test_other_answers_to_events_are_failures(status: int, body: bytes, reason: str) -> None:
    """A 503 too, while the store is meant to be there."""
    assert judge_answer(EVENTS, status, {"retry-after": "1"}, body).failure == reason


def test_events_may_be_refused_during_a_fault_if_told_when_to_come_back() -> None:
    """Refused is not failed: the client sends them again. Without Retry-After it would not know when."""
    assert judge_answer(EVENTS, 503, {"retry-after": "1"}, b"", ("profile",)) == Outcome(refused=True)
    assert judge_answer(EVENTS, 503, {}, b"", ("profile",)).failure == "503 without Retry-After"


def test_a_whole_answer_can_be_read() -> None:
    """Titles, prices and reasons, for those who read shelves; unknown fields are passed over."""
    answer = read_answer(page(served_by="personal"))
    assert answer.personal
    assert answer.product_ids() == ("p1",)
    assert answer.slots[0].items[0].product.price.amount == "2.00"
    assert not read_answer(page()).personal
    with pytest.raises(msgspec.DecodeError):
        read_answer(b"{}")


def test_event_results_can_be_read() -> None:
    """One status per event, in order."""
    assert [result.status for result in read_results(results("accepted", "duplicate"))] == ["accepted", "duplicate"]
