"""The log's files: `<root>/<shop>/day=YYYY-MM-DD/<name>.parquet`, each there whole or not at all.

In: events or tables, names of files, pseudonyms to erase. Out: files in a directory or an object store, and what they
hold as a table of the query engine. A file is never changed, only replaced as a whole; an event that stands in several
files, after a crash or a repeated import, counts once at reading (`training.log.resolved`).
"""

import io
import os
import re
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import ibis
import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import Table

from backend.event_log import lock
from backend.event_log.rows import SCHEMA, LogError, by_day, of_events, of_table
from edge.core import clock
from edge.core.events import Event
from edge.object_store import local_root, open_store
from training import engine as engines
from training.log import resolved

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
_PATIENCE_S = 300.0  # longer than a lease, so that a dead holder's work is taken over
NOTHING = "none"


class EventLog:
    """One place that holds the logs of all shops. Its methods block; several threads and processes may use it."""

    def __init__(self, location: str, *, patience_s: float = _PATIENCE_S) -> None:
        """Open the log at a path or an obstore URL. Raises ObjectStoreError."""
        self.location = location
        self.root = local_root(location)  # None for an object store
        self.store = open_store(location)
        self._patience_s = patience_s
        self._mine = threading.local()

    @classmethod
    def open(cls, setting: str | None, data_dir: Path) -> "EventLog | None":
        """The log that EVENT_LOG names: unset is `<data dir>/events`, `none` keeps nothing and gives None."""
        if setting is not None and setting.strip().lower() == NOTHING:
            return None
        return cls(setting or str(data_dir / "events"))

    @contextmanager
    def exclusive(self, shop: str) -> Iterator[lock.Held]:
        """Nobody else writes, erases or compacts this shop's log meanwhile. May be nested within one thread."""
        held: dict[str, lock.Held] = self._mine.__dict__
        if shop in held:
            yield held[shop]
            return
        if self.root is not None:
            taking = lock.on_disk(self.root / ".locks" / shop, self._patience_s)
        else:
            taking = lock.in_store(self.store, f".locks/{shop}", self._patience_s)
        with taking as mine:
            held[shop] = mine
            try:
                yield mine
            finally:
                del held[shop]

    def write(self, shop: str, rows: Iterable[Event] | pa.Table, name: str, *, recorded: datetime | None = None) -> int:
        """Append consented events, or an importer's table of them; returns the rows written (one per product line).

        Each day's part becomes the file `name`.parquet of that day, replacing one of this name: a repeated import
        leaves one copy. Ids of persons must be pseudonyms already. Raises LogError for rows that do not fit.
        """
        if not _NAME.fullmatch(name):
            raise LogError(f"{name!r} cannot name a file of the log; use letters, digits, dot, dash and underscore")
        recorded = recorded or datetime.fromtimestamp(clock.now(), UTC)
        table = of_table(rows, recorded) if isinstance(rows, pa.Table) else of_events(rows, recorded)
        if len(table):
            with self.exclusive(shop):
                for day, part in by_day(table):
                    self.put(f"{shop}/{_folder(day)}/{name}.parquet", part)
        return len(table)

    def put(self, path: str, table: pa.Table) -> None:
        """Write one file whole. Call it only while `exclusive`."""
        body = io.BytesIO()
        pq.write_table(table, body, compression="zstd")
        self.put_file(path, body.getvalue())

    def put_file(self, path: str, body: bytes | Path) -> None:
        """Put a finished Parquet file at its place; on disk also synced. Call it only while `exclusive`."""
        self._mine.__dict__[path.partition("/")[0]].keep()
        obstore.put(self.store, path, body)  # on disk: a temporary file, then rename
        if self.root is not None:
            _sync(self.root / path)
            _sync((self.root / path).parent)

    def shops(self) -> list[str]:
        """The shops that have a log."""
        found = obstore.list_with_delimiter(self.store)["common_prefixes"]
        return sorted(name for name in found if not name.startswith("."))

    def days(self, shop: str) -> list[date]:
        """The days (UTC) that hold events, oldest first."""
        found = obstore.list_with_delimiter(self.store, shop)["common_prefixes"]
        folders = (path.rpartition("/")[2] for path in found)
        return sorted(date.fromisoformat(folder[4:]) for folder in folders if folder.startswith("day="))

    def files(self, shop: str, days: Collection[date] | None = None) -> list[str]:
        """The paths of a shop's files below the root, of these days or of all."""
        prefixes = [shop] if days is None else [f"{shop}/{_folder(day)}" for day in sorted(days)]
        found = [entry["path"] for prefix in prefixes for batch in obstore.list(self.store, prefix) for entry in batch]
        return sorted(path for path in found if path.endswith(".parquet"))

    @contextmanager
    def on_this_machine(self, paths: Iterable[str]) -> Iterator[list[Path]]:
        """Files of the log as local ones: where they lie, or fetched into a temporary directory for the block."""
        if self.root is not None:
            yield [self.root / path for path in paths]
            return
        with tempfile.TemporaryDirectory(prefix="endcap-log-") as directory:
            local = []
            for number, path in enumerate(paths):
                local.append(Path(directory) / f"{number}.parquet")
                with local[-1].open("wb") as file:
                    for chunk in obstore.get(self.store, path).stream():
                        file.write(chunk)
            yield local

    @contextmanager
    def read(
        self, engine: BaseBackend, shop: str, first: date | None = None, last: date | None = None
    ) -> Iterator[Table]:
        """The rows of the days from `first` to `last` as an Ibis table of SCHEMA's columns, each event once.

        Usable within the block; DuckDB only (Spark reads the directory itself, docs/event-log.md).
        """
        chosen = [day for day in self.days(shop) if (not first or day >= first) and (not last or day <= last)]
        with self.on_this_machine(self.files(shop, chosen)) as paths:
            if paths:
                raw = engines.read_parquet(engine, paths, ibis.util.gen_name("log"), hive_partitioning=False)
                yield resolved(raw.select(*SCHEMA.names))
            else:
                yield ibis.memtable(SCHEMA.empty_table())

    def erase(self, shop: str, names: Collection[str], orders: Collection[str] = ()) -> int:
        """Remove all rows of these pseudonyms and order ids; returns how many. A second call finds nothing.

        The files that held any are written again without them. Store the tombstone before: who writes to the log looks
        for it under the same lock.
        """
        persons, wanted = pa.array(sorted(names), pa.string()), pa.array(sorted(orders), pa.string())

        def theirs(table: pa.Table) -> pa.ChunkedArray:
            named = pc.or_(pc.is_in(table["customer_id"], persons), pc.is_in(table["visitor_id"], persons))
            return pc.or_(named, pc.is_in(table["order_id"], wanted))

        return self.remove(shop, ("customer_id", "visitor_id", "order_id"), theirs)

    def remove(self, shop: str, columns: Collection[str], gone: Callable[[pa.Table], pa.ChunkedArray]) -> int:
        """Write each file again without the rows that `gone` marks, judging by these columns; how many they were."""
        removed = 0
        with self.exclusive(shop):
            self._sweep(shop)
            for path in self.files(shop):
                body = pa.BufferReader(memoryview(obstore.get(self.store, path).bytes()))
                marked = gone(pq.read_table(body, columns=list(columns)))
                count = pc.sum(marked).as_py() or 0
                if not count:
                    continue
                removed += count
                if count == len(marked):
                    obstore.delete(self.store, path)
                else:
                    body.seek(0)
                    self.put(path, pq.read_table(body).filter(pc.invert(marked)))
        return removed

    def drop_days(self, shop: str, before: date) -> int:
        """Remove whole days older than `before`: retention by age. Returns how many files went."""
        with self.exclusive(shop):
            self._sweep(shop)
            old = self.files(shop, [day for day in self.days(shop) if day < before])
            return self.delete(old)

    def drop_shop(self, shop: str) -> int:
        """Remove everything of a shop. Returns how many files went."""
        with self.exclusive(shop):
            self._sweep(shop)
            return self.delete(self.files(shop))

    def delete(self, paths: list[str]) -> int:
        """Remove files, whose paths are below the root. Call it only while `exclusive`."""
        if paths:
            obstore.delete(self.store, paths)
        return len(paths)

    def _sweep(self, shop: str) -> None:
        """Remove what a process that was killed while it wrote left under a temporary name; the lock is ours."""
        if self.root is not None:
            for path in (self.root / shop).glob("day=*/*.parquet#*"):
                path.unlink(missing_ok=True)


def _folder(day: date) -> str:
    return f"day={day.isoformat()}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
