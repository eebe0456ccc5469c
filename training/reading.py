"""Reading the plain format's files: CSV or Parquet in, an Ibis table of trimmed text columns with line numbers out.

`line` is the line in a CSV file (the header is line 1) or the row of a Parquet file, counted from 1. A CSV is read in
batches and kept as Parquet in the work directory, so a file larger than memory is no trouble. A directory of Parquet
files, such as an event log, is read as one file: there `line` is the row in order of time.
"""

import csv
import functools
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.expr.types import StringColumn, Table

from training import engine as engines
from training.log import resolved
from training.rules import DataError

_BLOCK_BYTES = 16 << 20
_STAGED_LINE = "endcap_line"  # a shop may well have a column called line
_OURS = frozenset({_STAGED_LINE, "file_row_number"})


@dataclass(frozen=True)
class RawFile:
    """One input file: its text columns with `line`, columns we do not know, and lines that are no rows at all."""

    name: str
    table: Table
    ignored: list[str]
    broken: list[tuple[int, str]] = field(default_factory=list)  # (line, text) of rows with too many or few values


def find(source: Path, stem: str) -> Path:
    """`stem`.parquet, `stem`.csv or the directory `stem` of Parquet files; DataError when there is not just one."""
    if not source.is_dir():
        raise DataError(f"{source} is not a directory; give the one that holds events and products as .csv or .parquet")
    found = sorted(path for path in source.glob(f"{stem}.*") if path.suffix in {".csv", ".parquet"})
    found += [source / stem] if (source / stem).is_dir() else []
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(path.name for path in found)
        raise DataError(f"{source} holds both {names}; remove the one that is not meant")
    others = sorted(path.name for path in source.glob(f"{stem}*"))
    seen = f"; {', '.join(others)} is of another type" if others else ""
    raise DataError(f"{source} has no {stem}.csv or {stem}.parquet{seen}; write one of the two (docs/data-format.md)")


def read(engine: BaseBackend, path: Path, work: Path, columns: Sequence[str], required: Sequence[str]) -> RawFile:
    """The file's known columns as trimmed text, null where empty, with `line`."""
    broken: list[tuple[int, str]] = []
    if path.suffix == ".csv":
        staged = work / f"{path.stem}.staged.parquet"
        broken = _stage_csv(path, staged)
        table = engines.read_parquet(engine, staged, f"raw_{path.stem}")
        line = table[_STAGED_LINE]
    elif path.is_dir():
        table = _opened_parquet(engine, _stage_directory(engine, path, work / f"{path.name}.staged.parquet"))
        line = table.file_row_number + 1
    else:
        table = _opened_parquet(engine, path)
        line = table.file_row_number + 1
    missing = [name for name in required if name not in table.columns]
    if missing:
        has = ", ".join(name for name in table.columns if name not in _OURS)
        raise DataError(f"{path.name} has no column {missing[0]} (it has: {has}); add it (docs/data-format.md)")
    text = {name: _text(table, name, path.name) for name in columns}
    ignored = sorted(set(table.columns) - {*columns, *_OURS})
    return RawFile(path.name, table.select(line=line, **text), ignored, broken)


def files_of(path: Path) -> list[Path]:
    """The Parquet files of a directory and below, in order of their names; just the file, where it is one."""
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def _stage_directory(engine: BaseBackend, path: Path, staged: Path) -> Path:
    """All files as one, ordered by time; of an event log each event once."""
    files = files_of(path)
    if not sum(map(_rows, files)):
        raise DataError(f"{path.name}/ holds no .parquet files with rows; export it again")
    rows = engines.read_parquet(engine, files, f"files_{path.name}", union_by_name=True, hive_partitioning=False)
    if {"event_id", "line", "recorded"} <= set(rows.columns):
        rows = resolved(rows)
    order = [name for name in ("time", "event_id", "line") if name in rows.columns]
    ordered = rows.order_by(*order) if order else rows
    engines.write_parquet(engine, ordered.drop("line") if "line" in order else ordered, staged)
    return staged


def _opened_parquet(engine: BaseBackend, path: Path) -> Table:
    if not _rows(path):
        raise DataError(f"{path.name} has no rows; export it again")
    return engines.read_parquet(engine, path, f"raw_{path.stem}", file_row_number=True)


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name} is not a Parquet file ({error}); write it again, or give a .csv") from error


def _text(table: Table, name: str, file: str) -> StringColumn:
    if name not in table.columns:
        return ibis.null("string")
    column = table[name]
    kind = column.type()
    if kind.is_array():
        column = column.cast("array<string>").join(",")
    elif kind.is_floating() and name.endswith("id"):
        # 64-bit ids do not survive floating point, and 900 would turn into "900.0".
        raise DataError(f"{file}: column {name} holds floating-point numbers; write ids as text or whole numbers")
    return column.cast("string").strip().nullif("")


def _stage_csv(path: Path, staged: Path) -> list[tuple[int, str]]:
    counter = _LineCounter()
    # One thread, for only then does Arrow number the rows; empty lines stay in and count, as in any editor.
    reading = pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    parsing = pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=counter.skip)
    names = _header(path)
    types = dict.fromkeys(names, pa.string())
    converting = pa.csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=True, null_values=[""]
    )
    schema = pa.schema([*types.items(), (_STAGED_LINE, pa.int64())])
    rows = 0
    try:
        with (
            pa.csv.open_csv(path, read_options=reading, parse_options=parsing, convert_options=converting) as reader,
            pq.ParquetWriter(staged, schema, compression="lz4") as writer,
        ):
            for batch in reader:
                numbered = pa.record_batch([*batch.columns, counter.lines(batch)], schema=schema)
                writer.write_batch(numbered.filter(_not_blank(batch)))
                rows += batch.num_rows
    except pa.ArrowException as error:
        raise DataError(f"{path.name} cannot be read as CSV{_first_bad_line(path)} ({error})") from error
    broken = counter.broken()
    if not rows:
        why = "no row with as many values as its header" if broken else "no rows"
        raise DataError(f"{path.name} has {why}; export it again")
    return broken


def _header(path: Path) -> list[str]:
    with path.open("rb") as file:
        first = file.readline()
    if not first.strip():
        raise DataError(f"{path.name} is empty; export it again, its first line names the columns")
    try:
        names = next(csv.reader([first.decode("utf-8-sig").rstrip("\r\n")], strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path.name}: its first line does not name columns ({error}); mend it") from error
    for separator in ";\t|":
        if len(names) == 1 and separator in names[0]:
            raise DataError(f"{path.name} separates its columns with {separator!r}; save it with commas")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{path.name} names the column {twice[0]!r} twice; remove one")
    if ours := _OURS.intersection(names):
        raise DataError(f"{path.name} has a column {min(ours)!r}, a name that reading needs; rename it")
    return names


def _first_bad_line(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f": line {number} is not UTF-8; save the file as UTF-8"
    return ""


def _not_blank(batch: pa.RecordBatch) -> pa.BooleanArray:
    filled = [pc.is_valid(column) for column in batch.columns]
    return functools.reduce(pc.or_, filled)


class _LineCounter:
    """Gives each row that Arrow hands out its line in the file: skipped rows and line breaks in quotes count too."""

    def __init__(self) -> None:
        self._skipped: list[tuple[int, str]] = []  # (row number, text), rows counted from the header's 1
        self._next = 2
        self._extra = [0]  # line breaks inside values before each row number in `_extra_from`
        self._extra_from = [0]

    def skip(self, row: Any) -> str:  # noqa: ANN401 -- pyarrow has no types
        """Arrow's handler for a row with too many or too few values; it may run some rows ahead of `lines`."""
        self._skipped.append((row.number, row.text))
        return "skip"

    def lines(self, batch: pa.RecordBatch) -> pa.Array:
        """The line each row of the batch starts on."""
        gone = np.array([number for number, _ in self._skipped if number >= self._next], dtype=np.int64)
        numbers = np.arange(self._next, self._next + batch.num_rows + len(gone))
        numbers = numbers[~np.isin(numbers, gone)][: batch.num_rows]
        breaks = np.zeros(batch.num_rows, dtype=np.int64)
        for column in batch.columns:
            breaks += pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy(zero_copy_only=False)
        before = self._extra[-1] + np.cumsum(breaks) - breaks
        for index in np.flatnonzero(breaks):
            self._extra_from.append(int(numbers[index]) + 1)
            self._extra.append(int(before[index] + breaks[index]))
        if batch.num_rows:
            self._next = int(numbers[-1]) + 1
        return pa.array(numbers + before)

    def broken(self) -> list[tuple[int, str]]:
        """(line, text) of the rows that were skipped."""
        return [(number + self._extra[bisect(self._extra_from, number) - 1], text) for number, text in self._skipped]
