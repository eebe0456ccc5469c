"""Who shops and what they look at: visits of seeded, made-up shoppers as ready requests.

In: products (most looked at first), customer ids, shares and habits, a seed. Out: `Crowd.requests()`, an endless stream
of visits, each a generator of `Step`s. Pure: no network, no clock of its own, no Locust; same arguments, same requests.
"""

import json
import uuid
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from random import Random
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec

Surface = Literal["pdp", "home", "cart", "events"]
Kind = Literal["known", "new", "declining"]
SURFACES: tuple[Surface, ...] = ("pdp", "home", "cart", "events")
CONSENT = ("personalization", "analytics")
_REMEMBERED = 5_000  # shoppers who may come back
_CART_MAX = 4

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
EventJson = dict[str, Any]


class Mix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of all requests. Every visit begins on the homepage, so there is no mix without it."""

    pdp: Share
    home: Annotated[float, msgspec.Meta(gt=0, le=1)]
    cart: Share
    events: Share


class Shoppers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of visits by kind of shopper."""

    known: Share
    new: Share
    declining: Share


class Habits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How shoppers choose."""

    returning: Share
    unknown_products: Share
    zipf_exponent: Annotated[float, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class Shopper:
    """One shopper, as the shop's pages name them."""

    kind: Kind
    visitor_id: str
    customer_id: str | None = None

    @property
    def consents(self) -> bool:
        """Whether anything personal is allowed."""
        return self.kind != "declining"

    def names(self) -> dict[str, str]:
        """Who asks, as query parameters. Who declined is not named, except by shops that send their customers' ids."""
        names = {"customer_id": self.customer_id} if self.customer_id else {}
        if self.consents:
            names |= {"visitor_id": self.visitor_id, "consent": ",".join(CONSENT)}
        return names


@dataclass(frozen=True)
class Step:
    """One request of a visit, and what must be true of its answer."""

    surface: Surface
    path: str
    consents: bool
    unknown_product: bool = False
    events: tuple[EventJson, ...] = ()

    @property
    def method(self) -> str:
        """Pages are asked for, events are posted."""
        return "POST" if self.events else "GET"

    @property
    def body(self) -> str | None:
        """The request's body."""
        return events_body(self.events) if self.events else None


def events_body(events: Sequence[EventJson]) -> str:
    """Events as the body of one request."""
    return json.dumps({"events": list(events)})


class Crowd:
    """Everybody who shops during a run."""

    def __init__(
        self,
        *,
        products: Sequence[str],
        customers: Sequence[str],
        mix: Mix,
        shoppers: Shoppers,
        habits: Habits,
        seed: int,
        run_id: str,
        clock: Callable[[], datetime],
    ) -> None:
        if not products:
            raise ValueError("no products to look at; name a shop that shows some")
        self._random = Random(seed)
        self._products = tuple(products)
        self._weights = list(accumulate(1 / rank**habits.zipf_exponent for rank in range(1, len(products) + 1)))
        self._customers = tuple(customers)
        self._mix, self._habits = mix, habits
        # Without known customers the new ones take their place.
        self._kinds: tuple[Kind, ...] = ("known" if customers else "new", "new", "declining")
        self._kind_weights = (shoppers.known, shoppers.new, shoppers.declining)
        self._run_id, self._clock = run_id, clock
        self._counted = 0
        self._seen: dict[Kind, deque[Shopper]] = {kind: deque(maxlen=_REMEMBERED) for kind in ("known", "new")}
        self._visitor_of: dict[str, str] = {}  # the browser a customer uses

    def requests(self) -> Iterator[Step]:
        """Visit after visit, without end: what one place in the crowd sends. Steps are made when they are asked for."""
        while True:
            yield from self.visit()

    def visit(self) -> Iterator[Step]:
        """One visit: the homepage, some products, then their events, then the cart."""
        shopper = self._shopper()
        yield Step("home", self._page("home", shopper, {}), shopper.consents)
        looked: list[str] = []
        for _ in range(self._count(self._mix.pdp)):
            step = self._look(shopper)
            looked.append(step[0])
            yield step[1]
        known = [product for product in looked if not product.startswith("unknown-")]
        for _ in range(self._count(self._mix.events)):
            yield Step("events", "/v1/events", shopper.consents, events=self._tell(shopper, looked, known))
        for _ in range(self._count(self._mix.cart)):
            cart = self._random.sample(known, min(len(known), self._random.randint(1, _CART_MAX))) or [self._product()]
            path = self._page("cart", shopper, {"product_ids": ",".join(dict.fromkeys(cart))})
            yield Step("cart", path, shopper.consents)

    def _look(self, shopper: Shopper) -> tuple[str, Step]:
        unknown = self._random.random() < self._habits.unknown_products
        product = f"unknown-{self._random.randrange(1_000)}" if unknown else self._product()
        path = self._page("pdp", shopper, {"product_id": product})
        return product, Step("pdp", path, shopper.consents, unknown_product=unknown)

    def _tell(self, shopper: Shopper, looked: Sequence[str], known: Sequence[str]) -> tuple[EventJson, ...]:
        """What the visit looked at, and perhaps what it put into the cart, as one beacon."""
        events = [self._event(shopper, "detail-page-view", product) for product in looked]
        if known:
            events.append(self._event(shopper, "add-to-cart", known[-1]))
        return tuple(events or [self._event(shopper, "home-page-view", None)])

    def _event(self, shopper: Shopper, type_: str, product: str | None) -> EventJson:
        event: EventJson = {
            "id": f"{self._run_id}-{self._next()}",
            "type": type_,
            "time": self._clock().isoformat(),
            "visitor_id": shopper.visitor_id,
            "consent": list(CONSENT) if shopper.consents else [],
        }
        if product is not None:
            event["products"] = [{"product_id": product}]
        if shopper.customer_id:
            event["customer_id"] = shopper.customer_id
        return event

    def _page(self, surface: str, shopper: Shopper, parameters: dict[str, str]) -> str:
        return f"/v1/recommendations/{surface}?{urlencode(parameters | shopper.names(), safe=',')}"

    def _shopper(self) -> Shopper:
        """Somebody new, or somebody who was here before."""
        (kind,) = self._random.choices(self._kinds, self._kind_weights)
        if kind == "declining":  # never recognised: a new visitor each time, some of them logged in
            logged_in = self._customers and self._random.random() < 0.5
            return Shopper(kind, self._visitor(), self._random.choice(self._customers) if logged_in else None)
        seen = self._seen[kind]
        if seen and self._random.random() < self._habits.returning:
            return self._random.choice(seen)
        if kind == "known":
            customer = self._random.choice(self._customers)
            shopper = Shopper(kind, self._visitor_of.setdefault(customer, self._visitor()), customer)
        else:
            shopper = Shopper(kind, self._visitor())
        seen.append(shopper)
        return shopper

    def _visitor(self) -> str:
        """A UUID that is new in every run, even of the same seed: the store may remember earlier runs."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._run_id}/visitor/{self._next()}"))

    def _next(self) -> int:
        self._counted += 1
        return self._counted

    def _product(self) -> str:
        return self._products[bisect(self._weights, self._random.random() * self._weights[-1])]

    def _count(self, share: float) -> int:
        """How often a visit asks a surface: spread out, and right on average; one homepage a visit is the measure."""
        drawn = self._random.random() * 2 * share / self._mix.home
        return int(drawn) + (self._random.random() < drawn % 1)


def rank_products(popular: Sequence[str], others: Sequence[str], seed: int) -> tuple[str, ...]:
    """All products once, most looked at first: the popular ones in a shuffled order, then the others in another."""
    random = Random(seed)
    first, rest = list(dict.fromkeys(popular)), list(dict.fromkeys(others))
    random.shuffle(first)
    random.shuffle(rest)
    return tuple(dict.fromkeys((*first, *rest)))


def parse_customers(text: str) -> tuple[str, ...]:
    """Read `1-2500`, `17,23,north-4` or `c-:1-200` (a prefix for a range). Raises ValueError."""
    customers: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        prefix, _, span = part.rpartition(":")
        first, dash, last = span.partition("-")
        if dash and first.isdigit() and last.isdigit():
            if int(first) > int(last):
                raise ValueError(f"{part!r} runs backwards; write the smaller number first")
            customers += [f"{prefix}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
        else:
            customers.append(part)
    return tuple(dict.fromkeys(customers))
