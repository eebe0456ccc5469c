"""The picture of a run."""

from xml.etree import ElementTree

import pytest

from loadtests.seconds import Second, Seconds
from loadtests.shape_plot import draw

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ElementTree.Element:
    """The picture as a tree; it would fail for one that is no XML."""
    return ElementTree.fromstring(picture)  # noqa: S314 -- we have just drawn it


def seconds(count: int) -> Seconds:
    """Ten pages a second, the fifth second slow."""
    return {n: Second(useful=8, excess=2, took_ms=[500.0 if n == 5 else 4.0] * 10) for n in range(count)}


def test_what_was_asked_and_answered_is_drawn() -> None:
    """Rates by kind, times with the limit, the spike between two marks; a picture that needs nothing else."""
    root = parsed(draw("Spike", seconds(30), {}, (10.0, 20.0), 100.0))
    texts = [node.text for node in root.iter(f"{SVG}text")]
    for name in ("asked", "useful", "excess", "p99", "pages per second"):
        assert name in texts
    lines = list(root.iter(f"{SVG}polyline"))
    assert [len((line.get("points") or "").split()) for line in lines] == [30] * 4
    marks = [node for node in root.iter(f"{SVG}line") if node.get("class") == "m"]
    assert len(marks) == 4, "two in each of the two panels"


def test_memory_has_a_panel_of_its_own() -> None:
    """Each process a line."""
    samples = {7: [(0.0, 150.0), (29.0, 151.0)], 8: [(0.0, 149.0), (29.0, 149.0)]}
    root = parsed(draw("Soak", seconds(30), samples, (), 100.0))
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert {"process 7", "process 8", "resident memory, MB"} <= set(texts)


@pytest.mark.parametrize("count", [0, 1, 7, 600])
def test_a_run_of_any_length_can_be_drawn(count: int) -> None:
    """Long ones in slices; all that is drawn lies in its panel."""
    root = parsed(draw("x < y & z", seconds(count), {1: [(0.0, 150.0)]}, (), 100.0))
    for line in root.iter(f"{SVG}polyline"):
        points = [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()]
        assert len(points) <= 200
        assert all(0 <= x <= 760 and -1 <= y <= 151 for x, y in points), points
