"""The summary: the whole report by hand, and notes that are there, missing or damaged."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from training.rules import DataError
from training.summary import LeftOut, Notes, Summary, describe, read_notes

PLAIN = Summary(
    fingerprint="0123456789abcdef",
    events=1_234,
    lines=5_678,
    products=90,
    shoppers=1_000,
    sessions=1_100,
    first=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    last=datetime(2026, 5, 6, 7, 8, tzinfo=UTC),
    lines_by_consent={"personalization": 5_678, "analytics": 5_000},
    rejected={},
    ignored_columns={},
)


def test_the_report_of_a_clean_data_set_is_short() -> None:
    """Counts, the window, and a line for each purpose: nothing is said about what did not happen."""
    assert describe(PLAIN).splitlines() == [
        "1,234 events with 5,678 lines in 1,100 sessions",
        "1,000 shoppers, 90 products",
        "from 2026-01-02 03:04 to 2026-05-06 07:08 UTC; data set 0123456789abcdef",
        "consent to personalization: 5,678 lines, 0 without",
        "consent to analytics: 5,000 lines, 678 without",
    ]


def test_the_report_names_all_that_is_not_in_the_data() -> None:
    """Refused rows by file and reason, unused columns, and what the importer left out, in columns."""
    full = msgspec.structs.replace(
        PLAIN,
        rejected={"events.csv": {"unknown type": 1_500, "missing time": 2}},
        ignored_columns={"products.csv": ["colour", "weight"]},
        notes=Notes("A shop of tests.", [LeftOut("fuel", 12_345, 67), LeftOut("tickets", 0, 1)]),
    )
    assert describe(full).splitlines()[3:4] + describe(full).splitlines()[6:] == [
        "A shop of tests.",
        "refused in events.csv (each row in rejected.csv):",
        "       1,500  unknown type",
        "           2  missing time",
        "columns of products.csv that are not used: colour, weight",
        "left out by the importer:",
        "       lines  products  rule",
        "      12,345        67  fuel",
        "           0         1  tickets",
    ]


def test_a_summary_survives_its_file() -> None:
    """What is written is what is read, times with their zone."""
    assert msgspec.json.decode(msgspec.json.encode(PLAIN), type=Summary) == PLAIN


def test_no_notes_are_empty_notes(tmp_path: Path) -> None:
    """An importer need not leave any; one that does may say only part."""
    assert read_notes(tmp_path) == Notes("", [])
    (tmp_path / "notes.json").write_text('{"about": "Ours.", "by": "hand"}')
    assert read_notes(tmp_path) == Notes("Ours.")


@pytest.mark.parametrize("text", ["", "{", "[]", '"notes"', '{"about": 1}', '{"left_out": [{"rule": "fuel"}]}'])
def test_damaged_notes_are_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    """They are pointed out rather than swallowed, for the report would be wrong without them."""
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(DataError, match=r"notes\.json is not what an importer writes .*; remove it or import again"):
        read_notes(tmp_path)
