"""One at a time: who writes, erases or compacts a shop's log holds its lock, so that nothing erased comes back.

On disk the kernel holds it (flock) and frees it when its holder dies. In an object store it is an object with an end
date, created only if there is none; a holder that died is succeeded when its time is up, and one that was delayed past
it finds out before its next write.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec
import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from backend.event_log.rows import LogError

_POLL_S = 0.05
LEASE_S = 60.0


class Held(Protocol):
    """A lock while it is held."""

    def keep(self) -> None:
        """Called before each write: holds on to the lock, or raises LogError when it was lost."""


class _Flock:
    def keep(self) -> None:
        """The kernel keeps it."""


@contextmanager
def on_disk(path: Path, patience_s: float) -> Iterator[Held]:
    """Hold the lock file at `path`. Raises LogError when somebody else still has it after `patience_s`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        ends_s = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _wait(str(path), ends_s)
        yield _Flock()
    finally:
        os.close(descriptor)


class _Claim(msgspec.Struct, frozen=True):
    owner: str
    until: float  # unix seconds of the machine, also in a simulation: it is a timer that machines share


class _Lease:
    def __init__(self, store: ObjectStore, key: str, e_tag: str | None, owner: str) -> None:
        self._store, self._key, self.e_tag, self._owner = store, key, e_tag, owner
        self._renewed_s = time.monotonic()

    def keep(self) -> None:
        """Renew when a third of the time has gone by."""
        if time.monotonic() - self._renewed_s < LEASE_S / 3:
            return
        if time.monotonic() - self._renewed_s > LEASE_S:
            raise LogError(f"the lock {self._key} ran out before the work was done; run it again")
        renewed_s = time.monotonic()
        with _lost(self._key):
            self.e_tag = _claim(self._store, self._key, self._owner, self.e_tag)
        self._renewed_s = renewed_s

    def release(self) -> None:
        """Let the next one in."""
        with suppress(FileNotFoundError):
            if (
                msgspec.json.decode(bytes(obstore.get(self._store, self._key).bytes()), type=_Claim).owner
                == self._owner
            ):
                obstore.delete(self._store, self._key)


@contextmanager
def in_store(store: ObjectStore, key: str, patience_s: float) -> Iterator[Held]:
    """Hold the object `key`. Raises LogError when somebody else still has it after `patience_s`."""
    owner, ends_s = secrets.token_hex(8), time.monotonic() + patience_s
    lease: _Lease | None = None
    while lease is None:
        with suppress(AlreadyExistsError, PreconditionError, FileNotFoundError):
            lease = _taken(store, key, owner)
        if lease is None:
            _wait(key, ends_s)
    try:
        yield lease
    finally:
        lease.release()


def _taken(store: ObjectStore, key: str, owner: str) -> _Lease:
    """The lease, new or of one whose time is up; raises what the store says when somebody else has it."""
    try:
        return _Lease(store, key, _claim(store, key, owner, None), owner)
    except AlreadyExistsError:
        found = obstore.get(store, key)
        if msgspec.json.decode(bytes(found.bytes()), type=_Claim).until > time.time():
            raise
        return _Lease(store, key, _claim(store, key, owner, found.meta["e_tag"]), owner)


def _claim(store: ObjectStore, key: str, owner: str, e_tag: str | None) -> str | None:
    body = msgspec.json.encode(_Claim(owner, time.time() + LEASE_S))
    if e_tag is None:
        return obstore.put(store, key, body, mode="create")["e_tag"]
    return obstore.put(store, key, body, mode={"e_tag": e_tag})["e_tag"]


@contextmanager
def _lost(key: str) -> Iterator[None]:
    try:
        yield
    except PreconditionError as error:
        raise LogError(f"the lock {key} was taken over by somebody else; run it again") from error


def _wait(name: str, ends_s: float) -> None:
    if time.monotonic() > ends_s:
        raise LogError(f"the event log's lock {name} stays with another process; try again when that is done")
    time.sleep(_POLL_S)
