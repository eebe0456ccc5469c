"""Files of sessions: read as they are meant, refused with file, line and remedy."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.visits import clicks_of, ring, write_questions, write_sessions
from training.sessions.clicks import Question, SessionsError, read_questions, read_sessions

READERS = {"sessions": read_sessions, "questions": read_questions}


def test_sessions_are_read_in_order(tmp_path: Path) -> None:
    """Ids sorted by length, then text, so that numbers stand as numbers; empty lines are skipped."""
    path = tmp_path / "train.txt"
    path.write_text("10 9\n\n9 100 9\n  10  \n")
    clicks = read_sessions(path)
    assert clicks.ids == ["9", "10", "100"]
    assert [clicks.session(number).tolist() for number in range(len(clicks))] == [[1, 0], [0, 2, 0], [1]]
    assert clicks.items.dtype == np.int32
    assert clicks.ptr.dtype == np.int64


def test_gzip_and_plain_read_the_same(tmp_path: Path) -> None:
    """The suffix decides."""
    sessions = ring(20, seed=3)
    plain = read_sessions(write_sessions(tmp_path / "a.txt", sessions))
    packed = read_sessions(write_sessions(tmp_path / "a.txt.gz", sessions))
    assert plain.ids == packed.ids
    np.testing.assert_array_equal(plain.items, packed.items)
    np.testing.assert_array_equal(plain.ptr, packed.ptr)
    asked = [read_questions(write_questions(tmp_path / name, sessions)) for name in ("q.txt", "q.txt.gz")]
    assert asked[0] == asked[1]


def test_questions_keep_the_ids_of_the_file(tmp_path: Path) -> None:
    """Also ids the training file never had; Windows line ends do no harm."""
    path = tmp_path / "test.txt"
    path.write_bytes("1 2\t3\r\nkäse\t1\n".encode())
    assert read_questions(path) == [Question(("1", "2"), "3"), Question(("käse",), "1")]


def test_before_and_session_of_tell_sessions_apart() -> None:
    """The oldest two of three, with their clicks only and the same ids; the session of every click."""
    clicks = clicks_of("ab", "c", "bca")
    assert clicks.session_of().tolist() == [0, 0, 1, 2, 2, 2]
    earlier = clicks.before(2)
    assert len(earlier) == 2
    assert earlier.items.tolist() == [0, 1, 2]
    assert earlier.session(1).tolist() == [2]
    assert earlier.ids == clicks.ids
    assert len(clicks.before(0)) == 0


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), min_size=1, max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, sessions: list[list[str]]) -> None:
    """Every session comes back, click by click, where one of them has two clicks."""
    path = write_sessions(tmp_path_factory.mktemp("written") / "train.txt", sessions)
    if not any(len(session) > 1 for session in sessions):
        with pytest.raises(SessionsError, match="two clicks or more"):
            read_sessions(path)
        return
    clicks = read_sessions(path)
    assert [[clicks.ids[item] for item in clicks.session(at)] for at in range(len(clicks))] == sessions


def scrambled(text: str) -> bytes:
    """Gzip with its compressed data spoilt, its header whole."""
    packed = bytearray(gzip.compress(text.encode()))
    packed[12:40] = b"\xff" * 28
    return bytes(packed)


UNREADABLE: dict[str, Callable[[Path], Path]] = {
    "missing": lambda root: root / "nowhere.txt",
    "a directory": lambda root: root,
    "not gzip": lambda root: file(root / "plain.gz", b"1 2\n"),
    "half a gzip": lambda root: file(root / "half.gz", gzip.compress(b"1 2\t3\n" * 1000)[:-12]),
    "gzip gone bad": lambda root: file(root / "bad.gz", scrambled("".join(f"{at} {at * at}\n" for at in range(500)))),
    "not UTF-8": lambda root: file(root / "latin.txt", b"1 2\t3\n\xe4 2\t3\n"),
    "not UTF-8 in gzip": lambda root: file(root / "latin.gz", gzip.compress(b"\xff\xfe 2\t3\n")),
}


def file(path: Path, data: bytes) -> Path:
    """A file with these bytes."""
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("damage", UNREADABLE)
def test_an_unreadable_file_is_named(tmp_path: Path, reader: str, damage: str) -> None:
    """One error of ours, with the path and what the file should be, for training and test files alike."""
    path = UNREADABLE[damage](tmp_path)
    with pytest.raises(SessionsError, match=r"cannot be read: .*; sessions are UTF-8 text, plain or gzip") as refused:
        READERS[reader](path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n \n", "1\n2\n3\n"], ids=["empty", "blank", "one click each"])
def test_a_training_file_needs_a_session_of_two_clicks(tmp_path: Path, text: str) -> None:
    """There is no next click to learn from; the error says how a line should look."""
    path = file(tmp_path / "train.txt", text.encode())
    with pytest.raises(SessionsError, match="no session of two clicks or more; one session a line") as refused:
        read_sessions(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("line", ["1 2 3", "\t3", " \t3", "1 2\t", "1 2\t3 4", "1\t2\t3"])
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    """File, number of the line as an editor counts, what it holds and what it should."""
    path = file(tmp_path / "test.txt", f"1\t2\n\n{line}\n".encode())
    with pytest.raises(SessionsError, match=r"line 3: .* is not `id id ...<TAB>next id`") as refused:
        read_questions(path)
    assert str(path) in str(refused.value)


def test_a_long_bad_line_is_cut(tmp_path: Path) -> None:
    """An error stays one line one can read."""
    path = file(tmp_path / "test.txt", b"7 " * 5_000)
    with pytest.raises(SessionsError) as refused:
        read_questions(path)
    assert len(str(refused.value)) < 200 + len(str(path))


def test_an_empty_test_file_is_refused(tmp_path: Path) -> None:
    """Nothing to measure is not a rate of zero."""
    with pytest.raises(SessionsError, match="is empty; a test file has"):
        read_questions(file(tmp_path / "test.txt", b"\n"))
