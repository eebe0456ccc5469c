"""What changed between two bundles, on manifests whose differences are worked out by hand."""

from pathlib import Path

import pytest

from edge.core.bundle import INDEX, MANIFEST, Manifest, Part, write_bundle
from tests.training.page.handmade import manifest
from training.page.changes import Fact, compare, newest_before

DATA: dict[str, str | int | float] = {
    "fingerprint": "f1",
    "code": "c1",
    "measured_from": "2026-10-01",
    "last_day": "2026-10-31",
    "products": 100,
}


def endcap(value: float, queries: float = 50, **more: float) -> dict[str, dict[str, float]]:
    """A slot measured for us alone."""
    return {"endcap": {"ndcg@10": value, "queries": queries} | {f"ndcg@10_{end}": at for end, at in more.items()}}


def test_figures_then_and_now() -> None:
    """0.20 became 0.23: a difference of 0.03; intervals are not needed."""
    got = compare(manifest(metrics={"for_you": endcap(0.23)}), manifest(metrics={"for_you": endcap(0.20)}), {}, {})
    ((slot, (moved,)),) = got.slots
    assert slot == "For you"
    assert got.metrics == ["NDCG@10"]
    assert moved is not None
    assert (moved.before, moved.now, moved.within) == (0.20, 0.23, False)
    assert moved.difference == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("now", "before", "within"),
    [
        ({"low": 0.21, "high": 0.25}, {"low": 0.18, "high": 0.22}, True),
        ({"low": 0.21, "high": 0.25}, {"low": 0.18, "high": 0.20}, False),
        ({"low": 0.10, "high": 0.15}, {"low": 0.18, "high": 0.22}, False),
        ({"low": 0.21, "high": 0.25}, {}, False),
    ],
)
def test_overlapping_intervals_are_marked(now: dict[str, float], before: dict[str, float], within: bool) -> None:
    """Only where both have intervals, and only where these overlap."""
    newer, older = (manifest(metrics={"x": endcap(0.2, **ends)}) for ends in (now, before))
    ((_, (moved,)),) = compare(newer, older, {}, {}).slots
    assert moved is not None
    assert moved.within is within


def test_what_was_measured_once_only_is_named() -> None:
    """A new slot and a method that went have no difference, but a sentence."""
    now = manifest(metrics={"for_you": endcap(0.2), "next_view": {"endcap": {"hr@20": 0.5}}})
    before = manifest(metrics={"for_you": endcap(0.2) | {"item_cosine": {"ndcg@10": 0.1}}})
    got = compare(now, before, {}, {})
    assert [slot for slot, _ in got.slots] == ["For you"]
    assert "Slots measured now and not before: Next view." in got.notes
    assert "Methods measured before and not now: item-item cosine." in got.notes


def test_a_metric_measured_once_only_is_left_open() -> None:
    """No difference can be told."""
    now, before = manifest(metrics={"x": {"endcap": {"mrr@20": 0.1}}}), manifest(metrics={"x": endcap(0.2)})
    assert compare(now, before, {}, {}).slots == [("X", [None])]
    only_theirs = manifest(metrics={"x": {"als": {"mrr@20": 0.1}}})
    assert compare(now, only_theirs, {}, {}).slots == [("X", [None])]


def test_the_same_measurement_is_said_to_be_comparable() -> None:
    """Same data, weeks and queries: what differs is the model's doing."""
    now, before = (manifest(metrics={"x": endcap(value)}, data=DATA) for value in (0.2, 0.1))
    (note,) = compare(now, before, {}, {}).notes
    assert note.startswith("The same data set, weeks and numbers of queries")


@pytest.mark.parametrize(
    ("changed", "queries", "note"),
    [
        ({"fingerprint": "f2"}, 50, "different data sets"),
        ({"last_day": "2026-10-24"}, 50, "before 2026-10-01 to 2026-10-24, now 2026-10-01 to 2026-10-31"),
        ({}, 40, "Another sample: X 40 queries before, 50 now."),
    ],
)
def test_what_makes_figures_incomparable_is_noted(
    changed: dict[str, str | int | float], queries: int, note: str
) -> None:
    """Other data, other weeks or another sample, each in a sentence; then nothing is called the same."""
    now = manifest(metrics={"x": endcap(0.2)}, data=DATA)
    before = manifest(metrics={"x": endcap(0.2, queries)}, data=DATA | changed)
    (told,) = compare(now, before, {}, {}).notes
    assert note in told


def test_another_shop_is_noted() -> None:
    """Somebody may compare two shops on purpose; the page says that they did."""
    assert compare(manifest(), manifest(shop="other"), {}, {}).notes == ["The bundle before is of another shop, other."]


def test_sizes_data_and_code_that_differ_are_listed() -> None:
    """Numbers with their difference, texts without; what is equal is not listed, what is missing is a dash."""
    now = manifest(data=DATA | {"code": "c2", "products": 120, "parity": 2e-6, "gain:a": 1.0})
    before = manifest(data=DATA | {"parity": 1e-6, "old_key": 1})
    got = compare(now, before, {"pairs": 10.0, "MiB on disk": 1.5}, {"pairs": 12.0, "MiB on disk": 1.5})
    assert got.facts == [
        Fact("code version", "c1", "c2", ""),
        Fact("products", "100", "120", "+20"),
        Fact("parity", "1e-06", "2e-06", "+1e-06"),
        Fact("old key", "1", "–", ""),
        Fact("pairs", "12", "10", "-2"),
    ]


def test_features_that_moved_come_largest_first() -> None:
    """New ones rose from zero, gone ones fell to it; a model the older bundle lacks did not move."""
    now = manifest(data={"gain:a": 0.5, "gain:b": 0.25, "gain:new": 0.25, "gain:same": 0.0001, "session_gain:x": 1.0})
    before = manifest(data={"gain:a": 0.6, "gain:b": 0.1, "gain:gone": 0.3, "gain:same": 0.0})
    moved = [
        (model, name, round(change.difference, 6)) for model, name, change in compare(now, before, {}, {}).features
    ]
    assert moved == [("ranker", "gone", -0.3), ("ranker", "new", 0.25), ("ranker", "b", 0.15), ("ranker", "a", -0.1)]


def bundle(root: Path, one: Manifest) -> Path:
    """A bundle with nothing but this manifest and a file."""
    return write_bundle(root, one, {INDEX: Part(b"not really onnx", {})})


def test_the_newest_older_bundle_is_taken(tmp_path: Path) -> None:
    """Of four, the second; neither the newer one nor the half of a run that was stopped."""
    made = [bundle(tmp_path, manifest(f"2026112{day}T100000Z-0000")) for day in range(1, 5)]
    (tmp_path / "demo" / ".20261122T110000Z-0000.77").mkdir()
    assert newest_before(made[2], manifest(made[2].name)) == (made[1], [])


def test_a_damaged_older_bundle_is_passed_over(tmp_path: Path) -> None:
    """The one before it is taken, and the reason is told."""
    made = [bundle(tmp_path, manifest(f"2026112{day}T100000Z-0000")) for day in range(1, 4)]
    (made[1] / "ranker.onnx").write_bytes(b"other")
    found, skipped = newest_before(made[2], manifest(made[2].name))
    assert found == made[0]
    assert len(skipped) == 1
    assert "ranker.onnx is damaged" in skipped[0]


def test_the_first_bundle_has_none_before_it(tmp_path: Path) -> None:
    """No older one, or only one of another shop laid beside it."""
    one = manifest("20261122T100000Z-0000")
    directory = bundle(tmp_path, one)
    assert newest_before(directory, one) == (None, [])
    other = bundle(tmp_path, manifest("20261121T100000Z-0000", shop="other"))
    other.rename(directory.parent / other.name)
    assert newest_before(directory, one) == (None, [])


def test_what_is_no_bundle_is_passed_over(tmp_path: Path) -> None:
    """A directory somebody made, and a manifest that is none."""
    one = manifest("20261122T100000Z-0000")
    directory = bundle(tmp_path, one)
    (directory.parent / "2026-notes").mkdir()
    (directory.parent / "20260101-broken").mkdir()
    (directory.parent / "20260101-broken" / MANIFEST).write_text("{}")
    found, skipped = newest_before(directory, one)
    assert found is None
    assert len(skipped) == 2


def test_the_lead_is_compared_too() -> None:
    """It is the last column, with its own interval; a slot without one leaves it open."""
    then, today = ({"lead": at, "lead_low": at - 0.01, "lead_high": at + 0.01} for at in (0.02, 0.05))
    now = manifest(metrics={"x": {"endcap": {"ndcg@10": 0.2} | today}, "y": endcap(0.1)})
    before = manifest(metrics={"x": {"endcap": {"ndcg@10": 0.2} | then}, "y": endcap(0.1)})
    got = compare(now, before, {}, {})
    assert got.metrics == ["NDCG@10", "Lead"]
    lead = got.slots[0][1][1]
    assert lead is not None
    assert (lead.before, lead.now, lead.within) == (0.02, 0.05, False)
    assert got.slots[1][1][1] is None
