"""The table of faults, row by row, at the end of `scripts/test --faults`: passed or not, how long, what was measured.

In: tests marked `fault(row)`, and what they say through the fixture `figure`. Out: lines on the terminal, and a failed
run where a row has no test that passed.
"""

from collections import defaultdict
from typing import Any

import pytest

from tests.faults.speed import FULL

ROWS = range(1, 21)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send each test's rows along with its report, also from another process."""
    for item in items:
        item.user_properties += [("fault", mark.args[0]) for mark in item.iter_markers("fault")]


def rows_of(reports: list[Any]) -> dict[int, list[Any]]:
    """The reports by row."""
    found: dict[int, list[Any]] = defaultdict(list)
    for report in reports:
        for row in {value for name, value in getattr(report, "user_properties", ()) if name == "fault"}:
            found[row].append(report)
    return found


def line_of(row: int, reports: list[Any]) -> str:
    """One row: its outcomes, the seconds they took, the figures."""
    outcomes = [report.outcome for report in reports]
    verdict = "FAILED" if "failed" in outcomes else "passed" if "passed" in outcomes else "not run"
    told = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in ("passed", "failed", "skipped") if kind in outcomes)
    seconds = sum(report.duration for report in reports)
    figures = [str(value) for report in reports for name, value in report.user_properties if name == "figure"]
    return "\n".join([f"{row:>3}  {verdict:<7} {seconds:6.1f} s  {told}", *(f"       {figure}" for figure in figures)])


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table, after a full run."""
    if FULL:
        kinds = ("passed", "failed", "error", "skipped", "xfailed")
        found = rows_of([report for kind in kinds for report in terminalreporter.stats.get(kind, [])])
        terminalreporter.section("the table of faults")
        for row in ROWS:
            terminalreporter.write_line(line_of(row, found.get(row, [])))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A full run in which a row was not proven has failed; a second look at what failed need not prove the others."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    option = session.config.option
    if FULL and reporter is not None and not (option.keyword or option.lf) and session.exitstatus == 0:
        proven = rows_of(reporter.stats.get("passed", []))
        if set(ROWS) - set(proven):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
