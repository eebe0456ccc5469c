"""An empty log in each kind of place."""

from pathlib import Path

import pytest

from backend.event_log.store import EventLog
from tests.backend.object_places import PLACES, s3_url


@pytest.fixture(params=PLACES)
def log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventLog:
    """In a directory, in an object store in memory, and in one over HTTP."""
    if request.param == "s3":
        return EventLog(s3_url(monkeypatch))
    return EventLog(str(tmp_path / "events") if request.param == "disk" else "memory:///")
