"""An import from start to end: stage what the source has, judge it, write it, tell.

In: settings, a source, what its importer declares. Out: a `Report`. All stages keep what they have done in the import's
directory `<data>/imports/<shop>/...`, which goes when the import is done; started again, they go on from there.
"""

import asyncio
import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from backend import audit
from backend.cli import with_store
from backend.event_log.rows import LogError
from backend.event_log.store import EventLog
from backend.imports import bigcommerce, live, shopify
from backend.imports.intake import Import, Report, State, Tell, finish, judge, read_state, write, write_catalogue
from backend.imports.parts import join_parts, skipped
from backend.platforms.guard import Rules
from backend.settings import Settings
from edge.core import clock
from edge.core.events import Purpose
from edge.core.keys import PseudonymKey, load_key
from training.reading import find
from training.rules import DataError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_STALE_S = 30 * 86_400  # an import nobody goes on with is given up: it holds raw ids


@dataclass(frozen=True)
class Declared:
    """What the importer says about the source."""

    consent: tuple[Purpose, ...]
    restricted: tuple[str, ...] = ()
    catalogue: bool = True  # whether the products become the shop's catalogue


def import_plain(settings: Settings, source: Path, declared: Declared, tell: Tell) -> Report:
    """A directory in the plain format. Raises DataError, LogError."""
    if not source.is_dir():
        raise DataError(f"{source} is not a directory; give one in the plain format (docs/data-format.md)")
    files = [find(source, "events"), *source.glob("products.*")]
    job = _job(settings, "plain", files, declared, tell)
    state = _state(job)
    tell("reading and checking rows", 0, 0)
    judge(source, job, state)
    return _write(settings, job, state, declared, tell)


def import_shopify(settings: Settings, files: Sequence[Path], declared: Declared, tell: Tell) -> Report:
    """JSONL files of bulk operations. Raises DataError, LogError."""
    _check(files)
    job = _job(settings, "shopify", files, declared, tell)
    state = _state(job)
    if not state.judged:
        size, done = sum(path.stat().st_size for path in files), _Counter(tell)
        buckets = shopify.cut(files, job.work, lambda more: done.add("reading files (bytes)", more, size))
        done = _Counter(tell)
        shopify.assemble(job.work, buckets, lambda more: done.add("joining objects", more, buckets))
    return _from_parts(settings, job, state, declared, tell)


def import_bigcommerce(settings: Settings, files: Sequence[Path], declared: Declared, tell: Tell) -> Report:
    """JSON or JSONL files of orders, products, categories and brands. Raises DataError, LogError."""
    _check(files)
    job = _job(settings, "bigcommerce", files, declared, tell)
    state = _state(job)
    if not state.judged:
        done = _Counter(tell)
        bigcommerce.stage_files(files, job.work, lambda more: done.add("reading files", more, len(files)))
    return _from_parts(settings, job, state, declared, tell)


def run_shopify(
    settings: Settings, since: datetime | None, declared: Declared, tell: Tell, rules: Rules | None = None
) -> Report:
    """Bulk operations, run now, and their files. Raises PlatformError, LogError."""
    _log(settings)
    work = _running(settings, "shopify", since, declared)
    customers = "marketing" in declared.consent  # asked about only where it matters what they said
    files = asyncio.run(live.bulk_files(settings, work, since, customers=customers, tell=tell, rules=rules or Rules()))
    report = import_shopify(settings, files, declared, tell)
    shutil.rmtree(work)
    return report


def run_bigcommerce(settings: Settings, since: datetime | None, declared: Declared, tell: Tell) -> Report:
    """Orders and products from the store's API. Raises PlatformError, LogError."""
    _log(settings)
    work = _running(settings, "bigcommerce", since, declared)
    state = read_state(work, datetime.fromtimestamp(clock.now(), UTC))
    if not state.judged:
        asyncio.run(live.bigcommerce_parts(settings, work, since, tell))
    content = fingerprint(sorted((work / "rows").glob("*.parquet")))
    key = load_key(settings.data_dir, settings.pseudonym_key)
    job = _import(settings, key, f"import-bigcommerce-{content}", work, declared)
    return _from_parts(settings, job, state, declared, tell)


def _running(settings: Settings, kind: str, since: datetime | None, declared: Declared) -> Path:
    """Where a run keeps what it has fetched; the same run again finds it."""
    key = load_key(settings.data_dir, settings.pseudonym_key)
    how = f"{since} {sorted(declared.consent)} {_restricted(settings, declared)} {key.id}"
    work = settings.data_dir / "imports" / settings.shop / f"run-{kind}-{hashlib.sha256(how.encode()).hexdigest()[:16]}"
    sweep(work.parent, keep=work)
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return work


def _from_parts(settings: Settings, job: Import, state: State, declared: Declared, tell: Tell) -> Report:
    """Join what was staged, and take it in as what it now is: a directory in the plain format."""
    if not state.judged:
        tell("joining rows", 0, 0)
        plain = job.work / "plain"
        shutil.rmtree(plain, ignore_errors=True)
        join_parts(job.work, plain, declared.consent, spill=job.work / "spill")
        state.left_out |= skipped(job.work)
        tell("checking rows", 0, 0)
        judge(plain, job, state)
    return _write(settings, job, state, declared, tell)


def _write(settings: Settings, job: Import, state: State, declared: Declared, tell: Tell) -> Report:
    log = _log(settings)

    async def into_log(redis: "Redis") -> Report:
        return await write(redis, log, job, state, tell)

    report = with_store(settings, into_log)
    if declared.catalogue:
        write_catalogue(job, state)
    audit.append(
        settings.data_dir, job.shop, "import", f"import {job.name.split('-')[1]}", "done", name=job.name,
        rows=report.rows, days=report.days, products=report.products, consent=list(declared.consent),
        refused=sum(sum(reasons.values()) for reasons in report.refused.values()),
        left_out=sum(report.left_out.values()),
    )  # fmt: skip
    finish(job)
    return report


def _log(settings: Settings) -> EventLog:
    log = EventLog.open(settings.event_log, settings.data_dir)
    if log is None:
        raise LogError("EVENT_LOG=none keeps no events; name a place for them to import history")
    return log


def _job(settings: Settings, kind: str, files: Sequence[Path], declared: Declared, tell: Tell) -> Import:
    """The import of these files under these declarations; the same ones again are the same import."""
    _log(settings)  # before hours of work for nothing
    key = load_key(settings.data_dir, settings.pseudonym_key)
    size, done = sum(path.stat().st_size for path in files), _Counter(tell)
    content = fingerprint(files, lambda more: done.add("looking at files (bytes)", more, size))
    how = f"{content} {sorted(declared.consent)} {_restricted(settings, declared)} {key.id}"
    work = settings.data_dir / "imports" / settings.shop / f"{kind}-{hashlib.sha256(how.encode()).hexdigest()[:16]}"
    sweep(work.parent, keep=work)
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _import(settings, key, f"import-{kind}-{content}", work, declared)


def _import(settings: Settings, key: PseudonymKey, name: str, work: Path, declared: Declared) -> Import:
    catalogue = settings.data_dir / "catalogue" / f"{settings.shop}.cat"
    return Import(settings.shop, key, name, work, declared.consent, catalogue, _restricted(settings, declared))


def _restricted(settings: Settings, declared: Declared) -> tuple[str, ...]:
    """The shop's restricted categories, and those of this import."""
    listed = settings.restricted_categories.split(",")
    return tuple(sorted({*declared.restricted, *(entry.strip() for entry in listed if entry.strip())}))


def _state(job: Import) -> State:
    return read_state(job.work, datetime.fromtimestamp(clock.now(), UTC))


def fingerprint(files: Iterable[Path], progress: Callable[[int], None] = lambda _: None) -> str:
    """12 hex digits that name the contents of files, in any order."""
    digests = []
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(8 << 20):
                digest.update(block)
                progress(len(block))
        digests.append(digest.hexdigest())
    return hashlib.sha256(" ".join(sorted(digests)).encode()).hexdigest()[:12]


def sweep(directory: Path, keep: Path) -> None:
    """Remove imports that nobody has gone on with for a month, and their lists of refused rows."""
    for path in directory.glob("*") if directory.is_dir() else ():
        if path != keep and time.time() - path.stat().st_mtime > _STALE_S:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _check(files: Sequence[Path]) -> None:
    for path in files:
        if not path.is_file():
            raise DataError(f"{path} is no file; name the files to import")


class _Counter:
    """Adds up what is done, for a `Tell`."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._done = tell, 0

    def add(self, what: str, more: int, total: int) -> None:
        """Tell of this much more."""
        self._done += more
        self._tell(what, self._done, total)
