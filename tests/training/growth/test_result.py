"""Measured sizes as table, verdict and picture."""

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from training.growth.build import Built
from training.growth.plot import draw
from training.growth.result import Inside, Pages, Point, Served, faults, table


def point(products: int, p99_ms: float = 2.0, cpu_p99_ms: float = 1.5, cold: float | None = 3.0) -> Point:
    """A made-up measurement."""
    pages = Pages(100, 1.0, 1.5, p99_ms, 1.1, 0.9, 1.2, cpu_p99_ms, 1.0)
    memory = {"rss": 200.0, "pss": 80.0, "private_clean": 1.0, "private_dirty": 60.0, "anonymous": 60.0}
    return Point(
        Built(products, products * 5, products * 30, {"index": 4.0}, {"index": 2.0}, 900.0, 50.0, 30.0),
        Inside(cold, 0.5, 0.1, dict.fromkeys(("all", "home", "pdp", "cart"), pages), 110.0),
        [
            Served(1, 1.2, 0.99, 2.0, 3.0, 4.0, [memory]),
            Served(3, 1.5, 0.99, 2.0, 3.0, 4.0, [memory] * 3),
        ],
    )


def test_only_a_million_products_are_judged() -> None:
    """The limit is the issue's, and it speaks of a million."""
    assert faults([point(10_000, 9.0), point(100_000, 9.0)]) == []
    assert faults([point(1_000_000, 5.0)]) == []
    assert faults([point(1_000_000, 5.01)]) == [
        "at 1,000,000 products p99 of retrieval, features and ranking is 5.01 ms, allowed are 5"
    ]


def test_on_a_busy_machine_the_processor_is_judged() -> None:
    """There the wall clock says more of the neighbours."""
    assert faults([point(1_000_000, 30.0, 4.0)], busy=True) == []
    assert "6.00 ms of the processor" in faults([point(1_000_000, 30.0, 6.0)], busy=True)[0]


def test_workers_add_up() -> None:
    """What three workers take together."""
    assert point(10).served[1].total("pss") == 240.0


def shown(points: list[Point]) -> str:
    """The table as text."""
    console = Console(width=160, record=True, quiet=False, file=Path("/dev/null").open("w", encoding="utf-8"))  # noqa: SIM115 -- it lives as long as the console
    console.print(table(points))
    console.file.close()
    return console.export_text()


def test_the_table_names_every_size_and_figure() -> None:
    """Sizes are columns; sums over workers stand there whole."""
    said = shown([point(10_000), point(1_000_000, 4.5)])
    for wanted in ("10,000 products", "1,000,000 products", "1.00 / 4.50", "3 workers: resident, sum", "600", "240"):
        assert wanted in said


def test_where_files_cannot_be_evicted_the_first_load_stays_blank(tmp_path: Path) -> None:
    """Nothing is invented for systems that keep what they read."""
    assert "bundle, from disk" in shown([point(10_000, cold=None)])
    draw([point(10_000, cold=None)], tmp_path / "plot.svg")
    assert "from disk" not in (tmp_path / "plot.svg").read_text()


def test_the_picture_is_the_same_for_the_same_points(tmp_path: Path) -> None:
    """A sound SVG, in any order of the sizes, with the limit in it."""
    points = [point(10_000), point(100_000), point(1_000_000)]
    draw(points, tmp_path / "one.svg")
    draw(points[::-1], tmp_path / "other.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
    assert (tmp_path / "one.svg").read_text().rstrip().endswith("</svg>")
    assert "limit of p99 inside, 5 ms" in (tmp_path / "one.svg").read_text()


def test_points_come_back_as_they_were_written() -> None:
    """The JSON file is for other programs."""
    points = [point(10_000)]
    assert msgspec.json.decode(msgspec.json.encode(points), type=list[Point]) == points


@pytest.mark.parametrize("kind", ["rss", "pss", "anonymous"])
def test_no_worker_is_left_out(kind: str) -> None:
    """The sum is of all."""
    served = point(10).served
    assert served[1].total(kind) == 3 * served[0].total(kind)
