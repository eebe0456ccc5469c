"""The state of releases: what is live, what waits, what is returned to, what is kept; many hands at once."""

import multiprocessing
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from backend.release.state import Candidate, Release, ReleaseError, ShopState
from edge.core.bundle import Golden, Live, Manifest, read_live, write_bundle, write_live
from edge.core.errors import BundleError

V = [f"2026010{day}T000000Z-0000" for day in range(1, 8)]


def bundle(root: Path, version: str) -> None:
    """A bundle with nothing in it."""
    write_bundle(
        root, Manifest(version, "demo", "2026-01-01T00:00:00+00:00", (), {}, {}, Golden([], []), {}, {}, {}), {}
    )


@pytest.fixture
def state(tmp_path: Path) -> ShopState:
    """A shop with seven bundles, none of them live."""
    for version in V:
        bundle(tmp_path, version)
    return ShopState(tmp_path, "demo")


def live_of(state: ShopState) -> str:
    """What serves."""
    return read_live(state.bundles, "demo").live


def candidate(version: str, **fields: object) -> Candidate:
    """A candidate that was just trained."""
    return msgspec.structs.replace(Candidate(version, "2026-01-01T00:00:00+00:00", "f", "2025-12-31"), **fields)


def test_nothing_yet(tmp_path: Path) -> None:
    """A shop nobody trained for: no error, nothing there."""
    state = ShopState(tmp_path, "demo")
    assert (state.live(), state.candidate(), state.attempt(), state.releases(), state.kept()) == (
        None, None, None, [], [],
    )  # fmt: skip
    with pytest.raises(ReleaseError, match="no live model"):
        state.rollback()
    with pytest.raises(BundleError, match="kept of shop 'demo': none"):
        state.publish(V[0])


def test_publish_and_roll_back(state: ShopState) -> None:
    """Back step by step; what was withdrawn is not returned to; at the beginning there is nothing before."""
    for version in V[2:5]:
        state.publish(version)
    assert state.rollback().before == V[4]
    assert live_of(state) == V[3]
    state.rollback()
    assert live_of(state) == V[2]
    state.rollback()
    assert live_of(state) == V[1]  # never published, but kept and older
    state.rollback()
    with pytest.raises(ReleaseError, match="nothing was live before"):
        state.rollback()
    assert live_of(state) == V[0]


def test_roll_back_to_any_kept_version(state: ShopState) -> None:
    """By name, also forward; one that is not there is an error that names those that are."""
    state.publish(V[3])
    assert state.rollback(V[0]).live == Live(V[0])
    assert state.rollback(V[6]).before == V[0]
    with pytest.raises(BundleError, match=V[5]):
        state.rollback("20260109T000000Z-0000")
    assert live_of(state) == V[6]


def test_published_again_is_no_longer_withdrawn(state: ShopState) -> None:
    """The last word counts."""
    state.publish(V[0])
    state.publish(V[1])
    state.rollback()
    state.publish(V[1])
    state.publish(V[2])
    state.rollback()
    assert live_of(state) == V[1]


def test_other_hands_are_noticed(state: ShopState) -> None:
    """A training run that published by itself is part of the line."""
    write_live(state.bundles, "demo", Live(V[0]))
    state.publish(V[1])
    write_live(state.bundles, "demo", Live(V[4]))
    state.publish(V[5])
    assert [one.version for one in state.releases()] == [V[0], V[1], V[4], V[5]]
    state.rollback()
    assert live_of(state) == V[4]


def test_publishing_ends_a_canary(state: ShopState) -> None:
    """Everybody gets the model published."""
    state.publish(V[0])
    state.change_live(lambda live: msgspec.structs.replace(live, canary=V[1], percent=10))
    assert state.live() == Live(V[0], V[1], 10)
    state.publish(V[1])
    assert state.live() == Live(V[1])


def test_a_canary_needs_a_live_model_and_leaves_it_alone(state: ShopState) -> None:
    """Canary and shadow change by `change_live`, the serving version does not."""
    with pytest.raises(ReleaseError, match="no live model"):
        state.change_live(lambda live: live)
    state.publish(V[0])
    with pytest.raises(ReleaseError, match="publish and rollback only"):
        state.change_live(lambda _: Live(V[1]))
    assert live_of(state) == V[0]


def test_a_damaged_live_file_is_mended_by_publishing(state: ShopState) -> None:
    """Naming a version is the remedy; reading it is an error till then."""
    (state.directory / "live.json").write_text("?")
    with pytest.raises(BundleError, match="damaged"):
        state.live()
    state.publish(V[2])
    assert live_of(state) == V[2]


def test_damaged_notes_are_said(state: ShopState) -> None:
    """With the file's name."""
    (state.directory / "candidate.json").write_text("?")
    with pytest.raises(ReleaseError, match=r"candidate\.json is damaged"):
        state.candidate()


def test_the_candidate_is_settled_once_it_is_the_one(state: ShopState) -> None:
    """A verdict on one that was replaced meanwhile changes nothing."""
    assert not state.settle(V[0], "waiting")
    state.put_candidate(candidate(V[1]))
    assert state.settle(V[1], "refused", ("too slow",))
    assert not state.settle(V[0], "waiting")
    found = state.candidate()
    assert found is not None
    assert (found.stage, found.refusals) == ("refused", ("too slow",))
    state.publish(V[1])
    published = state.candidate()
    assert published is not None
    assert published.stage == "published"


def test_old_bundles_are_pruned(state: ShopState) -> None:
    """The oldest go; live, canary, the one before and a waiting candidate stay, however old."""
    for version in (V[1], V[3]):
        state.publish(version)
    state.put_candidate(candidate(V[2], stage="waiting"))
    state.change_live(lambda live: msgspec.structs.replace(live, canary=V[0], percent=5))
    assert state.prune(10) == []
    assert state.prune(5) == [V[4], V[5]]
    assert state.prune(2) == [V[6]]
    assert state.kept() == [V[0], V[1], V[2], V[3]]
    state.settle(V[2], "rejected")
    assert state.prune(2) == [V[2]]
    assert not [path for path in state.directory.iterdir() if path.name.startswith(".gone")]


def test_the_line_of_releases_is_capped(state: ShopState) -> None:
    """It does not grow for ever."""
    for turn in range(210):
        state.publish(V[turn % 2])
    line = state.releases()
    assert len(line) == 200
    assert line[-1] == Release(V[1], line[-1].time)


def _hammer(root: Path, name: int) -> None:
    state = ShopState(root, "demo")
    for turn in range(25):
        if name == 0:
            state.publish(V[turn % 3])
        elif name == 1:
            state.change_live(lambda live: msgspec.structs.replace(live, canary=V[5], percent=live.percent % 100 + 1))
        else:
            state.rollback(V[3 + turn % 2])


def test_many_hands_at_once(state: ShopState) -> None:
    """Publishing, canary and rollback from three processes: no change is lost, every file is whole."""
    state.publish(V[0])
    context = multiprocessing.get_context("spawn")
    hands = [context.Process(target=_hammer, args=(state.bundles, name)) for name in range(3)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert [hand.exitcode for hand in hands] == [0, 0, 0]
    now, line = state.live(), state.releases()
    assert now is not None
    assert line[-1].version == now.live
    assert all(a.version != b.version for a, b in pairwise(line))


def test_a_damaged_live_json_can_be_rolled_back_by_name(state: ShopState) -> None:
    """Naming a version is the remedy; without a name nobody knows what was before, and nothing is changed."""
    state.publish(V[0])
    (state.directory / "live.json").write_text("?")
    with pytest.raises(BundleError, match="damaged"):
        state.rollback()
    with pytest.raises(BundleError, match="damaged"):
        state.prune(2)
    assert state.rollback(V[1]).before is None
    assert live_of(state) == V[1]
    assert [(one.version, one.withdrawn) for one in state.releases()] == [(V[0], False), (V[1], False)]


def test_the_serving_version_changes_by_publish_and_rollback_only(state: ShopState) -> None:
    """Whoever changes the canary must not; without a live model there is nothing to change."""
    with pytest.raises(ReleaseError, match="publish one first"):
        state.change_live(lambda live: live)
    state.publish(V[0])
    with pytest.raises(ReleaseError, match="publish and rollback only"):
        state.change_live(lambda _: Live(V[1]))
    assert live_of(state) == V[0]


def test_hidden_directories_are_no_bundles(state: ShopState) -> None:
    """Half-written ones, and those on their way out."""
    (state.directory / V[6]).rename(state.directory / f".gone-{V[6]}")
    assert state.kept() == V[:6]
    with pytest.raises(BundleError, match="no bundle"):
        state.publish(V[6])


@pytest.mark.parametrize("name", ["candidate.json", "attempt.json", "releases.json"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"7", b'[{"version": 1}]'])
def test_every_damaged_note_names_its_remedy(state: ShopState, name: str, content: bytes) -> None:
    """Remove it: what serves does not hang on it."""
    state.publish(V[0])
    (state.directory / name).write_bytes(content)
    with pytest.raises(ReleaseError, match=rf"{name} is damaged.*remove it"):
        {"candidate.json": state.candidate, "attempt.json": state.attempt, "releases.json": state.releases}[name]()
    assert live_of(state) == V[0]
