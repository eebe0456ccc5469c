"""What things are called on the page: shelves, methods, metrics, sources of evidence.

In: the names that manifests hold. Out: words for people; a name not known here is made readable, never dropped.
"""

from collections.abc import Iterable

from training import report

_ABOUT = {
    "bought_together": "A product of an order is the page; the rest of that order is to be found.",
    "cart_complements": "A part of an order is the cart; the rest of that order is to be found.",
    "for_you": "The home page before an order; all of the order is to be found.",
    "for_you_repeat": "The home page, counting only what the shopper had bought before.",
    "for_you_novel": "The home page, counting only first purchases; lists leave out what was bought before.",
    "buy_again": "Of what the shopper had bought before, what is in the next order.",
    "next_view": "A visit so far; the next product looked at is to be found.",
    "similar": "No purchase says what is similar, so this shelf is not ranked by the forest and has no figures.",
}
_METRICS = {"hit_rate": "HR", "hr": "HR", "ndcg": "NDCG", "mrr": "MRR", "map": "MAP"}
_METHODS = {"bought": "what was bought"}
_BREADTHS = {
    "coverage": "The share of the catalogue that stands in at least one of the measured lists.",
    "percentile": "Of the products ever sold, the share that sold less than the one shown; mean over all places.",
    "sold_share": "The share of all orders that hold the product shown; mean over all places.",
}
_SOURCES = {
    "pair": "often bought together",
    "lift": "",  # lift and hits are the same evidence as the pair, told otherwise
    "hits": "",
    "kind": "kinds that go together",
    "neighbours": "in orders like this",
    "own": "bought before",
    "history_pair": "goes with past orders",
    "visit_pair": "goes with this visit",
    "favourite": "favourite category",
    "liked": "liked by similar shoppers",
    "alike": "same kind, price or brand",
    "popular": "popular",
}
_FACTS = {
    "code": "code version",
    "fingerprint": "data set",
    "first_day": "data from",
    "last_day": "data to",
    "labels_from": "learned from",
    "measured_from": "measured from",
}


def slot(name: str) -> str:
    """A shelf, or a part of its figures."""
    return report.SLOTS.get(name, name).replace("_", " ").capitalize()


def in_order(known: Iterable[str], found: Iterable[str]) -> list[str]:
    """What was found, the known ones first and in their order."""
    place = {name: at for at, name in enumerate(known)}
    return sorted(found, key=lambda name: place.get(name, len(place)))


def slots(found: Iterable[str]) -> list[str]:
    """Shelves in the order all tables have them."""
    return in_order(report.SLOTS, found)


def methods(found: Iterable[str]) -> list[str]:
    """Methods in the order all tables have them, ours first."""
    return in_order(report.METHODS, found)


def about(name: str) -> str:
    """What a shelf was asked; empty where nothing is known of it."""
    return _ABOUT.get(name, "")


def method(name: str) -> str:
    """Who answered."""
    return (report.METHODS | _METHODS).get(name, name.replace("_", " ")).strip()


def metric(name: str) -> str:
    """`ndcg@10` as NDCG@10."""
    base, at, depth = name.partition("@")
    return _METRICS.get(base, base.replace("_", " ").capitalize()) + at + depth


def breadth(name: str) -> str:
    """What a figure about reach says; empty where it is not known here."""
    return _BREADTHS.get(name.partition("@")[0], "")


def sources(found_by: tuple[str, ...]) -> list[str]:
    """Why a product was found, each reason once."""
    words = (_SOURCES.get(name, name.replace("_", " ")) for name in found_by)
    return [word for word in dict.fromkeys(words) if word]


def fact(name: str) -> str:
    """An entry of a manifest's data."""
    return _FACTS.get(name, name.replace("_", " "))


def number(value: str | float) -> str:
    """A figure as people read it: whole numbers with separators, others to four digits."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def percent(share: float) -> str:
    """A share as percent, to two digits where it is small."""
    return f"{100 * share:.{1 if share >= 0.01 else 2}f} %"
