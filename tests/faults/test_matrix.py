"""docs/reliability.md and the tests of faults are in step: every row, every test, in both directions."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.fault_table import ROWS, line_of

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reliability.md"


def told() -> dict[int, set[str]]:
    """What the page names: row -> `file::test`."""
    found: dict[int, set[str]] = {}
    for line in PAGE.read_text().splitlines():
        if match := re.match(r"\| (\d+) \|", line):
            proof = line.rsplit(" | ", 1)[1]
            files = re.split(r"`([\w/]+\.py)`:", proof)[1:]
            pairs = zip(files[::2], files[1::2], strict=True)
            found[int(match[1])] = {
                f"{file}::{name}" for file, names in pairs for name in re.findall(r"`(\w+)`", names)
            }
    return found


def marked() -> dict[int, set[str]]:
    """What the marks in the tests say: row -> `file::test`."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        if "mark.fault(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in map(ast.unparse, node.decorator_list):
                    if match := re.fullmatch(r"pytest\.mark\.fault\((\d+)\)", mark):
                        found[int(match[1])].add(f"{path.relative_to(TESTS)}::{node.name}")
    return found


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_the_tests_that_prove_it(row: int) -> None:
    """All of them, and no other."""
    assert told().get(row) == marked()[row]
    assert marked()[row]


def test_no_row_is_made_up() -> None:
    """The table has twenty rows."""
    assert set(told()) == set(marked()) == set(ROWS)


class _Report:
    """As pytest reports a test."""

    def __init__(self, outcome: str, *properties: tuple[str, object]) -> None:
        self.outcome, self.duration, self.user_properties = outcome, 1.5, list(properties)


def test_a_row_shows_outcomes_seconds_and_figures() -> None:
    """One failure fails the row; without a test that passed it is not proven."""
    line = line_of(3, [_Report("passed", ("figure", "p99 s 0.01")), _Report("failed")])
    assert "FAILED" in line
    assert "3.0 s" in line
    assert "1 passed, 1 failed" in line
    assert "p99 s 0.01" in line
    assert "passed" in line_of(4, [_Report("passed"), _Report("skipped")])
    assert "not run" in line_of(5, [_Report("skipped")])
    assert "not run" in line_of(6, [])
