"""Bundles on their way to edges on other machines: pushed to an object store; `python -m edge.sync` brings them there.

In: the shop's bundles, `live.json`, switches and catalogue below the data directory. Out: the same paths in the
store. A bundle's manifest comes after its files and `live.json` after all bundles, so an edge never sees half of
anything.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import obstore
import typer
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from backend.cli import console
from backend.settings import Settings
from edge.core.bundle import MANIFEST, read_live, read_manifest, verify_files
from edge.core.errors import BundleError
from edge.object_store import ObjectStoreError, open_store
from edge.sync import BESIDE, EVERY_S, LIVE, named


@dataclass
class Pushed:
    """What a push brought to the store: versions of bundles, and small files that had changed."""

    versions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"pushed {', '.join([*self.versions, *self.files])}" if self.versions or self.files else "nothing new"


def push(store: ObjectStore, data_dir: Path, shop: str, *also: str) -> Pushed:
    """Bring the named bundles and those of `live.json` to the store, then the small files. Raises BundleError."""
    done = Pushed()
    live = read_live(data_dir / "bundles", shop)
    for version in dict.fromkeys((*also, *named(live))):
        if _push_bundle(store, data_dir / "bundles" / shop / version, f"bundles/{shop}/{version}"):
            done.versions.append(version)
        signature = f"bundles/{shop}/{version}.sig"
        if (data_dir / signature).exists() and _changed(store, signature, (data_dir / signature).read_bytes()):
            obstore.put(store, signature, data_dir / signature)
            done.files.append(signature)
    for path in (pattern.format(shop=shop) for pattern in (*BESIDE, LIVE)):
        if (data_dir / path).exists() and _changed(store, path, body := (data_dir / path).read_bytes()):
            obstore.put(store, path, body)
            done.files.append(path)
    return done


def _push_bundle(store: ObjectStore, directory: Path, key: str) -> bool:
    """Whether it had to be brought. Bundles are never rewritten: one whose manifest is there is there."""
    manifest = read_manifest(directory)
    if _there(store, f"{key}/{MANIFEST}"):
        return False
    verify_files(directory, manifest)
    for name in manifest.files:
        obstore.put(store, f"{key}/{name}", directory / name)
    obstore.put(store, f"{key}/{MANIFEST}", directory / MANIFEST)
    return True


def _there(store: ObjectStore, path: str) -> bool:
    try:
        obstore.head(store, path)
    except FileNotFoundError:
        return False
    return True


def _changed(store: ObjectStore, path: str, body: bytes) -> bool:
    try:
        return bytes(obstore.get(store, path).bytes()) != body
    except FileNotFoundError:
        return True


def register(app: typer.Typer) -> None:
    """Add the command to the backend's."""
    app.command("push")(push_command)


def push_command(
    version: Annotated[str | None, typer.Argument(help="a bundle to push beside those that live.json names")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="go on pushing what changes, until stopped")] = False,
) -> None:
    """Push bundles, live.json, switches and catalogue to ENDCAP_BUNDLE_STORE, for edges on other machines."""
    settings = Settings()
    if settings.bundle_store is None:
        raise ObjectStoreError("ENDCAP_BUNDLE_STORE names no store; set it to a path or an object store's URL")
    store = open_store(settings.bundle_store)
    also = () if version is None else (version,)
    if not watch:
        try:
            console.print(str(push(store, settings.data_dir, settings.shop, *also)), soft_wrap=True)
        except BaseError as error:
            raise ObjectStoreError(f"{settings.bundle_store} refused: {error}") from error
        return
    said = ""
    while True:
        try:
            told = str(push(store, settings.data_dir, settings.shop, *also))
        except (BaseError, BundleError, OSError) as error:
            told = f"not in step with the store: {error}"
        if told not in {said, "nothing new"}:
            console.print(told, soft_wrap=True)
        said = told
        time.sleep(EVERY_S)
