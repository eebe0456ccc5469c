"""The audit log: every change to it shows, several processes may write it, a full disk leaves it whole."""

import hashlib
import multiprocessing
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from backend import audit
from backend.audit import AuditError, Entry, append, read
from tests.backend.program import backend

LINES = 6


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of six lines."""
    for number in range(LINES):
        append(tmp_path, "demo", "publish", "command:ann", "done", version=f"v{number}", reasons=["one", "two"])
    return tmp_path


def lines_of(data: Path) -> list[bytes]:
    """The lines with their ends."""
    return (data / audit.FILE).read_bytes().splitlines(keepends=True)


def forged(line: bytes, **changed: object) -> bytes:
    """The same line with other fields."""
    return msgspec.json.encode(msgspec.json.decode(line) | changed) + b"\n"


def test_what_is_written_is_read(log: Path) -> None:
    """Numbered, chained from zeros, with the details given."""
    entries = read(log)
    assert [entry.number for entry in entries] == list(range(1, LINES + 1))
    assert entries[0].previous == "0" * 64
    assert entries[1].previous == hashlib.sha256(lines_of(log)[0].rstrip()).hexdigest()
    assert entries[2].details == {"version": "v2", "reasons": ["one", "two"]}
    assert read(log / "nothing there") == []


def removed(at: int) -> Callable[[list[bytes]], list[bytes]]:
    """Without one line."""
    return lambda lines: lines[:at] + lines[at + 1 :]


TAMPERINGS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a word changed": lambda lines: [lines[0], lines[1].replace(b"ann", b"bob"), *lines[2:]],
    "the last line changed": lambda lines: [*lines[:-1], lines[-1].replace(b"ann", b"bob")],
    "the first line removed": removed(0),
    "a line removed": removed(3),
    "the last line removed": removed(LINES - 1),
    "the last three removed": lambda lines: lines[:3],
    "all removed": lambda lines: lines[:0],
    "a line twice": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "a line put in": lambda lines: [*lines[:2], forged(lines[2], actor="command:eve"), *lines[2:]],
    "two swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "cut within a line": lambda lines: [*lines[:-1], lines[-1][:20]],
    "renumbered after a removal": lambda lines: [
        *lines[:2],
        *(forged(line, number=at) for at, line in enumerate(lines[3:], start=3)),
    ],
    "something that is no line": lambda lines: [*lines, b"hello\n"],
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_shows(log: Path, how: str) -> None:
    """Whatever was changed, removed, inserted or cut off, reading raises."""
    (log / audit.FILE).write_bytes(b"".join(TAMPERINGS[how](lines_of(log))))
    with pytest.raises(AuditError, match=r"audit\.jsonl"):
        read(log)


def test_a_log_that_is_gone_shows(log: Path) -> None:
    """The head says that there was one."""
    (log / audit.FILE).unlink()
    with pytest.raises(AuditError, match="gone"):
        read(log)


def test_a_whole_chain_made_anew_shows(log: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Even where every line follows from the one before: the head names another last line."""
    other = tmp_path_factory.mktemp("other")
    for number in range(LINES):
        append(other, "demo", "publish", "command:eve", "done", version=f"v{number}")
    (log / audit.FILE).write_bytes((other / audit.FILE).read_bytes())
    with pytest.raises(AuditError, match="not the line that was written"):
        read(log)


@pytest.mark.parametrize("how", ["the last line removed", "the last three removed", "the last line changed"])
def test_nothing_is_added_to_a_log_that_was_cut(log: Path, how: str) -> None:
    """A new line would hide the gap."""
    (log / audit.FILE).write_bytes(b"".join(TAMPERINGS[how](lines_of(log))))
    with pytest.raises(AuditError, match="restore"):
        append(log, "demo", "publish", "command:eve", "done")


def test_a_damaged_head_is_said(log: Path) -> None:
    """It names the file."""
    (log / audit.HEAD).write_text("?")
    with pytest.raises(AuditError, match=r"audit\.head"):
        read(log)


def test_a_write_cut_short_by_a_crash_is_taken_back(log: Path) -> None:
    """Half a line that nobody was told of: reading passes over it, the next line replaces it."""
    with (log / audit.FILE).open("ab") as file:
        file.write(b'{"number":7,"time":"2026')
    assert len(read(log)) == LINES
    assert append(log, "demo", "gate", "scheduler", "pass").number == LINES + 1
    assert [entry.action for entry in read(log)][-1] == "gate"


def test_a_crash_between_line_and_head_does_not_stop_the_log(log: Path) -> None:
    """The head may be one line behind."""
    head = (log / audit.HEAD).read_bytes()
    append(log, "demo", "gate", "scheduler", "pass")
    (log / audit.HEAD).write_bytes(head)
    assert len(read(log)) == LINES + 1
    append(log, "demo", "gate", "scheduler", "pass")
    assert len(read(log)) == LINES + 2


def test_lines_of_any_length(tmp_path: Path) -> None:
    """Longer than any block read at once."""
    append(tmp_path, "demo", "gate", "scheduler", "fail", reasons=["x" * 300_000])
    append(tmp_path, "demo", "gate", "scheduler", "fail", reasons=["y" * 5_000])
    append(tmp_path, "demo", "gate", "scheduler", "pass")
    assert [entry.number for entry in read(tmp_path)] == [1, 2, 3]


def _append_many(data: Path, who: str) -> None:
    for number in range(40):
        append(data, "demo", "fetch", who, "done", number=number)


def test_processes_take_turns(tmp_path: Path) -> None:
    """Three at once: one chain, every line there, each writer's in its order."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(tmp_path, f"writer-{at}")) for at in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    entries = read(tmp_path)
    assert len(entries) == 120
    for at in range(3):
        assert [entry.details["number"] for entry in entries if entry.actor == f"writer-{at}"] == list(range(40))


def test_a_full_disk_leaves_the_log_whole(log: Path) -> None:
    """The kernel refuses to let the file grow: an error that says so, and not half a line."""
    size = (log / audit.FILE).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    code = (
        "import signal, sys; from pathlib import Path; from backend import audit\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: audit.append(Path(sys.argv[1]), 'demo', 'publish', 'ann', 'done')\n"
        "except audit.AuditError as error: print(error)\n"
    )

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, hard))

    done = subprocess.run(
        [sys.executable, "-c", code, str(log)], preexec_fn=limited, capture_output=True, text=True, check=True
    )
    assert "make room" in done.stdout
    assert (log / audit.FILE).stat().st_size == size
    assert len(read(log)) == LINES
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == (soft, hard)
    append(log, "demo", "publish", "ann", "done")
    assert len(read(log)) == LINES + 1


def command(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m backend audit ...`."""
    return backend("audit", *arguments, ENDCAP_DATA_DIR=str(data))


def test_the_command_verifies(log: Path) -> None:
    """Exit status 0 for a whole log, 1 for a changed one, in words and as JSON."""
    whole = command(log, "--verify", "--json")
    assert whole.returncode == 0
    told = msgspec.json.decode(whole.stdout)
    assert (told["passed"], told["lines"]) == (True, LINES)
    assert told["digest"] == hashlib.sha256(lines_of(log)[-1].rstrip()).hexdigest()
    (log / audit.FILE).write_bytes(b"".join(TAMPERINGS["a word changed"](lines_of(log))))
    changed = command(log, "--verify")
    assert changed.returncode == 1
    assert "line 3" in changed.stdout
    as_json = command(log, "--verify", "--json")
    assert (as_json.returncode, msgspec.json.decode(as_json.stdout)["passed"]) == (1, False)


def test_the_command_shows_the_log(log: Path) -> None:
    """As a table, newest last; as JSON that anything can read."""
    assert "publish" in command(log).stdout
    entries = msgspec.json.decode(command(log, "--json", "--last", "2").stdout, type=list[Entry])
    assert [entry.number for entry in entries] == [LINES - 1, LINES]
