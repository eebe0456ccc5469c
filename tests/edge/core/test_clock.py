"""The clock: the machine's, or a simulation's file."""

import time
from pathlib import Path

import pytest

from edge.core import clock


def test_without_a_simulation_it_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unix seconds, now."""
    monkeypatch.setattr("edge.core.clock.simulated", None)
    before = time.time()
    assert before <= clock.now() <= time.time()


def test_a_simulation_moves_it_by_writing_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look reads it anew."""
    file = tmp_path / "clock"
    monkeypatch.setattr("edge.core.clock.simulated", str(file))
    file.write_text("1760000000.5")
    assert clock.now() == 1760000000.5
    file.write_text("1760086400\n")
    assert clock.now() == 1760086400


@pytest.mark.parametrize("text", ["", "noon", None])
def test_a_file_without_a_time_is_said_so(text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serving a wrong day in silence would be worse than stopping."""
    file = tmp_path / "clock"
    monkeypatch.setattr("edge.core.clock.simulated", str(file))
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=f"ENDCAP_CLOCK_FILE names {file}"):
        clock.now()
