"""Moments: what was known of a shopper just before an order, and what the order then held.

In: a dataset's replay and the ids of the orders to stop at. Out: `Moment`s; the profile is the bytes serving would
have read then, made by the same `apply` and the same codec.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from edge.core.events import Event
from edge.core.keys import SESSION_TTL_S
from edge.core.profile import Bought, Profile, Session, apply, encode_profile, observe
from training.dataset import Dataset
from training.facts import PURCHASE


@dataclass(frozen=True)
class Moment:
    """Just before one order. `owned` is the whole history, which the capped profile may have forgotten in part."""

    order: str
    shopper: str
    day: float  # unix days
    profile: bytes
    viewed: tuple[str, ...]  # in this visit, newest last
    owned: dict[str, tuple[int, int]]  # product -> (orders with it, day of the last)
    basket: tuple[str, ...]


def collect(dataset: Dataset, shop: str, orders: Collection[str], progress: Callable[[int], None]) -> list[Moment]:
    """The moments before these orders, by order id. `progress` is told the lines read so far."""
    wanted = set(orders)
    found = [
        moment
        for _, shopper, events in dataset.replay(progress=progress)
        if not wanted.isdisjoint(event.id for event in events)
        for moment in _of_shopper(shop, shopper, events, wanted)
    ]
    return sorted(found, key=lambda moment: moment.order)


def _of_shopper(shop: str, shopper: str, events: list[Event], wanted: set[str]) -> Iterator[Moment]:
    profile, session = Profile(shop=shop, shopper=shopper), Session(shop=shop, shopper=shopper)
    owned: dict[str, Bought] = {}
    last = max(at for at, event in enumerate(events) if event.id in wanted)
    for event in events[: last + 1]:
        now = event.time.timestamp()
        if now - session.updated > SESSION_TTL_S:
            session = Session(shop=shop, shopper=shopper)
        if event.id in wanted and event.type == PURCHASE:
            yield Moment(
                order=event.id,
                shopper=shopper,
                day=now / 86_400,
                profile=encode_profile(profile),
                viewed=tuple(session.viewed),
                owned={id_: (bought.count, bought.last_day) for id_, bought in owned.items()},
                basket=tuple(dict.fromkeys(line.product_id for line in event.products)),
            )
        apply(profile, event, now)
        observe(session, event, now)
        if event.type == PURCHASE:
            _remember(owned, event, int(now // 86_400))


def _remember(owned: dict[str, Bought], event: Event, day: int) -> None:
    for line in event.products:
        known = owned.setdefault(line.product_id, Bought(0, day, day))
        known.count += 1
        known.last_day = day
