"""Shops written by hand for the tests of customers: days of purchases, and customers drawn from BG/NBD."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from training.customers.bgnbd import BgNbd
from training.customers.counts import Counts
from training.dataset import Dataset, prepare
from training.rules import EVENT_COLUMNS, PRODUCT_COLUMNS

FIRST = 20_000  # unix day that day 0 of a handmade shop falls on
NOW = datetime(2030, 1, 1, tzinfo=UTC)
ALL = "personalization,analytics"
PRODUCTS: tuple[dict[str, object], ...] = (
    {"id": "milk", "title": "Milk", "price": 2, "category": "Dairy > Milk > Fresh"},
    {"id": "cheese", "title": "Cheese", "price": 5, "category": "Dairy > Cheese > Hard"},
    {"id": "wine", "title": "Wine", "price": 9, "category": "Drinks > Wine > Red"},
    {"id": "pills", "title": "Pills", "price": 7, "category": "Health > Medicine > Pain"},
)


def bought(customer: str, day: int, product: str = "milk", **fields: object) -> dict[str, object]:
    """A line of a purchase on a day of the shop's own count; an order a day unless `event_id` says otherwise."""
    moment = datetime.fromtimestamp((FIRST + day) * 86_400, UTC) + timedelta(hours=12)
    return {
        "event_id": f"{customer}-{day}",
        "type": "purchase-complete",
        "time": moment.isoformat(),
        "product_id": product,
        "customer_id": customer,
        "consent": ALL,
    } | fields


def shop(where: Path, rows: Iterable[dict[str, object]], products: Sequence[dict[str, object]] = PRODUCTS) -> Dataset:
    """The rows as a prepared data set."""
    source = where / "plain"
    source.mkdir(parents=True, exist_ok=True)
    for stem, columns, lines in (("events", EVENT_COLUMNS, rows), ("products", PRODUCT_COLUMNS, products)):
        with (source / f"{stem}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
    return prepare(source, where / "prepared", now=NOW)


def drawn(model: BgNbd, customers: int, observed: float, ahead: float = 0.0, seed: int = 7) -> tuple[Counts, list[int]]:
    """Customers who behave as the model says: what was seen until `observed`, and purchases within `ahead` after it."""
    random = np.random.default_rng(seed)
    repeats, last, later = [], [], []
    for _ in range(customers):
        rate, leaving = random.gamma(model.r, 1 / model.alpha), random.beta(model.a, model.b)
        times, at, staying = [], 0.0, True  # the first purchase, at 0, is not followed by a chance to leave
        while staying:
            at += random.exponential(1 / rate) if rate > 0 else np.inf
            if at > observed + ahead:
                break
            times.append(at)
            staying = random.random() >= leaving
        before = [time for time in times if time <= observed]
        repeats.append(len(before))
        last.append(before[-1] if before else 0.0)
        later.append(len(times) - len(before))
    return Counts(np.array(repeats, float), np.array(last), np.full(customers, float(observed))), later


def lively(where: Path, customers: int = 160, days: int = 200, seed: int = 3) -> Dataset:
    """A shop whose customers buy at rates of their own and leave now and then; every seventh line is reduced."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(customers):
        gap, leaves = random.gamma(2.0, 5.0) + 1, random.random() < 0.4
        until = random.uniform(40, days) if leaves else days
        day = random.uniform(0, 30)
        while day < until:
            product = PRODUCTS[int(random.integers(len(PRODUCTS)))]["id"]
            discount = 0.5 if random.random() < 1 / 7 else ""
            line = bought(f"k{number}", int(day), str(product), discount=discount, quantity=int(random.integers(1, 4)))
            if not rows or rows[-1]["event_id"] != line["event_id"]:
                rows.append(line)
            day += random.exponential(gap) + 0.5
    return shop(where, rows)
