"""A place to import into: a data directory, the shared store, and what the log then holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from redis import Redis

from backend.event_log.store import EventLog
from backend.imports.run import Declared
from backend.settings import Settings
from edge.core.keys import PseudonymKey, pseudonym
from tests.serving import KEY
from training import engine as engines

ALL = Declared(("personalization", "analytics", "marketing"))


@pytest.fixture
def settings(tmp_path: Path, session_store: str, redis: "Redis") -> Settings:
    """The backend's settings, for a data directory of the test's own."""
    return Settings(redis_url=session_store, data_dir=tmp_path / "data", pseudonym_key=KEY)


def named(kind: Any, id_: str) -> str:
    """The pseudonym under the tests' key."""
    return pseudonym(PseudonymKey.from_hex(KEY), "demo", kind, id_)


def logged(settings: Settings, **only: str) -> list[dict[str, Any]]:
    """The rows of the shop's log that have these values, in order of time, each event once."""
    log = EventLog.open(settings.event_log, settings.data_dir)
    assert log is not None
    engine = engines.connect()
    with log.read(engine, settings.shop) as rows:
        table: pa.Table = engines.arrow(engine, rows.order_by("time", "event_id", "line"))
    engine.disconnect()
    found: list[dict[str, Any]] = table.to_pylist()
    return [row for row in found if all(row[name] == value for name, value in only.items())]


@pytest.fixture
def told() -> list[tuple[str, int, int]]:
    """What an import has told of its progress."""
    return []


@pytest.fixture
def tell(told: list[tuple[str, int, int]]) -> Callable[[str, int, int], None]:
    """Where an import tells of its progress."""
    return lambda what, done, total: told.append((what, done, total))
