"""Many small files of a past day into one: sorted, each event once.

In: the log, today's date. Out: one file for each past day that had several. The new file is there whole before the old
ones go; a crash in between leaves both, which reading resolves and the next run tidies.
"""

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from backend.event_log.store import EventLog
from training import engine as engines


@dataclass
class Compacted:
    """What was merged: days, files before, rows kept, and rows that stood there more than once."""

    days: int = 0
    files: int = 0
    rows: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        return (
            f"{self.days:,} days compacted: {self.files:,} files into {self.days:,}, {self.rows:,} rows, "
            f"{self.repeated:,} repeated ones gone"
        )


def compact(log: EventLog, shop: str, before: date, progress: Callable[[date], None] = lambda _: None) -> Compacted:
    """Merge each day before `before` (today: it still grows) that has more than one file."""
    done = Compacted()
    for day in log.days(shop):
        if day < before:
            with log.exclusive(shop):  # per day, so that writers and erasures wait for one day at most
                _compact_day(log, shop, day, done)
            progress(day)
    return done


def _compact_day(log: EventLog, shop: str, day: date, done: Compacted) -> None:
    files = log.files(shop, [day])
    if len(files) < 2:
        return
    with tempfile.TemporaryDirectory(prefix="endcap-compaction-") as directory:
        merged = Path(directory) / "merged.parquet"
        with engines.opened("duckdb") as engine, log.read(engine, shop, day, day) as rows:
            engines.write_parquet(engine, rows.order_by("time", "event_id", "line"), merged)
        with log.on_this_machine(files) as local:
            before = sum(pq.read_metadata(path).num_rows for path in local)
        kept = pq.read_metadata(merged).num_rows
        folder = files[0].rpartition("/")[0]
        log.put_file(f"{folder}/day-{secrets.token_hex(4)}.parquet", merged)
    log.delete(files)
    done.days += 1
    done.files += len(files)
    done.rows += kept
    done.repeated += before - kept
