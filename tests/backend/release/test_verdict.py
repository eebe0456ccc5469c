"""Verdicts and contests, worked out by hand: what is told of a shelf, and how a verdict reads."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from backend.release.contest import Shelf, Speed, _Seen, _shelf
from backend.release.gate import _accuracy, _coverage, _latency
from backend.release.verdict import Check, Verdict, path_of, read, shelf_rows, shown, write
from backend.settings import Settings
from edge.core.errors import EndcapError

SETTINGS = Settings(gate_worse=0.02, gate_collapse=0.25, gate_least_shoppers=30, gate_coverage=0.25, gate_slower=1.3)


def shelf(difference: float, low: float, high: float, shoppers: int = 100, coverage: float = 0.5) -> Shelf:
    """A shelf whose live figure is 0.2 and whose live lists reach half of the catalogue."""
    return Shelf("for_you", 2 * shoppers, shoppers, 0.2, 0.2 + difference, difference, low, high, 0.5, coverage)


@pytest.mark.parametrize(
    ("one", "passed", "word"),
    [
        (shelf(0.01, -0.01, 0.03), True, "not surely worse"),
        (shelf(0, 0, 0), True, "not surely worse"),
        (shelf(-0.01, -0.03, 0.01), True, "not surely worse"),  # worse, but it may be chance
        (shelf(-0.003, -0.004, -0.001), True, "not surely worse"),  # surely, but by less than is tolerated
        (shelf(-0.01, -0.02, -0.001), False, "surely worse"),
        (shelf(-0.06, -0.2, 0.08), False, "collapsed"),  # whatever the noise
    ],
)
def test_a_shelf_is_refused_when_surely_worse_or_collapsed(one: Shelf, passed: bool, word: str) -> None:
    """A loss that may be chance passes, a certain loss of next to nothing too."""
    (check,) = _accuracy([one], SETTINGS)
    assert (check.passed, check.reason.split(", ")[1]) == (passed, word)
    assert check.name == "ndcg@10 for_you"


def test_a_shelf_few_asked_for_is_not_judged() -> None:
    """And where no shelf is left, that is a refusal of its own."""
    (check,) = _accuracy([shelf(-0.2, -0.3, -0.1, shoppers=29)], SETTINGS)
    assert (check.name, check.passed) == ("ndcg@10", False)
    assert list(_coverage([shelf(0, 0, 0, shoppers=29, coverage=0.0)], SETTINGS)) == []
    checks = list(_accuracy([shelf(-0.2, -0.3, -0.1, shoppers=29), shelf(0, 0, 0)], SETTINGS))
    assert [check.passed for check in checks] == [True]


def test_a_shelf_that_was_never_right_cannot_become_worse() -> None:
    """No division by nothing."""
    nothing = Shelf("buy_again", 100, 100, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert [check.passed for check in (*_accuracy([nothing], SETTINGS), *_coverage([nothing], SETTINGS))] == [
        True,
        True,
    ]


def test_coverage_may_shrink_by_a_quarter() -> None:
    """Not by more."""
    assert [check.passed for check in _coverage([shelf(0, 0, 0, coverage=0.375)], SETTINGS)] == [True]
    assert [check.passed for check in _coverage([shelf(0, 0, 0, coverage=0.37)], SETTINGS)] == [False]


def test_latency_is_a_ratio() -> None:
    """Of both models on the same machine in the same run."""
    assert _latency(Speed(100, 130, 1.3), SETTINGS).passed
    assert not _latency(Speed(100, 131, 1.31), SETTINGS).passed


def test_a_verdict_reads_well() -> None:
    """Checks, shelves, notes, and the reasons at the end; brackets in reasons are text, not markup."""
    checks = (Check("size", True, "1 MiB", 1.0, 1.0, "1.5 times"), Check("parity", False, "differs [red]"))
    verdict = Verdict("v2", "v1", False, checks, ("2026-10-01", "2026-10-07"), 10, (shelf(0, 0, 0),), None, ("a note",))
    out = Console(file=io.StringIO(), width=200)
    out.print(shown(verdict))
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert "refused: parity: differs [red]" in text
    assert "10 orders of 2026-10-01 to 2026-10-07" in text
    assert "a note" in text
    assert verdict.refusals == ("parity: differs [red]",)
    assert next(shelf_rows(verdict))[:3] == ("for_you", "200", "100")
    out.print(shown(Verdict("v2", None, True, ())))
    assert "passed" in out.file.getvalue()
    assert "no live model" in out.file.getvalue()


def test_one_shopper_says_nothing_about_others() -> None:
    """An interval without end: nothing is sure."""
    seen = _Seen(["ann", "ann"], [(0.5, 0.1), (0.3, 0.1)], ({"a", "b"}, {"a"}))
    alone = _shelf("for_you", seen, 4)
    assert (alone.shoppers, alone.live, alone.candidate, alone.low, alone.high) == (1, 0.4, 0.1, -1.0, 1.0)
    assert (alone.live_coverage, alone.candidate_coverage) == (0.5, 0.25)


def test_brackets_are_text_wherever_they_stand() -> None:
    """Errors quoted in notes and reasons hold brackets of libraries and paths; none is markup, none is swallowed."""
    words = r"[ONNXRuntimeError] at [/tmp/x] \[a]"
    verdict = Verdict("v2", "v1", False, (Check("parity", False, words),), notes=(words,))
    out = Console(file=io.StringIO(), width=300)
    out.print(shown(verdict))
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue().count(words) == 3  # in the table, as a note, as the refusal


def test_verdicts_are_kept(tmp_path: Path) -> None:
    """As JSON by version; a damaged one names the command that judges again."""
    verdict = Verdict("v2", "v1", True, (Check("size", True, "fine", 1.0, None),), shelves=(shelf(0, 0, 0),))
    assert read(write(tmp_path / "new", verdict).parent, "v2") == verdict
    assert read(tmp_path / "new", "v3") is None
    for content in (b"", b"[]", b"\xff", b'{"version": "v2"}'):
        path_of(tmp_path / "new", "v2").write_bytes(content)
        with pytest.raises(EndcapError, match=r"v2-gate\.json is damaged.*python -m backend gate v2"):
            read(tmp_path / "new", "v2")
