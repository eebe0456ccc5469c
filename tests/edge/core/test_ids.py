"""Ids in mapped arrays: they answer as a list and a dict would, and refuse arrays that are not theirs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.core import ids as module
from edge.core.errors import BundleError
from edge.core.ids import KEYS, ORDER, Ids, check_utf8, id_arrays, key_of, keys_of

Arrays = dict[str, NDArray[Any]]

NUMBERS = st.integers(0, 10**20).map(str)
WORDS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
NEARLY = st.sampled_from(["0", "00", "007", "-1", "+1", " 1", "1 ", "1_0", "1.0", "١٢", "²", "9" * 18, "9" * 19, "1e3"])
ID = NUMBERS | WORDS | NEARLY


def arrays_of(*ids: str) -> Arrays:
    """What training writes for these products."""
    texts = np.array([id_.encode() for id_ in ids], np.bytes_)
    return {"ids": texts} | id_arrays(texts)


@given(st.lists(ID, unique=True, max_size=40), st.lists(ID, max_size=10))
def test_they_answer_as_a_list_and_a_dict_would(given_ids: list[str], strangers: list[str]) -> None:
    """Every id by position, every position by id, one at a time and all at once, strangers among them."""
    ids, position = Ids.of(given_ids), {id_: at for at, id_ in enumerate(given_ids)}
    asked = [*strangers, *given_ids, *strangers]
    assert list(ids) == given_ids
    assert len(ids) == len(ids.position) == len(given_ids)
    assert [ids[at] for at in range(len(ids))] == given_ids
    assert ids.take(np.arange(len(ids))) == given_ids
    assert [ids.position.get(id_) for id_ in asked] == [position.get(id_) for id_ in asked]
    assert [id_ in ids for id_ in asked] == [id_ in ids.position for id_ in asked] == [id_ in position for id_ in asked]
    assert ids.position.locate(asked).tolist() == [position.get(id_, -1) for id_ in asked]
    assert ids.positions(iter(asked)).tolist() == [position[id_] for id_ in asked if id_ in position]


@given(st.lists(ID, unique=True, min_size=1, max_size=40))
def test_keys_are_the_same_one_by_one_and_all_at_once(given_ids: list[str]) -> None:
    """Training reads digits by the block, serving one id at a time: both must see the same number."""
    texts = np.array([id_.encode() for id_ in given_ids], np.bytes_)
    assert keys_of(texts).tolist() == [key_of(id_) for id_ in given_ids]


@pytest.mark.parametrize("id_", ["0", "7", "123456789012345678"])
def test_the_key_of_a_decimal_is_its_value(id_: str) -> None:
    """So stored profiles may hold numbers instead of texts."""
    assert key_of(id_) == int(id_)


@pytest.mark.parametrize("id_", ["", "00", "01", "-1", "1" * 19, "1_0", " 1", "١", "²", "tea", "\ud800"])
def test_the_key_of_anything_else_is_negative(id_: str) -> None:
    """Only the canonical spelling of a number is that number; and no text makes the key raise."""
    assert key_of(id_) < 0


def test_an_unknown_id_has_a_default_and_no_item() -> None:
    """As in a dict."""
    position = Ids.of(["1", "tea"]).position
    assert position.get("2", -1) == -1
    assert position.get("cake") is None
    assert position["tea"] == 1
    with pytest.raises(KeyError, match="cake"):
        position["cake"]


def test_positions_outside_raise() -> None:
    """As in a list; and from the end it counts back."""
    ids = Ids.of(["1", "tea"])
    assert ids[-1] == "tea"
    with pytest.raises(IndexError):
        ids[2]


def test_what_is_no_text_is_not_among_them() -> None:
    """`in` answers for any object."""
    assert 1 not in Ids.of(["1"])


def test_equal_ids_are_equal_however_they_are_held() -> None:
    """Two parts of a bundle that number products alike compare equal; others do not, nor do lists."""
    assert Ids.of(["1", "tea"]) == Ids.of(["1", "tea"])
    assert Ids.of(["1", "tea"]) != Ids.of(["tea", "1"])
    assert Ids.of(["1"]) != ["1"]


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> Ids:
    """Six products of which all but one number share one hash."""
    monkeypatch.setattr(module, "_hashed", lambda _: -5)
    return Ids.of(["tea", "12", "cake", "käse", "soap", "-1"])


def test_products_whose_hashes_collide_are_told_apart(colliding: Ids) -> None:
    """By their bytes, one at a time and all at once; a stranger with the same hash is a miss."""
    names = ["tea", "12", "cake", "käse", "soap", "-1"]
    assert [colliding.position.get(id_) for id_ in names] == list(range(6))
    assert colliding.position.locate([*names, "stranger"]).tolist() == [0, 1, 2, 3, 4, 5, -1]
    assert "stranger" not in colliding


def test_a_hash_alone_finds_nothing(colliding: Ids) -> None:
    """Stored hashes come with their bytes; without them, or with others, the product is not guessed at."""
    find, keys = colliding.position.find, np.array([-5, 12, -5, 13])
    assert find(keys).tolist() == [-1, 1, -1, -1]
    assert find(keys, [b"soap"]).tolist() == [4, 1, -1, -1]
    assert find(keys, [b"nobody", b"cake"]).tolist() == [-1, 1, 2, -1]


def test_a_product_named_twice_is_refused_among_collisions(colliding: Ids) -> None:
    """Equal keys are no proof of equal ids, equal bytes are."""
    with pytest.raises(BundleError, match="'ids' names a product twice"):
        Ids.of(["tea", "cake", "soap", "cake"])


@pytest.mark.parametrize("size", [1_023, 1_024, 1_025, 3_000])
def test_every_product_is_found_across_the_steps_of_the_guide(size: int) -> None:
    """One key in 1,024 is held in memory; searches at the edges of these steps must not miss."""
    names = [str(at * 3) if at % 2 else f"p{at}" for at in range(size)]
    ids = Ids.of(names)
    assert [ids.position.get(id_) for id_ in names] == list(range(size))
    assert ids.position.locate(names).tolist() == list(range(size))
    assert all(ids.position.get(str(at * 3 + 1)) is None for at in range(size))


def test_a_run_of_equal_hashes_may_cross_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand products with one hash: each is found by its bytes."""
    monkeypatch.setattr(module, "_hashed", lambda _: -5)
    names = [f"p{at}" for at in range(2_100)]
    ids = Ids.of(names)
    assert [ids.position.get(id_) for id_ in names[::50]] == list(range(0, 2_100, 50))


def test_written_arrays_and_those_made_at_load_find_the_same() -> None:
    """A bundle of an older trainer has only the ids: the rest is made from them."""
    names = ["tea", "12", "käse", "007", "7", "x" * 128]
    written, made = arrays_of(*names), {"ids": arrays_of(*names)["ids"]}
    assert Ids.from_arrays(written).position.locate(names).tolist() == list(range(6))
    assert Ids.from_arrays(made).position.locate(names).tolist() == list(range(6))


def test_written_arrays_are_not_copied() -> None:
    """Processes share what they map."""
    arrays = arrays_of("tea", "12", "käse")
    position = Ids.from_arrays(arrays).position
    assert np.shares_memory(position._sorted, arrays[KEYS])
    assert np.shares_memory(position._order, arrays[ORDER])


def changed(name: str, at: int, value: int) -> Callable[[Arrays], Arrays]:
    """Arrays of which one value is another."""

    def change(arrays: Arrays) -> Arrays:
        other = arrays[name].copy()
        other[at] = value
        return arrays | {name: other}

    return change


CORRUPT: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "a key too few": (lambda arrays: arrays | {KEYS: arrays[KEYS][1:]}, "do not hold an int64 and an int32"),
    "narrow keys": (lambda arrays: arrays | {KEYS: arrays[KEYS].astype(np.int32)}, "do not hold an int64"),
    "floats": (lambda arrays: arrays | {ORDER: arrays[ORDER].astype(np.float32)}, "do not hold an int64"),
    "a position twice": (changed(ORDER, 0, 1), "does not name each of 4 positions once"),
    "a position too far": (changed(ORDER, 0, 4), "does not name each"),
    "a position below": (changed(ORDER, 0, -1), "does not name each"),
    "a number of another product": (changed(KEYS, 3, 99), "does not hold the keys"),
    "a hash of another product": (changed(KEYS, 0, -99), "does not hold the keys"),
    "a hash for a number": (changed(KEYS, 3, -99), "does not hold the keys"),
    "another order": (lambda arrays: arrays | {ORDER: arrays[ORDER][::-1].copy()}, "does not hold the keys"),
    "falling": (lambda arrays: {n: a if n == "ids" else a[::-1].copy() for n, a in arrays.items()}, "does not rise"),
    "other ids": (lambda arrays: arrays | {"ids": np.array([b"a", b"b", b"c", b"d"])}, "does not hold the keys"),
    "no text": (lambda arrays: arrays | {"ids": np.array([b"\xff", b"b", b"c", b"d"])}, "'ids' is not UTF-8"),
}


@pytest.mark.parametrize("case", sorted(CORRUPT))
def test_arrays_that_do_not_belong_together_are_refused(case: str) -> None:
    """By name, and with what to do about it."""
    change, told = CORRUPT[case]
    with pytest.raises(BundleError, match=told):
        Ids.from_arrays(change(arrays_of("tea", "5", "7", "cake")))


def test_ids_are_checked_beyond_ascii() -> None:
    """Letters of any alphabet pass; bytes that are none do not, wherever they stand."""
    check_utf8("ids", np.array(["käse".encode(), "茶".encode()]))
    many = np.array([b"p%d" % at for at in range(70_000)])
    many[69_999] = b"\xe4"
    with pytest.raises(BundleError, match="'names' is not UTF-8"):
        check_utf8("names", many)


_SHARE = """
import sys, numpy as np
from edge.core.ids import Ids
ids = Ids.from_arrays({name: np.load(f"{sys.argv[1]}/{name}.npy", mmap_mode="r") for name in sys.argv[2:]})
assert ids.position.get("150000") == 50000 and ids[-1] == "399999"
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")  # because only Linux tells what a process shares
def test_two_processes_share_their_pages(tmp_path: Path) -> None:
    """Of the mapped arrays nothing is private to a process: neither a list nor a dict grew beside them."""
    for name, array in arrays_of(*map(str, range(100_000, 400_000))).items():
        np.save(tmp_path / f"{name}.npy", array)
    command = [sys.executable, "-c", _SHARE, str(tmp_path), "ids", KEYS, ORDER]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        for _ in range(2)
    ]
    try:
        for one in started:
            assert one.stdout is not None
            assert one.stdout.readline() == b"\n"
        private, shared = _mapped(started[0].pid, str(tmp_path))
    finally:
        for one in started:
            one.communicate(b"", timeout=60)
    assert private == 0
    assert shared > 300_000 * (6 + 8 + 4) * 0.9 / 1024


def _mapped(pid: int, below: str) -> tuple[int, int]:
    """Kibibytes of a process that map files below a directory: private to it, and shared with others."""
    private = shared = 0
    ours = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            ours = below in line
        elif ours and name.startswith("Private_"):
            private += int(rest[0])
        elif ours and name.startswith("Shared_"):
            shared += int(rest[0])
    return private, shared
