"""Sessions of clicks as two flat arrays, and the files of the benchmark they are read from.

In: a training file (one session a line, oldest first, product ids separated by spaces, oldest click first) and a test
file (`ids<TAB>next id`), plain or gzip. Out: `Clicks`, and test `Questions`.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.core.errors import EndcapError
from edge.core.index import Ints


class SessionsError(EndcapError):
    """A file of sessions that cannot be used; the text names file, line and remedy."""


@dataclass(frozen=True, eq=False)
class Clicks:
    """Sessions, oldest first: `items` of session s are `items[ptr[s]:ptr[s + 1]]`, positions in `ids`."""

    ids: list[str]
    items: Ints
    ptr: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ptr) - 1

    def before(self, end: int) -> "Clicks":
        """The oldest `end` sessions."""
        return Clicks(self.ids, self.items[: self.ptr[end]], self.ptr[: end + 1])

    def session(self, number: int) -> Ints:
        """The clicks of one session, oldest first."""
        return self.items[self.ptr[number] : self.ptr[number + 1]]

    def session_of(self) -> Ints:
        """The session of every click."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.ptr))


@dataclass(frozen=True)
class Question:
    """The clicks of a visit so far, oldest first, and the one that came next; ids as in the file."""

    clicks: tuple[str, ...]
    answer: str


def read_sessions(path: Path) -> Clicks:
    """Read a training file. Raises SessionsError when it is unreadable or holds no session of two clicks."""
    sessions = [line.split() for _, line in _lines(path)]
    ids = sorted({id_ for session in sessions for id_ in session}, key=lambda id_: (len(id_), id_))
    if not any(len(session) > 1 for session in sessions):
        raise SessionsError(f"{path} holds no session of two clicks or more; one session a line, ids between spaces")
    position = {id_: at for at, id_ in enumerate(ids)}
    items = np.array([position[id_] for session in sessions for id_ in session], np.int32)
    ptr = np.concatenate([[0], np.cumsum([len(session) for session in sessions])])
    return Clicks(ids, items, ptr.astype(np.int64))


def read_questions(path: Path) -> list[Question]:
    """Read a test file. Raises SessionsError naming the first line that is not `ids<TAB>id`."""
    questions = []
    for number, line in _lines(path):
        given, tab, answer = line.partition("\t")
        if not tab or not given.split() or len(answer.split()) != 1:
            raise SessionsError(f"{path}, line {number}: {line[:60]!r} is not `id id ...<TAB>next id`")
        questions.append(Question(tuple(given.split()), answer.strip()))
    if not questions:
        raise SessionsError(f"{path} is empty; a test file has one `id id ...<TAB>next id` a line")
    return questions


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.rstrip("\n")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise SessionsError(f"{path} cannot be read: {error}; sessions are UTF-8 text, plain or gzip") from error
