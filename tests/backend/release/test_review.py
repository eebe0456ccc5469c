"""What would change: pairs that come and go by ids, and a review that has remarks where it cannot compare."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.release import review
from backend.release.review import Pair, compare, page_of, pair_changes, write
from backend.release.verdict import Check, Verdict
from backend.settings import Settings
from edge.core.bundle import Golden, Live, Manifest, write_bundle, write_live
from edge.core.index import Index
from edge.core.products import Product
from edge.core.snapshot import write_snapshot

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A shop with two bundles that hold nothing."""
    found = Settings(data_dir=tmp_path, shop="demo")
    for version in ("v1", "v2"):
        made = Manifest(version, "demo", "2026-01-01T00:00:00+00:00", (), {}, {}, Golden([], []), {}, {}, {})
        write_bundle(found.bundles_dir, made, {})
    return found


def scored(arrays: dict[str, NDArray[Any]], *scores: float, **changed: Any) -> Index:
    """The eight products with other strengths of tea-cake, tea-green, coffee-cake and back."""
    return Index.from_arrays(arrays | {"pair_score": np.array(scores, np.float32)} | changed)


def test_every_pair_is_told_once_by_its_stronger_direction(index: Index, arrays: dict[str, NDArray[Any]]) -> None:
    """Whichever product comes first; ids in order."""
    lopsided = scored(arrays, 0.5, 0.2, 0.3, 0.9, 0.1, 0.4)
    assert review._pairs(lopsided) == pytest.approx(
        {("cake", "tea"): 0.9, ("green", "tea"): 0.4, ("cake", "coffee"): 0.3}
    )
    assert review._strongest(review._pairs(index)) == [("cake", "tea"), ("cake", "coffee"), ("green", "tea")]


def test_nothing_changed_is_no_change(index: Index) -> None:
    """Beside itself."""
    assert pair_changes(index, index) == ([], [], [])


def test_pairs_come_and_go_and_move(index: Index, arrays: dict[str, NDArray[Any]]) -> None:
    """Coffee and cake are no longer bought together, coffee and cola are; the largest move comes first."""
    pairs = {0: [4, 7], 1: [2], 2: [1], 4: [0], 7: [0]}
    ptr = np.array([0, *np.cumsum([len(pairs.get(at, [])) for at in range(8)])], np.int32)
    items = np.array([one for at in range(8) for one in pairs.get(at, [])], np.int32)
    scores = np.array([0.6, 0.9, 0.4, 0.4, 0.6, 0.9], np.float32)
    now = Index.from_arrays(arrays | {"pair_ptr": ptr, "pair_items": items, "pair_score": scores,
                                      "pair_lift": np.ones(6, np.float32)})  # fmt: skip
    news, gone, moved = pair_changes(index, now)
    assert [(one.a, one.b, one.before) for one in news] == [("coffee", "cola", 0.0)]
    assert [(one.a, one.b, one.now) for one in gone] == [("cake", "coffee", 0.0)]
    assert [(one.a, one.b) for one in moved] == [("green", "tea"), ("cake", "tea")]
    assert moved[0].now - moved[0].before == pytest.approx(0.7)
    again = pair_changes(now, index)
    assert ([one.a for one in again[0]], [one.b for one in again[1]]) == (["cake"], ["cola"])


def test_pages_compared_are_the_most_sold_that_both_know(index: Index, arrays: dict[str, NDArray[Any]]) -> None:
    """What was never sold is on nobody's way; what the live model lacks has no shelf to change."""
    assert review._pages(index, index) == ["bread", "coffee", "tea", "cola", "cake", "soap", "green"]
    ids = np.array([b"new" if one == b"bread" else one for one in arrays["ids"].tolist()], np.bytes_)
    assert "new" not in review._pages(index, Index.from_arrays(arrays | {"ids": ids}))


def test_products_are_called_by_their_titles_where_known(settings: Settings) -> None:
    """Else by their ids, with a remark that says what is missing."""
    titles, remarks = review._titles(settings)
    assert titles == {}
    assert remarks[0].startswith("Without names: ")
    write_snapshot(settings.data_dir / "catalogue" / "demo.cat", [Product("tea", "Green tea", 4.0)], as_of=0)
    assert review._titles(settings) == ({"tea": "Green tea"}, [])
    assert review._titled(Pair("tea", "odd", 0.1, 0.2), {"tea": "Tea"}) == Pair("Tea", "odd", 0.1, 0.2)
    assert review._named(["tea", "odd"], {"tea": "Tea"}) == ["Tea", "odd"]


def test_without_a_live_model_there_is_a_remark(settings: Settings) -> None:
    """And a page that has it; the verdict is shown all the same, as text."""
    verdict = Verdict("v2", None, False, (Check(HOSTILE, False, HOSTILE),), notes=(HOSTILE,))
    found = compare(settings, "v2", verdict)
    assert (found.live, found.compared, found.overlap) == (None, 0, 1.0)
    assert found.remarks == ["There is no live model to compare with."]
    path = write(settings, "v2", verdict)
    assert path == page_of(settings, "v2")
    html = path.read_text()
    assert "There is no live model to compare with." in html
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html
    assert (path.parent / "v2.html").exists()
    assert "There is no training report" in write(settings, "v3", verdict).read_text(), "no such bundle"


def test_bundles_that_cannot_be_read_are_a_remark(settings: Settings) -> None:
    """Not an error: the verdict says so, too, and a person must be able to read it."""
    write_live(settings.bundles_dir, "demo", Live("v1"))
    found = compare(settings, "v2", None)
    assert found.live == "v1"
    assert found.remarks[0].startswith("Nothing can be compared: ")
    assert "Nothing can be compared" in write(settings, "v2").read_text()
