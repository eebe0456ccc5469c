"""A small made-up shop in the plain format: the living example of it, and data a test can learn from in seconds.

In: how many shoppers, products and weeks, and a seed. Out: events.csv and products.csv. The shop has structure on
purpose: shoppers have tastes and staples they buy again in a rhythm of the product's own, some products are bought
together, views come before purchases, and one product rises in the last weeks. Same arguments, same bytes.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SHELVES = (
    ("Coffee & Tea", "Coffee", "Coffee Beans", 9.0),
    ("Coffee & Tea", "Tea", "Loose Tea", 6.0),
    ("Bakery", "Bread", "Bread", 3.5),
    ("Bakery", "Cakes", "Cake", 8.0),
    ("Dairy", "Cheese", "Cheese", 5.0),
    ("Dairy", "Yogurt", "Yogurt", 1.5),
    ("Household", "Cleaning", "Cleaner", 4.0),
    ("Household", "Paper", "Paper Towels", 5.5),
    ("Pets", "Cat Food", "Cat Food", 2.5),
    ("Pets", "Dog Food", "Dog Food", 12.0),
    ("Garden", "Seeds", "Seeds", 2.0),
    ("Garden", "Tools", "Hand Trowel", 14.0),
)
_KINDS = ("Classic", "Organic", "Mild", "Strong", "Everyday", "Family", "Country", "Light", "Golden", "Winter")
_MAKERS = ("Alder", "Birch", "Cedar", "Damson", "Elm")
_RHYTHMS_DAYS = (7, 7, 14, 14, 28)
_TREND_WEEKS = 3
_CONSENTS = ("personalization,analytics,marketing", "personalization,analytics", "personalization", "")
_CONSENT_SHARES = (0.70, 0.17, 0.08, 0.05)
_EVENT_HEADER = ("event_id", "type", "time", "product_id", "visitor_id", "customer_id", "session_id", "order_id",
                 "quantity", "price", "currency", "consent", "source")  # fmt: skip
_PRODUCT_HEADER = ("id", "title", "price", "category", "brand", "currency", "available", "compare_at_price", "handle",
                   "url", "listed")  # fmt: skip

Floats = NDArray[np.float64]


@dataclass
class _Shopper:
    """One household: what it likes, what it buys again, and when each of these is due."""

    customer_id: str
    visitor_id: str
    consent: str
    visits_per_week: float
    taste: Floats  # a weight for each shelf
    due: dict[int, float] = field(default_factory=dict)  # staple -> day it runs out


@dataclass(frozen=True)
class _Shop:
    """What holds for all shoppers. Products are numbered from 0; product p stands on shelf p % len(_SHELVES)."""

    random: np.random.Generator
    prices: Floats
    fame: Floats  # how much better known a product is than its neighbours
    rhythm_days: NDArray[np.int64]
    partner: NDArray[np.int64]  # what is bought with it
    trending: int
    days: int

    def choose_from_shelf(self, shelf: int, count: int) -> list[int]:
        """Distinct products of a shelf, the famous ones more often."""
        on_shelf = np.arange(shelf, len(self.prices), len(_SHELVES))
        weights = self.fame[on_shelf]
        size = min(count, len(on_shelf))
        return [int(p) for p in self.random.choice(on_shelf, size, replace=False, p=weights / weights.sum())]


def generate(
    out: Path, *, shoppers: int = 200, products: int = 120, weeks: int = 20, seed: int = 7, ends: date | None = None
) -> Path:
    """Write the shop into `out` and return it. `ends`: the day before which the history ends (today, UTC)."""
    if products < len(_SHELVES) or shoppers < 1 or weeks < 1:
        raise ValueError(f"a shop needs at least {len(_SHELVES)} products, a shopper and a week; ask for more")
    out.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    shop = _open_shop(random, products, weeks)
    start = (ends or datetime.now(UTC).date()) - timedelta(days=shop.days)
    _write(out / "products.csv", _PRODUCT_HEADER, _product_rows(shop, start))
    people = [_new_shopper(shop, number) for number in range(shoppers)]
    events = sorted(event for shopper in people for event in _history(shop, shopper))
    _write(out / "events.csv", _EVENT_HEADER, _event_rows(shop, start, events))
    return out


def _open_shop(random: np.random.Generator, products: int, weeks: int) -> _Shop:
    base = np.array([price for *_, price in _SHELVES])
    shelves = np.arange(products) % len(_SHELVES)
    # Partners stand on the neighbouring shelf, in pairs: coffee with tea, bread with cake.
    partner = np.where(shelves % 2 == 0, np.arange(products) + 1, np.arange(products) - 1).clip(0, products - 1)
    return _Shop(
        random=random,
        prices=np.round(base[shelves] * random.lognormal(0, 0.25, products), 2),
        fame=random.pareto(1.5, products) + 0.2,
        rhythm_days=random.choice(_RHYTHMS_DAYS, products),
        partner=partner,
        trending=int(random.integers(products)),
        days=weeks * 7,
    )


def _new_shopper(shop: _Shop, number: int) -> _Shopper:
    random = shop.random
    shopper = _Shopper(
        customer_id=f"customer-{number:04d}",
        visitor_id=f"visitor-{number:04d}",
        consent=str(random.choice(_CONSENTS, p=_CONSENT_SHARES)),
        visits_per_week=float(random.uniform(0.5, 1.5)),
        taste=random.dirichlet(np.full(len(_SHELVES), 0.4)),
    )
    for shelf in random.choice(len(_SHELVES), 4, p=shopper.taste * 0.9 + 0.1 / len(_SHELVES)):
        staple = shop.choose_from_shelf(int(shelf), 1)[0]
        shopper.due[staple] = float(random.uniform(0, shop.rhythm_days[staple]))
    return shopper


# (seconds since the start, shopper, visit, step in it, type, products, logged in)
_Event = tuple[float, str, str, int, str, tuple[int, ...], str]


def _history(shop: _Shop, shopper: _Shopper) -> Iterator[_Event]:
    """All a shopper ever does, visit by visit."""
    random = shop.random
    visits = int(random.poisson(shopper.visits_per_week * shop.days / 7))
    for number, day in enumerate(np.sort(random.uniform(0, shop.days - 0.1, visits))):
        second, visit = float(day) * 86_400, f"{shopper.visitor_id}-{number}"
        seen, bought = _visit(shop, shopper, float(day))
        # Some only look around, without logging in.
        who = shopper.customer_id if bought or random.random() < 0.5 else ""
        steps: list[tuple[str, tuple[int, ...]]] = [("home-page-view", ())]
        for product in seen:
            steps.append(("detail-page-view", (product,)))
            if product in bought:
                steps.append(("add-to-cart", (product,)))
        if bought:
            steps.append(("purchase-complete", tuple(bought)))
        seconds = second + np.cumsum(random.uniform(5, 90, len(steps)))
        for step, (at, (kind, of)) in enumerate(zip(seconds.tolist(), steps, strict=True)):
            yield at, who or shopper.visitor_id, visit, step, kind, of, shopper.consent


def _visit(shop: _Shop, shopper: _Shopper, day: float) -> tuple[list[int], list[int]]:
    """What one visit looks at and what it buys."""
    random = shop.random
    bought = [product for product, due in shopper.due.items() if due <= day]
    for product in bought:
        shopper.due[product] = day + float(shop.rhythm_days[product] * random.uniform(0.8, 1.2))
    looked = shop.choose_from_shelf(int(random.choice(len(_SHELVES), p=shopper.taste)), int(random.integers(1, 5)))
    if day > shop.days - 7 * _TREND_WEEKS and random.random() < 0.4:
        looked.append(shop.trending)
    bought += [product for product in looked if random.random() < 0.3]
    bought += [int(shop.partner[product]) for product in bought if random.random() < 0.35]
    return list(dict.fromkeys([*looked, *bought])), list(dict.fromkeys(bought))


def _event_rows(shop: _Shop, start: date, events: list[_Event]) -> Iterator[tuple[object, ...]]:
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    for number, (second, who, visit, _, kind, products, consent) in enumerate(events):
        time = (begin + timedelta(seconds=int(second))).strftime("%Y-%m-%dT%H:%M:%SZ")
        visitor, customer = ("", who) if who.startswith("customer") else (who, "")
        order = f"order-{number}" if kind == "purchase-complete" else ""
        for product in products or (None,):
            of, price = ("", "") if product is None else (f"p{product + 1:03d}", f"{shop.prices[product]:.2f}")
            yield (f"event-{number:06d}", kind, time, of, visitor, customer, visit, order,
                   1, price, "USD", consent, "web")  # fmt: skip


def _product_rows(shop: _Shop, start: date) -> Iterator[tuple[object, ...]]:
    shelves = len(_SHELVES)
    for product, price in enumerate(shop.prices):
        department, category, noun, _ = _SHELVES[product % shelves]
        kind = _KINDS[product // shelves % len(_KINDS)]
        maker = _MAKERS[product // shelves // len(_KINDS) % len(_MAKERS)]
        series = product // (shelves * len(_KINDS) * len(_MAKERS))
        title = f"{maker} {kind} {noun}" + (f" {series + 1}" if series else "")
        handle = title.lower().replace(" ", "-").replace("&", "and")
        before = f"{price * 1.25:.2f}" if product % 7 == 3 else ""
        yield (f"p{product + 1:03d}", title, f"{price:.2f}", f"{department} > {category}", maker, "USD",
               "false" if product % 50 == 49 else "true", before, handle, f"/products/{handle}",
               (start - timedelta(days=30)).isoformat())  # fmt: skip


def _write(path: Path, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
