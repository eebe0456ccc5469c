"""Moments: what was known of a shopper just before an order, and what the order then held.

In: a dataset's replay and the ids of the orders to stop at. Out: `Moment`s; the profile is the bytes serving would
have read then, made by the same `apply` and the same codec.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from edge.core.codec import encode_profile
from edge.core.events import Event
from edge.core.keys import SESSION_TTL_S
from edge.core.profile import Profile, apply
from edge.core.session import SESSION_CAP
from training.dataset import Dataset
from training.facts import PURCHASE

Order = tuple[int, tuple[str, ...]]  # its unix day, and its products, each once
_TOUCHES = ("detail-page-view", "wishlist-add", "add-to-cart")


@dataclass(frozen=True)
class Moment:
    """Just before one order. `past` is the whole history, which the capped profile may have forgotten in part."""

    order: str
    shopper: str
    day: float  # unix days
    profile: bytes
    visit: tuple[tuple[str, bool], ...]  # products looked at in this visit, oldest first; True: put in the cart
    past: tuple[Order, ...]  # oldest first
    basket: tuple[str, ...]


@dataclass
class _Walk:
    """One shopper's history as far as it has been read."""

    profile: Profile
    visit: list[tuple[str, bool]] = field(default_factory=list)
    touched: float = 0.0  # unix seconds of the last event
    past: list[Order] = field(default_factory=list)

    def step(self, event: Event, now: float) -> None:
        apply(self.profile, event, now)
        self.touched = now
        if event.type in _TOUCHES:
            self.visit += [(line.product_id, event.type == "add-to-cart") for line in event.products]
            del self.visit[:-SESSION_CAP]
        elif event.type == PURCHASE:
            self.visit.clear()
            self.past.append((int(now // 86_400), _products(event)))


def collect(dataset: Dataset, shop: str, orders: Collection[str], progress: Callable[[int], None]) -> list[Moment]:
    """The moments before these orders, by order id. `progress` is told the lines read so far."""
    wanted = frozenset(orders)
    found = [
        moment
        for _, shopper, events in dataset.replay(orders=wanted, progress=progress)
        if not wanted.isdisjoint(event.id for event in events)
        for moment in _of_shopper(Profile(shop=shop, shopper=shopper), events, wanted)
    ]
    return sorted(found, key=lambda moment: moment.order)


def _of_shopper(profile: Profile, events: list[Event], wanted: frozenset[str]) -> Iterator[Moment]:
    walk = _Walk(profile)
    last = max(at for at, event in enumerate(events) if event.id in wanted)
    for event in events[: last + 1]:
        now = event.time.timestamp()
        if now - walk.touched > SESSION_TTL_S:
            walk.visit.clear()
        if event.id in wanted:
            yield Moment(
                order=event.id,
                shopper=profile.shopper,
                day=now / 86_400,
                profile=encode_profile(profile),
                visit=tuple(walk.visit),
                past=tuple(walk.past),
                basket=_products(event),
            )
        walk.step(event, now)


def _products(event: Event) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.product_id for line in event.products))
