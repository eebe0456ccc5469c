"""What the shop sells and whom it knows, found out over HTTP before a run: any server that answers can be loaded.

In: an `Asker` and customer ids. Out: products, the popular ones apart, and some customers who get personal answers.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from loadtests.answers import Answer, read_answer
from loadtests.ask import Asker
from loadtests.traffic import CONSENT

MOST_PRODUCTS = 2_000
_PATIENCE_S = 3.0
_BATCH = 20  # questions in one request, the contract's limit
_LIMIT = 50
_CUSTOMERS_ASKED = 40

Question = dict[str, object]


@dataclass(frozen=True)
class Found:
    """What was found; `popular` and `others` share no product."""

    popular: tuple[str, ...]
    others: tuple[str, ...]
    personal_customers: tuple[str, ...]


def discover(
    asker: Asker,
    customers: Sequence[str],
    *,
    most: int = MOST_PRODUCTS,
    patience_s: float = _PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Follow the shelves from the homepages on, until there is enough, nothing new, or no more time."""
    ends = clock() + patience_s
    popular = [product for answer in _ask(asker, [_home(None)]) for product in answer.product_ids()]
    found = dict.fromkeys(popular)
    spread = customers[:: max(1, len(customers) // _CUSTOMERS_ASKED)][:_CUSTOMERS_ASKED]
    personal = []
    for customer, answer in zip(spread, _ask(asker, [_home(customer) for customer in spread]), strict=False):
        found |= dict.fromkeys(answer.product_ids())
        if answer.personal:
            personal.append(customer)
    asked = 0
    while asked < len(found) < most and clock() < ends:
        ahead = list(found)[asked : asked + _BATCH]
        asked += len(ahead)
        for answer in _ask(asker, [{"surface": "pdp", "product_id": id_, "limit": _LIMIT} for id_ in ahead]):
            found |= dict.fromkeys(answer.product_ids())
    others = [product for product in found if product not in set(popular)]
    return Found(tuple(dict.fromkeys(popular)), tuple(others[: max(0, most - len(popular))]), tuple(personal))


def _home(customer: str | None) -> Question:
    question: Question = {"surface": "home", "limit": _LIMIT}
    return question | {"customer_id": customer, "consent": CONSENT} if customer else question


def _ask(asker: Asker, questions: Sequence[Question]) -> Iterator[Answer]:
    """The answers in order, up to the first that is none."""
    for start in range(0, len(questions), _BATCH):
        body = json.dumps({"requests": questions[start : start + _BATCH]})
        reply = asker.post("/v1/recommendations", body)
        try:
            members = msgspec.json.decode(reply.body, type=_Batch).results
            for member in members:
                yield read_answer(member.body)
        except msgspec.DecodeError:
            return


class _Member(msgspec.Struct, frozen=True):
    status: int
    body: msgspec.Raw


class _Batch(msgspec.Struct, frozen=True):
    results: tuple[_Member, ...]
