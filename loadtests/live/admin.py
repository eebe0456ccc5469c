"""The backend as a simulation needs it: has it caught up, what has it counted, what waits for approval.

In: the address of its API and a secret key. Out: values of `GET /status`, and `POST /approve`. The simulation is the
person who looks and approves; it approves only what the gate has passed, since nothing else can wait.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from loadtests.ask import Asker
from loadtests.server import RunError

_POLL_S = 0.5


class Backlog(msgspec.Struct, frozen=True):
    """Entries of the stream that were never delivered, and those at work."""

    waiting: int
    pending: int
    dead: int = 0


class Streams(msgspec.Struct, frozen=True):
    """What waits for the profiles and for the event log."""

    profiles: Backlog
    log: Backlog


class Candidate(msgspec.Struct, frozen=True):
    """The newest trained model, why it was trained, and what the gate holds against it."""

    version: str
    stage: str
    reasons: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


class Models(msgspec.Struct, frozen=True):
    """Which serve and which wait."""

    live: str | None
    candidate: Candidate | None = None


class Job(msgspec.Struct, frozen=True):
    """A job of the backend."""

    name: str
    running: bool
    last: dict[str, Any] | None = None


class Status(msgspec.Struct, frozen=True):
    """What is read of the backend's status."""

    models: Models | None
    stream: Streams | None
    today: dict[str, int] | None
    jobs: tuple[Job, ...]
    faults: tuple[str, ...] = ()


class Admin:
    """The backend's API behind its key."""

    def __init__(self, url: str, key: str) -> None:
        self._asker = Asker(url, timeout_s=30, headers={"Authorization": f"Bearer {key}"})

    def close(self) -> None:
        """Let go of the connection."""
        self._asker.__exit__()

    def status(self) -> Status:
        """How everything is. Raises RunError."""
        reply = self._asker.get("/status")
        if reply.status != 200:
            raise RunError(f"the backend answered {reply.status}: {reply.body[:200].decode(errors='replace')}")
        return msgspec.json.decode(reply.body, type=Status)

    def await_status(self, what: str, done: Callable[[Status], bool], within_s: float) -> Status:
        """The first status that is as wished. Raises RunError that says what did not happen."""
        ends = time.monotonic() + within_s
        while not done(status := self.status()):
            if time.monotonic() > ends:
                raise RunError(f"{what} did not happen within {within_s:.0f} s; the backend says {status}")
            time.sleep(_POLL_S)
        return status

    def caught_up(self, within_s: float) -> Status:
        """Wait until nothing is left in the stream for the profiles."""

        def done(status: Status) -> bool:
            return status.stream is not None and not status.stream.profiles.waiting + status.stream.profiles.pending

        return self.await_status("catching up", done, within_s)

    def post(self, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Have the backend do something. Raises RunError with its reason when it will not."""
        reply = self._asker.post(path, json.dumps(fields))
        if reply.status != 200:
            raise RunError(f"{path} was answered {reply.status}: {reply.body[:300].decode(errors='replace')}")
        done: dict[str, Any] = json.loads(reply.body)
        return done
