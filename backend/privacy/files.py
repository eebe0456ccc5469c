"""Forgetting in files: the event log, the prepared history, exports, and the list that training leaves out.

In: a `Reach`, the shop's directories. Out: the files without them, each replaced as a whole, and how much went.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from backend.event_log.store import EventLog
from backend.privacy.reach import Reach
from backend.settings import Settings
from edge.core.bundle import replace_file
from edge.core.keys import PseudonymKey, ShopperKind, load_keys, pseudonym
from training.intake import LINES_FILE, REJECTED_FILE
from training.summary import SUMMARY_FILE, Summary

_KINDS: dict[str, ShopperKind] = {"c": "customer", "v": "visitor"}
_VALUE = re.compile(r"(customer_id|visitor_id|order_id)=([^;]*)")


class Exported(msgspec.Struct):
    """The head of an export file: whose it is."""

    names: list[str]


def forget_log(log: EventLog | None, shop: str, reach: Reach) -> int:
    """Rows of the event log; how many."""
    return log.remove(shop, ("customer_id", "visitor_id", "order_id"), theirs_in_log(reach)) if log else 0


def theirs_in_log(reach: Reach) -> Callable[[pa.Table], pa.ChunkedArray]:
    """Marks the rows of the log that are theirs; needs the columns customer_id, visitor_id and order_id."""
    named, shared = pa.array(sorted(reach.named), pa.string()), pa.array(sorted(reach.shared), pa.string())
    orders = pa.array(sorted(reach.orders), pa.string())

    def theirs(table: pa.Table) -> pa.ChunkedArray:
        person = pc.or_(pc.is_in(table["customer_id"], named), pc.is_in(table["visitor_id"], named))
        nobodys = pc.and_(pc.is_in(table["visitor_id"], shared), pc.is_null(table["customer_id"]))
        return pc.or_(pc.or_(person, nobodys), pc.is_in(table["order_id"], orders))

    return theirs


def forget_history(settings: Settings, reach: Reach) -> int:
    """Lines of the prepared data set, and of its list of refused rows; how many."""
    directory = settings.dataset_dir
    judge = Judge(reach, settings.shop, load_keys(settings.data_dir, settings.pseudonym_key))
    return _lines(directory, judge) + _rejected(directory / REJECTED_FILE, judge)


class Judge:
    """Whether an id, raw or a pseudonym already, is one of theirs. Remembers, since shoppers come many times."""

    def __init__(self, reach: Reach, shop: str, secrets: Iterable[PseudonymKey]) -> None:
        self.reach, self._shop, self._secrets = reach, shop, tuple(secrets)

    def person(self, kind: ShopperKind, id_: str) -> bool:
        """Whether the id names them."""
        names = {id_, *(pseudonym(key, self._shop, kind, id_) for key in self._secrets)}
        return not names.isdisjoint(self.reach.everyone)

    def shopper(self, text: str) -> bool:
        """The same of `c:<id>` or `v:<id>`."""
        kind, _, id_ = text.partition(":")
        return kind in _KINDS and self.person(_KINDS[kind], id_)


def _lines(directory: Path, judge: Judge) -> int:
    path = directory / LINES_FILE
    if not path.is_file():
        return 0
    columns = pq.read_table(path, columns=["shopper", "order_id"])
    shoppers = pc.unique(columns["shopper"]).to_pylist()
    theirs = pa.array([one for one in shoppers if judge.shopper(one)], pa.string())
    orders = pa.array(sorted(judge.reach.orders), pa.string())
    gone = pc.or_(pc.is_in(columns["shopper"], theirs), pc.is_in(columns["order_id"], orders))
    count: int = pc.sum(gone).as_py() or 0
    if count:
        left = pq.read_table(path).filter(pc.invert(gone))
        work = path.with_name(f".{path.name}")
        pq.write_table(left, work, compression="zstd")
        work.replace(path)
        _recount(directory, left)
    return count


def _recount(directory: Path, lines: pa.Table) -> None:
    path = directory / SUMMARY_FILE
    summary = msgspec.json.decode(path.read_bytes(), type=Summary)
    counted = msgspec.structs.replace(
        summary,
        lines=len(lines),
        events=pc.count_distinct(lines["event_id"]).as_py(),
        shoppers=pc.count_distinct(lines["shopper"]).as_py(),
        sessions=pc.count_distinct(lines["session_id"]).as_py(),
        lines_by_consent={purpose: pc.sum(lines[purpose]).as_py() or 0 for purpose in summary.lines_by_consent},
    )
    replace_file(path, msgspec.json.format(msgspec.json.encode(counted)))


def _rejected(path: Path, judge: Judge) -> int:
    if not path.is_file():
        return 0
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if not _names_them(row[-1] if row else "", judge)]
    if len(kept) < len(rows):
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([head, *kept])
        replace_file(path, text.getvalue().encode())
    return len(rows) - len(kept)


def _names_them(row: str, judge: Judge) -> bool:
    for column, value in _VALUE.findall(row):
        if column == "order_id" and value in judge.reach.orders:
            return True
        if column != "order_id" and judge.person("customer" if column == "customer_id" else "visitor", value):
            return True
    return False


def exports_dir(settings: Settings) -> Path:
    """Where exports lie until the shop has fetched them."""
    return settings.data_dir / "exports"


def forget_exports(settings: Settings, reach: Reach) -> int:
    """Exports about them; how many."""
    gone = 0
    for path in sorted(exports_dir(settings).glob(f"{settings.shop}-*.json")):
        try:
            names = msgspec.json.decode(path.read_bytes(), type=Exported).names
        except msgspec.DecodeError:
            names = list(reach.everyone)  # what nobody can read need not be kept
        if not reach.everyone.isdisjoint(names):
            path.unlink()
            gone += 1
    return gone


def digest(name: str) -> str:
    """An erased name as the list has it: no name, but enough to leave it out."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def list_erased(settings: Settings, names: Iterable[str]) -> None:
    """Add names to the list of those that training's preparation leaves out, as digests."""
    path = settings.data_dir / "erased" / f"{settings.shop}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = set(path.read_text().split()) if path.exists() else set()
    replace_file(path, "".join(f"{one}\n" for one in sorted(known | {digest(name) for name in names})).encode())
