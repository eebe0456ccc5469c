"""Findings of drift from hand-made distributions: limits, bins, what triggers nothing, and reports worst first."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from backend.release import drift_page
from backend.release.drift import Finding, Report, _bins, _date, _finding, failed, path_of, read_report, write
from backend.settings import Settings
from edge.core.errors import EndcapError
from training.drift import FEATURES, INPUTS, Spread, Values, psi

SETTINGS = Settings(drift_psi=0.2, drift_ks=0.2, drift_natural=2.0)
NUMBERS = Spread((50, 50), edges=(1.0,), quantiles=(0.5, 1.5))
WORDS = Spread((50, 50, 0), names=("tea", "cake", "other"))


def seen(*values: object) -> Values:
    """Values of one day; words as objects."""
    kind: Any = object if values and isinstance(values[0], str) else np.float64
    return Values(np.array(values, kind), np.zeros(len(values)))


def finding(name: str, far: float, limit: float = 0.2, *, drifted: bool = True) -> Finding:
    """One of a report."""
    return Finding(INPUTS, name, far, limit, None, 0.2, drifted, "", ("a",), (1.0,), (1.0,))


def report(*findings: Finding) -> Report:
    """A report of these."""
    return Report("v1", "2026-11-03T00:00:00+00:00", "2026-11-01", "2026-11-02", 80, 90, True, findings=findings)


def test_the_same_shares_have_not_drifted() -> None:
    """Whatever their number."""
    one = _finding(INPUTS, "price", NUMBERS, seen(*[0.5, 1.5] * 50), SETTINGS)
    assert (one.psi, one.drifted, one.unwatched) == (0.0, False, "")
    assert (one.before, one.now) == ((0.5, 0.5), (0.5, 0.5))


def test_words_have_no_distribution_function() -> None:
    """PSI alone decides; new words are the rest."""
    one = _finding(INPUTS, "category", WORDS, seen(*["soap"] * 50, *["tea"] * 50), SETTINGS)
    assert one.ks is None
    assert one.drifted
    assert one.bins == ("tea", "cake", "other")
    assert one.now == (0.5, 0.0, 0.5)
    assert one.psi == pytest.approx(psi([50, 50, 0], [50, 0, 50]), abs=1e-4)


def test_either_distance_is_enough() -> None:
    """Values that move within a bin are seen by KS only."""
    inside = Spread((50, 50), edges=(1.0,), quantiles=tuple(np.linspace(0.0, 2.0, 101).tolist()))
    one = _finding(INPUTS, "price", inside, seen(*[0.0, 1.01] * 50), SETTINGS)
    assert one.psi < one.psi_limit
    assert one.ks is not None
    assert one.ks >= one.ks_limit
    assert one.drifted


def test_weeks_that_differ_by_themselves_widen_the_limits() -> None:
    """Twice what they differ; never a KS beyond one, which nothing could reach."""
    wide = msgspec.structs.replace(NUMBERS, natural_psi=0.3, natural_ks=0.9)
    one = _finding(INPUTS, "price", wide, seen(*[0.5] * 50), SETTINGS)
    assert (one.psi_limit, one.ks_limit) == (0.6, 1.0)
    narrow = msgspec.structs.replace(NUMBERS, natural_psi=0.01, natural_ks=0.01)
    one = _finding(INPUTS, "price", narrow, seen(*[0.5] * 50), SETTINGS)
    assert (one.psi_limit, one.ks_limit) == (0.2, 0.2)


def test_nothing_seen_has_not_drifted() -> None:
    """However far nothing is from something."""
    one = _finding(INPUTS, "price", NUMBERS, seen(), SETTINGS)
    assert (one.drifted, one.now, one.ks) == (False, (0.0, 0.0), 0.0)


def test_what_moves_with_time_triggers_nothing_as_a_feature_only() -> None:
    """An input of the same name is watched."""
    far = seen(*[5.0] * 50)
    assert _finding(FEATURES, "orders", NUMBERS, far, SETTINGS).unwatched
    assert not _finding(FEATURES, "orders", NUMBERS, far, SETTINGS).drifted
    assert _finding(INPUTS, "orders", NUMBERS, far, SETTINGS).drifted


@pytest.mark.parametrize(
    ("spread", "names"),
    [
        (WORDS, ("tea", "cake", "other")),
        (Spread((5,)), ("all",)),
        (Spread((5, 5, 5), edges=(0.5, 12_345.678)), ("to 0.5", "to 1.235e+04", "over 1.235e+04")),
    ],
)
def test_bins_have_names(spread: Spread, names: tuple[str, ...]) -> None:
    """As many as there are counts."""
    assert _bins(spread) == names
    assert len(names) == len(spread.counts)


def test_reports_name_the_worst_first() -> None:
    """By how far beyond its own limit."""
    found = report(finding("b", 0.4), finding("a", 0.5, 0.5), finding("quiet", 9.0, drifted=False))
    assert [one.name for one in found.drifted] == ["b", "a"]


def test_the_smallest_limits_are_not_rounded_to_nothing() -> None:
    """Distances are shown as shares of their limits: a setting of a hundred-thousandth must not divide by zero."""
    tiny = Settings(drift_psi=1e-5, drift_ks=1e-5, drift_natural=0)
    found = report(_finding(INPUTS, "price", NUMBERS, seen(*[0.5] * 50), tiny))
    assert (found.findings[0].psi_limit, found.findings[0].ks_limit) == (1e-4, 1e-4)
    assert [one.name for one in found.drifted] == ["price"]
    assert "inputs/price" in drift_page.render(found)
    assert drift_page.table(found).row_count == 1


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": "v1"}', b"\xff", b'{"findings": [1]}'])
def test_a_damaged_report_names_file_and_remedy(tmp_path: Path, content: bytes) -> None:
    """Also one that is JSON of another shape."""
    path_of(tmp_path).write_bytes(content)
    with pytest.raises(EndcapError, match=r"drift\.json is damaged.*python -m backend drift"):
        read_report(tmp_path)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With its findings; a failure keeps its reason."""
    kept = report(finding("price", 0.4))
    assert read_report(write(tmp_path / "new" / "directory", kept).parent) == kept
    lost = failed("v1", "no room")
    assert (lost.enough, lost.drifted, lost.note) == (False, (), "no room")


def test_days_are_dates() -> None:
    """Unix day 0 and one of ours."""
    assert (_date(0), _date(20_000)) == ("1970-01-01", "2024-10-04")
