"""The audit log: what was done to models and shoppers' data, by whom, with which outcome.

In: lines to append. Out: `audit.jsonl` in the data directory, append-only; each line carries the SHA-256 of the one
before, so that a line changed, removed or put in between shows. It holds no id of a shopper, not even a pseudonym.
"""

import fcntl
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from edge.core import clock
from edge.core.errors import EndcapError

FILE = "audit.jsonl"
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


def append(data_dir: Path, shop: str, action: str, actor: str, outcome: Outcome, **details: Detail) -> Entry:
    """Add one line and bring it to disk before returning. Processes take turns. Raises AuditError."""
    path = data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last_line(file.seek(0, os.SEEK_END), path)
        number = _decode(last, path).number + 1 if last else 1
        previous = hashlib.sha256(last).hexdigest() if last else _START
        time = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")
        entry = Entry(number, time, shop, action, actor, outcome, details, previous)
        file.write(msgspec.json.encode(entry) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return entry


def read(data_dir: Path) -> list[Entry]:
    """All lines, oldest first, checked. Raises AuditError that names the first bad line."""
    path = data_dir / FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    entries, previous = [], _START
    for number, line in enumerate(lines, start=1):
        entry = _decode(line, path)
        if (entry.number, entry.previous) != (number, previous):
            raise AuditError(f"{path}, line {number}: it does not follow from the line before; the log was changed")
        entries.append(entry)
        previous = hashlib.sha256(line).hexdigest()
    return entries


def _last_line(size: int, path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, size - 65_536))
        lines = file.read().splitlines()
    return lines[-1] if lines else b""


def _decode(line: bytes, path: Path) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AuditError(f"{path} has a line that is none: {error}; restore the file from a backup") from error
