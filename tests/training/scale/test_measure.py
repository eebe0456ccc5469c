"""The cost of a run measured: in processes of their own, into a table, a file and a picture."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from edge.core.bundle import read_live
from training.__main__ import main
from training.pipeline import STAGES
from training.scale import measure
from training.scale.measure import Point, ScaleError
from training.scale.plot import draw, slowest


@pytest.fixture(autouse=True)
def few_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows is measured as well with few orders to learn from; the processes read their settings themselves."""
    monkeypatch.setenv("ENDCAP_TRAIN_ORDERS", "60")
    monkeypatch.setenv("ENDCAP_TEST_ORDERS", "20")


def point(events: int, seconds: float, mib: float) -> Point:
    """A made-up measurement."""
    stages = {"a": seconds / 2, "b": seconds / 4, "c": seconds / 8, "d": seconds / 16, "e": seconds / 16}
    return Point(events, events, 10, 20, stages, seconds, seconds / 2, mib, 1.5)


def test_a_size_is_generated_trained_and_measured(tmp_path: Path) -> None:
    """Every stage of the pipeline, the memory of the process that trained, the bundle it left."""
    found = measure.measure(20_000, tmp_path)
    assert found.events == pytest.approx(20_000, rel=0.1)
    assert list(found.seconds) == list(STAGES)
    assert 0 < sum(found.seconds.values()) <= found.total_s + 0.1
    assert found.cpu_s > 0
    assert 100 < found.peak_mib < 4_096
    bundle = tmp_path / "bundles" / "scale" / read_live(tmp_path / "bundles", "scale").live
    size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    assert found.bundle_mib == pytest.approx(size / 2**20, abs=0.1)


def test_a_failed_run_is_not_measured(tmp_path: Path) -> None:
    """Where generating fails, here because the place is taken, the error says which size and step."""
    (tmp_path / "dataset").write_text("in the way")
    with pytest.raises(ScaleError, match=r"20,000 events ended with code 1 at 'generate'"):
        measure.measure(20_000, tmp_path)


def test_the_command_writes_numbers_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One size after another, the smallest first; the points in the file are those in the table."""
    out, picture = tmp_path / "points.json", tmp_path / "points.svg"
    asked = ("scale", "--events", "9000", "--events", "6000", "--json", str(out), "--plot", str(picture))
    monkeypatch.setattr("sys.argv", ["training", *asked])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    points = msgspec.json.decode(out.read_bytes(), type=list[Point])
    assert [round(point.events / 3_000) for point in points] == [2, 3]
    assert f"{points[1].lines:,}" in capsys.readouterr().out
    assert picture.stat().st_size > 5_000


def test_the_picture_holds_both_costs(tmp_path: Path) -> None:
    """Time with the slowest stages named, memory with its limit; the same points give the same bytes."""
    points = [point(20_000_000, 900, 6_000), point(1_000_000, 60, 900)]
    draw(points, tmp_path / "one.svg")
    draw(points[::-1], tmp_path / "two.svg")
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    words = [element.text for element in ElementTree.fromstring(text).iter() if element.tag.endswith("text")]  # noqa: S314 -- written above
    for word in ("memory", "million events", "minutes", "its processor time", "GiB", "8 GiB", "whole run", "a", "d"):
        assert word in words


def test_the_slowest_stages_are_those_of_the_largest_run() -> None:
    """A stage that is slow in a small run only is not what grows."""
    large, small = point(20, 100, 1), msgspec.structs.replace(point(1, 1, 1), seconds={"e": 50.0, "a": 1.0})
    assert slowest([small, large], 2) == ["a", "b"]
