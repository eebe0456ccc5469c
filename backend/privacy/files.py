"""Forgetting in files: the event log, the prepared history, exports, and the list that training leaves out.

In: a `Reach`, the shop's directories. Out: the files without them, each replaced as a whole, and how much went.
"""

import csv
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
from edge.core.errors import UNREADABLE
from edge.core.keys import PseudonymKey, ShopperKind, load_keys
from training.erased import digest, judged, list_path, names, remove_shoppers, replace_lines
from training.intake import LINES_FILE, REJECTED_FILE

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
    judge = Judge(reach, settings.shop, load_keys(settings.data_dir, settings.pseudonym_key))
    lines = remove_shoppers(settings.dataset_dir, judge.person, reach.orders)
    return lines + _rejected(settings.dataset_dir / REJECTED_FILE, judge)


def deny_history(settings: Settings, reach: Reach) -> int:
    """Mark their lines of the prepared data set as not to be learned from; how many."""
    path = settings.dataset_dir / LINES_FILE
    if not path.is_file():
        return 0
    judge = Judge(reach, settings.shop, load_keys(settings.data_dir, settings.pseudonym_key))
    table = pq.read_table(path)
    theirs = pa.array([one for one in pc.unique(table["shopper"]).to_pylist() if judge.shopper(one)], pa.string())
    denied = pc.and_(pc.is_in(table["shopper"], theirs), table["analytics"])
    count: int = pc.sum(denied).as_py() or 0
    if count:
        allowed = pc.and_(table["analytics"], pc.invert(denied))
        table = table.set_column(table.column_names.index("analytics"), table.schema.field("analytics"), allowed)
        replace_lines(settings.dataset_dir, table)
    return count


class Judge:
    """Whether an id, raw or a pseudonym already, is one of theirs."""

    def __init__(self, reach: Reach, shop: str, secrets: Iterable[PseudonymKey]) -> None:
        self.reach, self._shop, self._secrets = reach, shop, tuple(secrets)

    def person(self, kind: ShopperKind, id_: str) -> bool:
        """Whether the id names them."""
        return not names(self._secrets, self._shop, kind, id_).isdisjoint(self.reach.everyone)

    def shopper(self, text: str) -> bool:
        """The same of `c:<id>` or `v:<id>`."""
        return judged(text, self.person)


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
        except UNREADABLE:
            names = list(reach.everyone)  # what nobody can read need not be kept
        if not reach.everyone.isdisjoint(names):
            path.unlink()
            gone += 1
    return gone


def list_erased(settings: Settings, erased: Iterable[str]) -> None:
    """Add names to the list of those that training's preparation leaves out, as digests."""
    path = list_path(settings.data_dir, settings.shop)
    path.parent.mkdir(parents=True, exist_ok=True)
    known = set(path.read_text().split()) if path.exists() else set()
    replace_file(path, "".join(f"{one}\n" for one in sorted(known | {digest(name) for name in erased})).encode())
