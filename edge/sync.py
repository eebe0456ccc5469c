"""`python -m edge.sync`: brings a shop's bundles and catalogue from an object store to where the edge polls for them.

In: ENDCAP_BUNDLE_STORE, which `python -m backend push` fills. Out: the same files below the data directory. A bundle
comes whole and verified or not at all; `live.json` comes last, so it never names what is not here. Whatever fails, what
is here keeps serving.
"""

import argparse
import logging
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore
from pydantic import ValidationError

from edge.core.bundle import MANIFEST, Live, read_manifest, replace_file, verify_files
from edge.core.errors import UNREADABLE, BundleError, EndcapError
from edge.object_store import ObjectStoreError, open_store
from edge.settings import Settings

logger = logging.getLogger("endcap.sync")

EVERY_S = 2.0
# Beside the bundles, after them and before live.json; they may be missing.
BESIDE = ("bundles/{shop}/switches.json", "catalogue/{shop}.cat")
LIVE = "bundles/{shop}/live.json"
_FAILURES = (EndcapError, BaseError, OSError)


@dataclass
class Synced:
    """What a pass brought: versions of bundles, and small files that had changed."""

    versions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"brought {', '.join([*self.versions, *self.files])}" if self.versions or self.files else "nothing new"


def pull(store: ObjectStore, data_dir: Path, shop: str) -> Synced:
    """Make this machine's files those of the store. Raises BundleError for what cannot be trusted, or obstore's own."""
    done = Synced()
    live_path = LIVE.format(shop=shop)
    body = _read(store, live_path)
    if body is None:
        raise BundleError(f"the store has no {live_path}; push one with `python -m backend push`")
    try:
        live = msgspec.json.decode(body, type=Live)
    except UNREADABLE as error:
        raise BundleError(f"{live_path} in the store is damaged ({error}); push it again") from error
    for version in named(live):
        if not (data_dir / "bundles" / shop / version).exists():
            _fetch_bundle(store, data_dir, shop, version)
            done.versions.append(version)
        path = f"bundles/{shop}/{version}.sig"  # may come later than the bundle, and change while secrets do
        _replace(data_dir / path, _read(store, path), path, done)
    for path in (pattern.format(shop=shop) for pattern in BESIDE):
        _replace(data_dir / path, _read(store, path), path, done)
    _replace(data_dir / live_path, body, live_path, done)
    return done


def named(live: Live) -> Iterator[str]:
    """The versions that serve, are tried or only compared, each once."""
    yield from dict.fromkeys(version for version in (live.live, live.canary, live.shadow) if version)


def _read(store: ObjectStore, path: str) -> bytes | None:
    try:
        return bytes(obstore.get(store, path).bytes())
    except FileNotFoundError:
        return None


def _replace(path: Path, body: bytes | None, name: str, done: Synced) -> None:
    if body is not None and not (path.exists() and path.read_bytes() == body):
        replace_file(path, body)
        done.files.append(name)


def _fetch_bundle(store: ObjectStore, data_dir: Path, shop: str, version: str) -> None:
    root = data_dir / "bundles" / shop
    if Path(version).name != version or version.startswith("."):
        raise BundleError(f"{version!r} cannot be a bundle's name; push live.json again")
    temporary = root / f".{version}.{os.getpid()}.{secrets.token_hex(2)}"
    temporary.mkdir(parents=True)
    try:
        _fetch(store, f"bundles/{shop}/{version}/{MANIFEST}", temporary / MANIFEST)
        manifest = read_manifest(temporary)
        if (manifest.shop, manifest.version) != (shop, version):
            raise BundleError(
                f"bundle {version} in the store calls itself {manifest.shop}/{manifest.version}; push again"
            )
        for name in manifest.files:
            path = temporary / name
            if not path.resolve().is_relative_to(temporary.resolve()):
                raise BundleError(f"bundle {version} in the store lists {name!r}, which lies outside of it; push again")
            _fetch(store, f"bundles/{shop}/{version}/{name}", path)
        verify_files(temporary, manifest)
        temporary.rename(root / version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fetch(store: ObjectStore, key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in obstore.get(store, key).stream():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def follow(store: ObjectStore, data_dir: Path, shop: str, stop: threading.Event) -> None:
    """Pull every EVERY_S seconds until `stop` is set; a failure is said once, until it changes."""
    said = ""
    while True:
        try:
            done = pull(store, data_dir, shop)
            if done.versions or done.files:
                logger.info("%s", done)
            said = ""
        except _FAILURES as error:
            if str(error) != said:
                logger.warning("not in step with the store: %s", error)
                said = str(error)
        if stop.wait(EVERY_S):
            return


def main() -> int:
    """Sync once or until SIGTERM. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge.sync", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--once", action="store_true", help="bring what is new, then end")
    once = parser.parse_args().once
    try:
        settings = Settings()
        if settings.bundle_store is None:
            raise ObjectStoreError("ENDCAP_BUNDLE_STORE names no store; set it to a path or an object store's URL")
        store = open_store(settings.bundle_store)
        if once:
            print(pull(store, settings.data_dir, settings.shop))  # noqa: T201 -- a command says what it did
            return 0
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        follow(store, settings.data_dir, settings.shop, stop)
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        print(f"endcap: {faults}", file=sys.stderr)  # noqa: T201 -- a command says what is wrong
        return 2
    except _FAILURES as error:
        print(f"endcap: {error}", file=sys.stderr)  # noqa: T201 -- likewise
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
