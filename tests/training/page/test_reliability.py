"""Calibration in words and bars."""

import pytest

from edge.core.bundle import Bin, Calibration
from training.page.reliability import plots


def calibration(*bins: tuple[int, float, float]) -> dict[str, Calibration]:
    """Bins of rows, mean score and share bought."""
    return {"for_you": Calibration(tuple(Bin(rows, score, score, score, bought) for rows, score, bought in bins))}


def test_bars_are_in_percent_of_the_highest() -> None:
    """Half as much bought, half the height."""
    (plot,) = plots(calibration((10, 0.1, 0.05), (10, 0.6, 0.1)))
    assert plot.title == "For you"
    assert plot.heights == [50, 100]
    assert plot.rows == 20


def test_a_rising_share_is_said() -> None:
    """From the lowest to the highest bin."""
    (plot,) = plots(calibration((10, 0.1, 0.001), (10, 0.3, 0.02), (10, 0.6, 0.1)))
    assert plot.says.startswith("The share bought rises with every bin, from 0.10 % bought in the lowest bin to 10.0 %")


@pytest.mark.parametrize(
    ("shares", "times"), [((0.1, 0.05, 0.2), "once"), ((0.1, 0.05, 0.2, 0.1), "2 times"), ((0.2, 0.1), "once")]
)
def test_a_falling_share_is_said_too(shares: tuple[float, ...], times: str) -> None:
    """Where a higher score was bought less, the page does not hide it."""
    (plot,) = plots(calibration(*((10, 0.1 * (at + 1), share) for at, share in enumerate(shares))))
    assert f"it falls {times}." in plot.says
    assert "rises with every bin" not in plot.says


@pytest.mark.parametrize(
    ("score", "bought", "verdict"),
    [(0.3, 0.03, "too high"), (0.03, 0.3, "too low"), (0.30, 0.29, "could be read as probabilities")],
)
def test_the_level_is_judged(score: float, bought: float, verdict: str) -> None:
    """Mean score against share bought, over all rows."""
    (plot,) = plots(calibration((10, score, bought)))
    assert verdict in plot.says
    assert plot.says.startswith("All candidates have one score.")


def test_means_are_weighed_by_rows() -> None:
    """90 rows at 0.1 and 10 at 0.9 average 0.18; 1 % and 11 % bought make 2 %."""
    (plot,) = plots(calibration((90, 0.1, 0.01), (10, 0.9, 0.11)))
    assert "average 0.18 where 2.0 % of the candidates were bought" in plot.says


def test_nothing_bought_has_bars_of_no_height() -> None:
    """No division by the highest."""
    (plot,) = plots(calibration((10, 0.1, 0), (10, 0.6, 0)))
    assert plot.heights == [0, 0]


def test_slots_without_bins_have_no_plot() -> None:
    """Nothing scored, nothing drawn."""
    assert plots({}) == plots({"for_you": Calibration(())}) == []
