"""What a prepared data set holds and what is not in it, as a record on disk and as a text for people.

In: counts from intake, an importer's notes. Out: `Summary` (summary.json), and the report the command line prints.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from edge.core.errors import UNREADABLE
from training.rules import DataError

FORMAT_VERSION = 2  # 2: discounts and deliveries
SUMMARY_FILE = "summary.json"
NOTES_FILE = "notes.json"


class LeftOut(msgspec.Struct, frozen=True):
    """What an importer left out before it wrote the plain format, by the rule that did it."""

    rule: str
    lines: int
    products: int


class Notes(msgspec.Struct, frozen=True):
    """An importer's own words about the data, in `notes.json` beside the plain format."""

    about: str = ""
    left_out: list[LeftOut] = []
    pseudonymous: bool = False  # the ids of shoppers are pseudonyms already and must not be hashed again


class Summary(msgspec.Struct, frozen=True):
    """What a data set holds, and what became of the rows that are not in it."""

    fingerprint: str
    events: int
    lines: int
    products: int
    shoppers: int
    sessions: int
    first: datetime
    last: datetime
    lines_by_consent: dict[str, int]  # lines that may be used, by purpose
    rejected: dict[str, dict[str, int]]  # file -> reason -> rows
    ignored_columns: dict[str, list[str]]
    notes: Notes = Notes()
    reduced: int = 0  # lines bought below the shelf price
    delivered: int = 0  # lines that say something of a delivery
    version: int = FORMAT_VERSION


def read_notes(source: Path) -> Notes:
    """The importer's notes beside the plain format; empty where it left none."""
    path = source / NOTES_FILE
    if not path.exists():
        return Notes()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Notes)
    except UNREADABLE as error:
        raise DataError(f"{path.name} is not what an importer writes ({error}); remove it or import again") from error


def describe(summary: Summary) -> str:
    """The summary as lines of text: what is in, what was refused, what was left out, and why."""
    text = [
        f"{summary.events:,} events with {summary.lines:,} lines in {summary.sessions:,} sessions",
        f"{summary.shoppers:,} shoppers, {summary.products:,} products",
        f"from {summary.first:%Y-%m-%d %H:%M} to {summary.last:%Y-%m-%d %H:%M} UTC; data set {summary.fingerprint}",
    ]
    if summary.notes.about:
        text.append(summary.notes.about)
    if summary.reduced:
        text.append(f"bought at a reduction: {summary.reduced:,} lines")
    if summary.delivered:
        text.append(f"with a delivery: {summary.delivered:,} lines")
    for purpose, lines in summary.lines_by_consent.items():
        text.append(f"consent to {purpose}: {lines:,} lines, {summary.lines - lines:,} without")
    for file, reasons in summary.rejected.items():
        text.append(f"refused in {file} (each row in rejected.csv):")
        text.extend(f"{count:>12,}  {reason}" for reason, count in reasons.items())
    for file, columns in summary.ignored_columns.items():
        text.append(f"columns of {file} that are not used: {', '.join(columns)}")
    if summary.notes.left_out:
        text.append("left out by the importer:")
        text.append(f"{'lines':>12}  {'products':>8}  rule")
        text.extend(f"{item.lines:>12,}  {item.products:>8,}  {item.rule}" for item in summary.notes.left_out)
    return "\n".join(text)
