"""A made-up stream of clicks with structure in it, and the next-click bundle trained on it, made once for all tests.

Products stand in a ring. A visitor mostly goes on to the next product, sometimes back to one seen before, sometimes
anywhere: who knows the order foresees most clicks, who knows only what is popular few.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.sharing import once
from training.sessions import benchmark, encoder, model, tuning
from training.sessions.benchmark import Result
from training.sessions.clicks import Clicks
from training.sessions.ranker import Forest
from training.stages import Stages

PRODUCTS = 80
Sessions = Sequence[Sequence[str]]


def ring(count: int, seed: int, products: int = PRODUCTS) -> list[list[str]]:
    """Sessions of two to six clicks along the ring."""
    rng = np.random.default_rng(seed)
    sessions = []
    for _ in range(count):
        session = [int(rng.integers(products))]
        for _ in range(int(rng.integers(1, 6))):
            luck = rng.random()
            further = (session[-1] + 1) % products if luck < 0.75 else int(rng.choice(session))
            session.append(further if luck < 0.85 else int(rng.integers(products)))
        sessions.append([f"p{item}" for item in session])
    return sessions


def write_sessions(path: Path, sessions: Sessions) -> Path:
    """A training file, gzip where its name says so."""
    return _write(path, "".join(" ".join(session) + "\n" for session in sessions))


def write_questions(path: Path, sessions: Sessions) -> Path:
    """A test file: every session before each of its clicks but the first."""
    asked = [(session[:place], session[place]) for session in sessions for place in range(1, len(session))]
    return _write(path, "".join(" ".join(given) + "\t" + answer + "\n" for given, answer in asked))


def _write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def clicks_of(*sessions: str, ids: str = "") -> Clicks:
    """Sessions of products named by one letter each, oldest first; `ids` are more letters than are clicked."""
    names = sorted({*ids, *"".join(sessions)})
    items = np.array([names.index(letter) for session in sessions for letter in session], np.int32)
    return Clicks(names, items, np.cumsum([0, *map(len, sessions)]).astype(np.int64))


def quiet(shares: dict[str, float] | None = None) -> Stages:
    """Stages that show nothing."""
    return Stages(benchmark.STAGES if shares is None else shares, Console(quiet=True))


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Small forests, short vectors, few epochs: every step is taken, none of them long."""
    patch.setattr(tuning, "FORESTS", (Forest(10, 7), Forest(30, 7), Forest(10, 15)))
    patch.setattr(model, "_EPOCHS", (1, 4))
    patch.setattr(model, "_DIMENSIONS", 16)
    patch.setattr(encoder, "_NEGATIVES", 128)
    patch.setattr(encoder, "_BATCH", 128)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training in a second or two."""
    make_quick(monkeypatch)


@dataclass(frozen=True)
class Files:
    """A training and a test file, and what they were written from."""

    train: Path
    test: Path
    sessions: Sessions
    asked: Sessions


@pytest.fixture(scope="session")
def ring_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """600 sessions to learn from and 60 later ones."""

    def make(root: Path) -> Files:
        sessions, asked = ring(600, seed=1), ring(60, seed=2)
        return Files(
            write_sessions(root / "train.txt.gz", sessions), write_questions(root / "test.txt", asked), sessions, asked
        )

    return once(tmp_path_factory.getbasetemp(), "ring", make)


@pytest.fixture(scope="session")
def ring_result(ring_files: Files, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The benchmark over them; `bundle` is the trained bundle."""

    def make(bundles: Path) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            make_quick(patch)
            return benchmark.run(ring_files.train, ring_files.test, bundles, 1, quiet())

    return once(tmp_path_factory.getbasetemp(), "ring-result", make)
