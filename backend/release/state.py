"""Which bundles serve and which wait: every change of `live.json` and of what lies beside it, under one lock.

In: what is to change. Out: `live.json` (the edges read it), `candidate.json` (a model that was trained and what became
of it), `releases.json` (what was live, oldest first) and `attempt.json` (the newest training run) in `bundles/<shop>/`,
each replaced whole. Commands, the
scheduler and the canary's judge are processes of their own: who changes something holds `.release.lock`.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from edge.core import clock
from edge.core.bundle import Live, Manifest, read_live, read_manifest, replace_file, verify_files, write_live
from edge.core.errors import UNREADABLE, BundleError, EndcapError
from edge.core.signature import sign_bundle, signature_path

CANDIDATE, RELEASES, ATTEMPT, LOCK = "candidate.json", "releases.json", "attempt.json", ".release.lock"
_REMEMBERED = 200  # releases

Stage = Literal["trained", "refused", "waiting", "rejected", "published"]
_File = TypeVar("_File")


class ReleaseError(EndcapError):
    """A step of a release that cannot be taken: nothing waits, nothing to return to, a file damaged."""


class Candidate(msgspec.Struct, frozen=True):
    """The newest trained model. `reasons` say why it was trained, `refusals` why it may not serve."""

    version: str
    trained: str  # ISO 8601, UTC
    fingerprint: str  # of the data set
    last_day: str  # of the data, ISO 8601
    stage: Stage = "trained"
    reasons: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


class Release(msgspec.Struct, frozen=True):
    """A version that went live. `withdrawn`: it was rolled back, and is no model to return to by itself."""

    version: str
    time: str
    withdrawn: bool = False


class Attempt(msgspec.Struct, frozen=True):
    """The newest training run: why, when (unix seconds), and how it ended. `message` says what went wrong."""

    started: float
    reasons: tuple[str, ...]
    ended: float | None = None
    outcome: Literal["running", "failed", "refused", "waiting", "published"] = "running"
    version: str | None = None
    message: str = ""


class Change(msgspec.Struct, frozen=True):
    """What a change of `live.json` did: the model that served before, if one did, and what the file says now."""

    before: str | None
    live: Live


class ShopState:
    """The state of one shop's releases. Reads never wait; every change takes the lock. Methods raise EndcapError."""

    def __init__(self, bundles: Path, shop: str, keys: Sequence[bytes] = ()) -> None:
        """`keys` sign what is let serve; none where edges ask for no signature."""
        self._keys = keys
        self.shop = shop
        self.bundles = bundles
        self.directory = bundles / shop

    def live(self) -> Live | None:
        """What `live.json` says; None where no model was published yet. Raises BundleError when it is damaged."""
        return read_live(self.bundles, self.shop) if (self.directory / "live.json").exists() else None

    def candidate(self) -> Candidate | None:
        """The newest trained model, if any."""
        return self._read(CANDIDATE, Candidate)

    def attempt(self) -> Attempt | None:
        """The newest training run, if any."""
        return self._read(ATTEMPT, Attempt)

    def put_attempt(self, attempt: Attempt) -> None:
        """Note how the newest training run stands."""
        self._write(ATTEMPT, attempt)

    def releases(self) -> list[Release]:
        """What went live, oldest first."""
        return self._read(RELEASES, list[Release]) or []

    def manifest(self, version: str) -> Manifest:
        """The manifest of a kept bundle. Raises BundleError that names those there are."""
        try:
            return read_manifest(self.directory / version)
        except BundleError as error:
            kept = ", ".join(self.kept()) or "none"
            raise BundleError(f"{error} (kept of shop {self.shop!r}: {kept})") from error

    def kept(self) -> list[str]:
        """The versions on disk, oldest first."""
        found = (path for path in self.directory.glob("*/manifest.json") if not path.parent.name.startswith("."))
        return sorted(path.parent.name for path in found)

    def publish(self, version: str) -> Change:
        """Let a bundle serve everybody; a canary and a shadow end."""
        self.manifest(version)
        with self.locked():
            change = self._change(lambda _: Live(version))
            self._note(change)
            self._settle(version, "published")
        return change

    def rollback(self, version: str | None = None) -> Change:
        """Return to a version, or to the one live before this one. Raises ReleaseError where there is none."""
        with self.locked():
            now = self._sound() if version else self.live()
            target = version or self._before(now)
            self.manifest(target)
            change = self._change(lambda _: Live(target))
            self._note(change, withdrawn=now.live if now and now.live != target else None)
        return change

    def change_live(self, change: Callable[[Live], Live]) -> Change:
        """Change canary or shadow under the lock: `change` gets what is there and must not touch `live`."""

        def checked(now: Live | None) -> Live:
            if now is None:
                raise ReleaseError(f"shop {self.shop!r} has no live model; publish one first")
            after = change(now)
            if after.live != now.live:
                raise ReleaseError("the serving version changes by publish and rollback only")
            return after

        with self.locked():
            return self._change(checked)

    def sign(self, version: str) -> None:
        """Sign a kept bundle whose files are whole, where there is something to sign with. Raises BundleError."""
        if self._keys:
            verify_files(self.directory / version, self.manifest(version))
            sign_bundle(self.directory / version, self._keys)

    def put_candidate(self, candidate: Candidate) -> None:
        """Note a newly trained model; an older one that waited is forgotten, its bundle is pruned in time."""
        with self.locked():
            self._write(CANDIDATE, candidate)

    def settle(self, version: str, stage: Stage, refusals: tuple[str, ...] = ()) -> bool:
        """Note what became of the candidate; False where another one has taken its place."""
        with self.locked():
            return self._settle(version, stage, refusals)

    def prune(self, keep: int) -> list[str]:
        """Remove the oldest bundles beyond `keep`; never one that serves, served last, is tried or waits."""
        with self.locked():
            needed = self._needed()
            spare = [version for version in self.kept() if version not in needed]
            gone = spare[: max(len(spare) + len(needed) - keep, 0)]
            for version in gone:
                # Under a name that nobody takes for a bundle first: a crash leaves no half one.
                hidden = self.directory / f".gone-{version}"
                (self.directory / version).rename(hidden)
                shutil.rmtree(hidden)
                signature_path(self.directory / version).unlink(missing_ok=True)
        return gone

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the shop's lock; processes and threads take turns."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _change(self, change: Callable[[Live | None], Live]) -> Change:
        now = self._sound()
        after = change(now)
        for version in _named(after) - _named(now):
            self.sign(version)
        write_live(self.bundles, self.shop, after)
        return Change(now.live if now else None, after)

    def _sound(self) -> Live | None:
        """What `live.json` says; None also where it is damaged, since naming a version is the remedy."""
        with suppress(BundleError):
            return self.live()
        return None

    def _note(self, change: Change, withdrawn: str | None = None) -> None:
        """Keep the line of releases; a version that was made live by other hands is taken into it first."""
        line = self.releases()
        if change.before and (not line or line[-1].version != change.before):
            line.append(Release(change.before, _now()))
        if withdrawn:
            line[-1] = msgspec.structs.replace(line[-1], withdrawn=True)
        if not line or line[-1].version != change.live.live:
            line.append(Release(change.live.live, _now()))
        self._write(RELEASES, line[-_REMEMBERED:])

    def _before(self, now: Live | None) -> str:
        """The newest release before the live one that was not withdrawn and is kept; else the newest older bundle."""
        if now is None:
            raise ReleaseError(f"shop {self.shop!r} has no live model to roll back; publish one")
        kept, line = self.kept(), self.releases()
        last_word = {one.version: one.withdrawn for one in line}  # published again after all: no longer withdrawn
        withdrawn = {version for version, gone in last_word.items() if gone}
        usable = [one.version for one in line if one.version in kept and one.version not in withdrawn | {now.live}]
        if usable:
            return usable[-1]
        older = [version for version in kept if version < now.live and version not in withdrawn]
        if older:
            return older[-1]
        raise ReleaseError(f"nothing was live before {now.live}; name one of the kept: {', '.join(kept) or 'none'}")

    def _needed(self) -> set[str]:
        live, candidate = self.live(), self.candidate()
        needed = {version for version in (live and live.live, live and live.canary) if version}
        # Whatever else live.json may come to name, such as a shadow, is a version in use, too.
        needed |= {str(value) for value in msgspec.structs.asdict(live).values()} if live else set()
        if candidate and candidate.stage in ("trained", "waiting"):
            needed.add(candidate.version)
        if live:
            with suppress(ReleaseError):
                needed.add(self._before(live))
        return needed & set(self.kept())

    def _settle(self, version: str, stage: Stage, refusals: tuple[str, ...] = ()) -> bool:
        candidate = self.candidate()
        if candidate is None or candidate.version != version:
            return False
        self._write(CANDIDATE, msgspec.structs.replace(candidate, stage=stage, refusals=refusals))
        return True

    def _read(self, name: str, kind: type[_File]) -> _File | None:
        path = self.directory / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise ReleaseError(f"{path} is damaged: {error}; remove it") from error

    def _write(self, name: str, what: object) -> None:
        replace_file(self.directory / name, msgspec.json.encode(what))


def _now() -> str:
    return datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="seconds")


def _named(live: Live | None) -> set[str]:
    return {version for version in (live.live, live.canary, live.shadow) if version} if live else set()
