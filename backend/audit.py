"""The audit log: what was done to models and shoppers' data, by whom, with which outcome.

In: lines to append. Out: `audit.jsonl` in the data directory, append-only; each line carries the SHA-256 of the one
before, so that a line changed, removed or put in between shows; `audit.head` beside it names the newest line, so that
lines cut off at the end show, too. It holds no id of a shopper, not even a pseudonym. Whoever can write both files can
forge both: keep a copy of the head elsewhere (`python -m backend audit --verify --json` prints it) to be sure of that.
"""

import fcntl
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, cast

import msgspec

from edge.core import clock
from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE, EndcapError

FILE, HEAD = "audit.jsonl", "audit.head"
_START = "0" * 64

Outcome = Literal["pass", "fail", "done", "waiting"]
Detail = str | int | float | bool | list[str] | None


class AuditError(EndcapError):
    """The audit log is broken: a line was changed, removed or put in between."""


class Entry(msgspec.Struct, frozen=True):
    """One line. `previous` is the SHA-256 of the line before, of zeros for the first."""

    number: int
    time: str
    shop: str
    action: str  # such as `train`, `gate`, `approve`, `publish`, `rollback`, `erase`, `fetch`
    actor: str  # who: `scheduler`, `admin`, a command, a webhook
    outcome: Outcome
    details: dict[str, Detail]
    previous: str


class Head(msgspec.Struct, frozen=True):
    """The newest line: its number and its SHA-256."""

    number: int = 0
    digest: str = _START


def append(data_dir: Path, shop: str, action: str, actor: str, outcome: Outcome, **details: Detail) -> Entry:
    """Add one line and bring it to disk before returning. Processes take turns. Raises AuditError.

    A line that could not be written whole (a full disk, a crash) is taken back: nobody was told that it is there.
    """
    path = data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, size = _last_line(cast("BinaryIO", file))
        entry_before = _decode(last, path) if last else None
        _check_head(data_dir, entry_before, last, path)
        number = entry_before.number + 1 if entry_before else 1
        previous = hashlib.sha256(last).hexdigest() if last else _START
        time = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")
        entry = Entry(number, time, shop, action, actor, outcome, details, previous)
        line = msgspec.json.encode(entry)
        file.truncate(size)
        try:
            written = file.write(line + b"\n")
            os.fsync(file.fileno())
        except OSError as error:
            file.truncate(size)
            raise AuditError(f"{path} cannot be written: {error.strerror}; make room on the disk") from error
        if written != len(line) + 1:
            file.truncate(size)
            raise AuditError(f"{path} took only {written} bytes of a line; make room on the disk")
        replace_file(data_dir / HEAD, msgspec.json.encode(Head(number, hashlib.sha256(line).hexdigest())))
    return entry


def read(data_dir: Path) -> list[Entry]:
    """All lines, oldest first, checked. Raises AuditError that names the first bad line."""
    path = data_dir / FILE
    head = _head(data_dir)
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            head = _head(data_dir)
            lines = file.read().splitlines(keepends=True)
    except FileNotFoundError:
        if head.number:
            raise AuditError(f"{path} is gone; it had {head.number} lines") from None
        return []
    entries, previous, digests = [], _START, [_START]
    for number, whole in enumerate(lines, start=1):
        if not whole.endswith(b"\n") and number > head.number:
            break  # the write was cut short and never acknowledged; the next one takes it back
        line = whole.rstrip(b"\n")
        entry = _decode(line, path)
        if (entry.number, entry.previous) != (number, previous):
            raise AuditError(f"{path}, line {number}: it does not follow from the line before; the log was changed")
        entries.append(entry)
        previous = hashlib.sha256(line).hexdigest()
        digests.append(previous)
    if head.number > len(entries):
        raise AuditError(f"{path} ends at line {len(entries)}, it had {head.number}; lines were cut off")
    if digests[head.number] != head.digest:
        raise AuditError(f"{path}, line {head.number}: it is not the line that was written; the log was changed")
    return entries


def head_of(data_dir: Path) -> Head:
    """The newest line of the log as it stands now, even where the head file lags behind; `read` checks it."""
    path = data_dir / FILE
    if not path.exists():
        return Head()
    with path.open("rb") as file:
        line, _ = _last_line(file)
    return Head(_decode(line, path).number, hashlib.sha256(line).hexdigest()) if line else Head()


def _check_head(data_dir: Path, entry: Entry | None, line: bytes, path: Path) -> None:
    """Refuse to go on after a log that was cut: the new line would hide it."""
    head, number = _head(data_dir), entry.number if entry else 0
    digest = hashlib.sha256(line).hexdigest() if line else _START
    if number < head.number or (number == head.number and digest != head.digest):
        raise AuditError(f"{path} has {number} lines, it had {head.number}, or the last one was changed; restore it")


def _head(data_dir: Path) -> Head:
    path = data_dir / HEAD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Head)
    except FileNotFoundError:
        return Head()
    except UNREADABLE as error:
        raise AuditError(f"{path} is damaged: {error}; restore it from a backup") from error


def _last_line(file: BinaryIO) -> tuple[bytes, int]:
    """The last whole line, and where it ends; what follows it was never acknowledged."""
    size, step = file.seek(0, os.SEEK_END), 4_096
    while True:
        start = max(0, size - step)
        file.seek(start)
        tail = file.read(size - start)
        end = tail.rfind(b"\n")
        before = tail.rfind(b"\n", 0, max(end, 0))
        if end >= 0 and (before >= 0 or start == 0):
            return tail[before + 1 : end], start + end + 1
        if start == 0:
            return b"", 0
        step *= 4


def _decode(line: bytes, path: Path) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except UNREADABLE as error:
        raise AuditError(f"{path} has a line that is none: {error}; restore the file from a backup") from error
