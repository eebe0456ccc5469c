"""Progress: what each stage took, and what a log shows instead of bars."""

import io

import pytest
from rich.console import Console

from training.stages import Stages


def quiet(**shares: float) -> Stages:
    """Stages nobody watches."""
    return Stages(shares, Console(file=io.StringIO(), width=120))


def test_seconds_are_kept_by_title_in_order() -> None:
    """Also of a stage whose usual share is not known."""
    stages = quiet(read=3, write=1)
    for title in ("read", "unforeseen", "write"):
        with stages.stage(title):
            pass
    assert list(stages.seconds) == ["read", "unforeseen", "write"]
    assert all(value >= 0 for value in stages.seconds.values())


def test_progress_within_a_stage_counts_by_its_share() -> None:
    """Half of three quarters is three eighths; more than all of it is all of it."""
    stages = quiet(read=3, write=1)
    whole = stages._progress.tasks[0]
    with stages.stage("read", total=10) as advance:
        advance(5)
        assert whole.percentage == pytest.approx(37.5)
        advance(99)
        assert whole.percentage == pytest.approx(75)
    assert (whole.completed, stages._progress.tasks[1].finished) == (3, True)


def test_a_stage_without_a_total_counts_when_it_is_over() -> None:
    """What cannot be counted is told as done at its end, and nothing is foretold before anything is done."""
    stages = quiet(read=1, write=1)
    whole = stages._progress.tasks[0]
    with stages.stage("read") as advance:
        advance(7)
        assert (whole.completed, whole.fields["left"]) == (0, "")
    assert whole.completed == 1


def test_a_stage_that_fails_was_not_done() -> None:
    """The error goes on its way; no time is noted for what did not end."""
    stages = quiet(read=1)
    with pytest.raises(ValueError, match="broken"), stages.shown(), stages.stage("read"):
        raise ValueError("broken")
    assert stages.seconds == {}


def test_a_log_gets_plain_lines() -> None:
    """Where there is no terminal the last state is written once, without control codes."""
    console = Console(file=io.StringIO(), width=120)
    with Stages({"read": 1.0}, console).shown() as stages, stages.stage("read"):
        pass
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "whole run" in text
    assert "100 %" in text
    assert "\x1b" not in text


def test_another_program_is_told_of_each_percent() -> None:
    """Stage and share done; once per whole percent, however often the stage reports."""
    heard: list[tuple[str, float]] = []
    stages = Stages({"read": 3, "write": 1}, Console(file=io.StringIO(), width=120), lambda *one: heard.append(one))
    with stages.stage("read", total=1_000) as advance:
        for done in range(1_001):
            advance(done)
    with stages.stage("write"):
        pass
    assert len(heard) == 77
    assert heard[0] == ("read", 0.0)
    assert heard[75][0] == "read"
    assert heard[-1] == ("write", 1.0)
