"""Erased shoppers stay out of the next training set, also where the shop's own files still hold them.

In: a prepared data set in raw ids or pseudonyms, the list of digests that erasures leave (`<data>/erased/<shop>.txt`).
Out: the data set without their lines.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from edge.core.bundle import replace_file
from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from training.intake import LINES_FILE
from training.summary import SUMMARY_FILE, Summary

_KINDS: dict[str, ShopperKind] = {"c": "customer", "v": "visitor"}


def list_path(data_dir: Path, shop: str) -> Path:
    """Where the list of erased names lies."""
    return data_dir / "erased" / f"{shop}.txt"


def digest(name: str) -> str:
    """An erased name as the list has it: no name, but enough to leave it out."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def leave_out(directory: Path, data_dir: Path, shop: str, secrets: Callable[[], Iterable[PseudonymKey]]) -> int:
    """Take the lines of erased shoppers out of a prepared data set; how many.

    `secrets`, the keys behind pseudonyms, are asked for only where there is a list.
    """
    path = list_path(data_dir, shop)
    if not path.exists():
        return 0
    erased, keys = frozenset(path.read_text().split()), tuple(secrets())

    def gone(kind: ShopperKind, id_: str) -> bool:
        return any(digest(name) in erased for name in names(keys, shop, kind, id_))

    return remove_shoppers(directory, gone)


def names(secrets: Iterable[PseudonymKey], shop: str, kind: ShopperKind, id_: str) -> set[str]:
    """What an id may be known as: itself, where it is a pseudonym already, or its pseudonym under any key."""
    return {id_, *(pseudonym(key, shop, kind, id_) for key in secrets)}


def remove_shoppers(directory: Path, gone: Callable[[ShopperKind, str], bool], orders: Iterable[str] = ()) -> int:
    """Take the lines of some shoppers and orders out of a prepared data set; how many."""
    path = directory / LINES_FILE
    if not path.is_file():
        return 0
    columns = pq.read_table(path, columns=["shopper", "order_id"])
    theirs = pa.array([one for one in pc.unique(columns["shopper"]).to_pylist() if judged(one, gone)], pa.string())
    bought = pa.array(sorted(orders), pa.string())
    marked = pc.or_(pc.is_in(columns["shopper"], theirs), pc.is_in(columns["order_id"], bought))
    count: int = pc.sum(marked).as_py() or 0
    if count:
        replace_lines(directory, pq.read_table(path).filter(pc.invert(marked)))
    return count


def judged(shopper: str, gone: Callable[[ShopperKind, str], bool]) -> bool:
    """The judgement of `c:<id>` or `v:<id>`."""
    kind, _, id_ = shopper.partition(":")
    return kind in _KINDS and gone(_KINDS[kind], id_)


def replace_lines(directory: Path, lines: pa.Table) -> None:
    """Put other lines into a prepared data set, as a whole, and count them."""
    path = directory / LINES_FILE
    work = path.with_name(f".{path.name}")
    pq.write_table(lines, work, compression="zstd")
    work.replace(path)
    summary = msgspec.json.decode((directory / SUMMARY_FILE).read_bytes(), type=Summary)
    counted = msgspec.structs.replace(
        summary,
        lines=len(lines),
        events=pc.count_distinct(lines["event_id"]).as_py(),
        shoppers=pc.count_distinct(lines["shopper"]).as_py(),
        sessions=pc.count_distinct(lines["session_id"]).as_py(),
        lines_by_consent={purpose: pc.sum(lines[purpose]).as_py() or 0 for purpose in summary.lines_by_consent},
    )
    replace_file(directory / SUMMARY_FILE, msgspec.json.format(msgspec.json.encode(counted)))
