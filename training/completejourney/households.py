"""Households worth knowing: a few of the data whose baskets differ, each with a line on what it buys.

In: the plain events and every product's category path. Out: `Households`, for the demo shop's picker, where somebody
who tries it becomes one of them. They stand for different shoppers, so the shelves differ; none is made up.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

FILE = "households.json"
SUGGESTED = 6
_FOND = 4.0  # times the usual share of a household's lines
_LEAST_LINES = 0.01  # of all lines: a department that few buy from says little about the shelves
_WEIGHTY = 0.9  # share of all products in aisles of a name from which on the name alone says which is meant
_NAMED = 3  # aisles in the line
_SEPARATOR = " > "


class Household(msgspec.Struct, frozen=True):
    """One household: how often it shopped, and the aisles it is known for."""

    id: str
    orders: int
    buys: tuple[str, ...]


class Households(msgspec.Struct, frozen=True):
    """All ids there are, and those to try first."""

    ids: tuple[str, ...]
    suggested: tuple[Household, ...]


def find_households(events: pa.Table, categories: Mapping[str, str]) -> Households:
    """From events (columns customer_id, product_id, order_id) and product -> category path."""
    counted = _by_aisle(events, categories)
    orders = _orders(events)
    lines: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))  # household -> department -> lines
    aisles: dict[str, dict[str, int]] = defaultdict(dict)  # household -> aisle -> orders with it
    for household, department, aisle, with_aisle, count in counted:
        lines[household][department] += count
        if aisle:
            aisles[household][aisle] = with_aisle
    usual = _usual(counted, sum(orders.values()))
    suggested = [
        Household(one, orders[one], _known_for(aisles[one], orders[one], usual)) for one in _odd(lines, orders)
    ]
    return Households(tuple(sorted(orders, key=lambda id_: (len(id_), id_))), tuple(suggested))


_Row = tuple[str, str, str, int, int]  # household, department, aisle, orders with it, lines


def _by_aisle(events: pa.Table, categories: Mapping[str, str]) -> list[_Row]:
    ids = pa.array(list(categories), pa.string())
    split = [[*path.split(_SEPARATOR), ""] for path in categories.values()]
    paths = [(path[0], path[1]) for path in split]
    names = _names(Counter(paths))
    where = pc.index_in(events["product_id"], ids)
    table = pa.table({
        "household": events["customer_id"],
        "department": pa.array([path[0] for path in paths], pa.string()).take(where),
        "aisle": pa.array([names[path] for path in paths], pa.string()).take(where),
        "order": events["order_id"],
    })  # fmt: skip
    counted = table.group_by(["household", "department", "aisle"]).aggregate(
        [
            ("order", "count_distinct"),
            ("order", "count"),
        ]
    )
    return [
        (row["household"], row["department"], row["aisle"], row["order_count_distinct"], row["order_count"])
        for row in counted.sort_by([("household", "ascending"), ("aisle", "ascending")]).to_pylist()
        if row["department"]
    ]


def _names(products: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], str]:
    """What to call an aisle: with its department where another has, or is, one of that name and some weight."""
    departments = {department for department, _ in products}
    weight: dict[str, int] = defaultdict(int)
    for (_, aisle), count in products.items():
        weight[aisle] += count

    def name(department: str, aisle: str) -> str:
        alone = products[department, aisle] > weight[aisle] * _WEIGHTY
        return aisle if not aisle or (alone and aisle not in departments) else f"{department}: {aisle}"

    return {path: name(*path) for path in products}


def _orders(events: pa.Table) -> dict[str, int]:
    counted = events.group_by("customer_id").aggregate([("order_id", "count_distinct")])
    return dict(zip(counted["customer_id"].to_pylist(), counted["order_id_count_distinct"].to_pylist(), strict=True))


def _usual(counted: list[_Row], orders: int) -> dict[str, float]:
    """The share of all orders with an aisle."""
    usual: dict[str, float] = defaultdict(float)
    for _, _, aisle, with_aisle, _ in counted:
        usual[aisle] += with_aisle / orders
    return usual


def _odd(lines: Mapping[str, Mapping[str, int]], orders: Mapping[str, int]) -> list[str]:
    """Of the departments that set households apart most, the busiest of the households fond of it, each once."""
    totals: dict[str, int] = defaultdict(int)
    for of_household in lines.values():
        for department, count in of_household.items():
            totals[department] += count
    everything = sum(totals.values())
    best: list[tuple[float, str]] = []
    for department, total in sorted(totals.items()):
        if total < everything * _LEAST_LINES:
            continue
        usual = total / everything
        fond = [
            one for one in sorted(lines) if lines[one].get(department, 0) / sum(lines[one].values()) > usual * _FOND
        ]
        if fond:
            top = max(fond, key=lambda one: orders[one])
            best.append((lines[top][department] / sum(lines[top].values()) / usual, top))
    return list(dict.fromkeys(one for _, one in sorted(best, reverse=True)))[:SUGGESTED]


def _known_for(aisles: Mapping[str, int], orders: int, usual: Mapping[str, float]) -> tuple[str, ...]:
    """Aisles bought often and more often than others do: share of orders, times how far beyond the usual it is."""

    def telling(aisle: str) -> float:
        share = aisles[aisle] / orders
        return share * math.log(share / usual[aisle])

    return tuple(sorted(aisles, key=lambda aisle: (-telling(aisle), aisle))[:_NAMED])
