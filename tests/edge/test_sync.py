"""Bundles by way of an object store: pushed whole, brought whole, verified, live.json last; a bad one is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore, ObjectStore

from backend.bundle_store import push
from edge import sync
from edge.core.bundle import Live, read_live, read_manifest, verify_files, write_live
from edge.core.errors import BundleError
from edge.core.switches import Switches, read_switches, write_switches
from edge.object_store import open_store
from edge.sync import follow, named, pull
from tests.backend.object_places import PLACES, s3_url


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "s3":
        return open_store(s3_url(monkeypatch))
    return open_store(str(tmp_path / "store") if request.param == "disk" else "memory:///")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The data directory of an edge on another machine."""
    return tmp_path / "elsewhere"


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def published(data_dir: Path) -> str:
    """The live version of the test's own data directory."""
    return read_live(data_dir / "bundles", "demo").live


def copy_of(data_dir: Path, version: str) -> None:
    """Another bundle: the live one under another name."""
    live = published(data_dir)
    shutil.copytree(data_dir / "bundles" / "demo" / live, data_dir / "bundles" / "demo" / version)
    manifest = data_dir / "bundles" / "demo" / version / "manifest.json"
    manifest.write_text(manifest.read_text().replace(live, version))


def test_an_edge_elsewhere_gets_what_is_published(data_dir: Path, elsewhere: Path, store: ObjectStore) -> None:
    """Bundle, switches, catalogue and live.json, byte for byte; again there is nothing new."""
    write_switches(data_dir / "bundles", "demo", Switches(off=("pdp",)))
    first = push(store, data_dir, "demo")
    assert first.versions == [published(data_dir)]
    assert first.files[-1] == "bundles/demo/live.json"
    assert str(push(store, data_dir, "demo")) == "nothing new"
    brought = pull(store, elsewhere, "demo")
    assert brought.versions == [published(data_dir)]
    assert published(data_dir) in str(brought)
    assert tree(elsewhere) == tree(data_dir)
    assert str(pull(store, elsewhere, "demo")) == "nothing new"


def test_canary_and_shadow_come_along(data_dir: Path, elsewhere: Path, store: ObjectStore) -> None:
    """All that live.json names, before live.json itself; what it does not name only when asked for."""
    live = published(data_dir)
    for version in ("v-canary", "v-shadow", "v-asked", "v-other"):
        copy_of(data_dir, version)
    write_live(data_dir / "bundles", "demo", Live(live, canary="v-canary", percent=10, shadow="v-shadow"))
    assert push(store, data_dir, "demo", "v-asked").versions == ["v-asked", live, "v-canary", "v-shadow"]
    assert pull(store, elsewhere, "demo").versions == [live, "v-canary", "v-shadow"]
    assert list(named(Live("a", canary="a", shadow="b"))) == ["a", "b"]


def test_a_change_of_the_live_version_follows(data_dir: Path, elsewhere: Path, store: ObjectStore) -> None:
    """Only what changed is brought; a rollback brings nothing but live.json."""
    old = published(data_dir)
    push(store, data_dir, "demo")
    pull(store, elsewhere, "demo")
    copy_of(data_dir, "v-new")
    write_live(data_dir / "bundles", "demo", Live("v-new"))
    push(store, data_dir, "demo")
    assert pull(store, elsewhere, "demo").versions == ["v-new"]
    assert read_live(elsewhere / "bundles", "demo").live == "v-new"
    write_live(data_dir / "bundles", "demo", Live(old))
    assert push(store, data_dir, "demo").versions == []
    back = pull(store, elsewhere, "demo")
    assert (back.versions, back.files) == ([], ["bundles/demo/live.json"])
    verify_files(elsewhere / "bundles" / "demo" / old, read_manifest(elsewhere / "bundles" / "demo" / old))


def spoil(store: ObjectStore, path: str, change: Callable[[bytes], bytes]) -> None:
    """Change an object behind everybody's back."""
    obstore.put(store, path, change(bytes(obstore.get(store, path).bytes())))


def manifest_says(**fields: Any) -> Callable[[bytes], bytes]:
    """A manifest with some fields changed."""
    return lambda body: json.dumps(json.loads(body) | fields).encode()


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("ranker.onnx", lambda body: body[:-1] + b"!", "damaged"),
        ("ranker.onnx", lambda body: body[:100], "damaged"),
        ("manifest.json", lambda _: b"{}", "not a bundle manifest"),
        ("manifest.json", manifest_says(version="other"), "calls itself demo/other"),
        ("manifest.json", manifest_says(shop="another"), "calls itself another/"),
        ("manifest.json", manifest_says(files={"../../../escaped": "00"}), "lies outside"),
    ],
)
def test_a_bundle_that_is_not_what_it_says_is_refused(
    data_dir: Path, elsewhere: Path, file: str, change: Callable[[bytes], bytes], words: str
) -> None:
    """What served before serves on: live.json stays, and nothing half brought is left."""
    store = MemoryStore()
    push(store, data_dir, "demo")
    pull(store, elsewhere, "demo")
    before = tree(elsewhere)
    copy_of(data_dir, "v-new")
    write_live(data_dir / "bundles", "demo", Live("v-new"))
    push(store, data_dir, "demo")
    spoil(store, f"bundles/demo/v-new/{file}", change)
    with pytest.raises(BundleError, match=words):
        pull(store, elsewhere, "demo")
    assert tree(elsewhere) == before
    assert not list((elsewhere / "bundles" / "demo").glob(".v-new*"))


@pytest.mark.parametrize(
    ("body", "words"), [(b"{", "is damaged"), (b'{"live": "../../x"}', "cannot be a bundle's name"), (None, "has no")]
)
def test_a_bad_live_file_is_refused(elsewhere: Path, body: bytes | None, words: str) -> None:
    """Damaged, pointing elsewhere, or missing."""
    store = MemoryStore()
    if body is not None:
        obstore.put(store, "bundles/demo/live.json", body)
    with pytest.raises(BundleError, match=words):
        pull(store, elsewhere, "demo")
    assert tree(elsewhere) == {}


def test_a_damaged_bundle_is_not_pushed(data_dir: Path) -> None:
    """Nor is a live.json that would name it."""
    store, version = MemoryStore(), published(data_dir)
    with (data_dir / "bundles" / "demo" / version / "ranker.onnx").open("ab") as file:
        file.write(b"!")
    with pytest.raises(BundleError, match="damaged"):
        push(store, data_dir, "demo")
    assert not [entry for batch in obstore.list(store) for entry in batch]


def test_a_push_that_was_cut_off_is_finished_by_the_next(data_dir: Path, elsewhere: Path) -> None:
    """Files without a manifest are no bundle yet."""
    store, version = MemoryStore(), published(data_dir)
    obstore.put(store, f"bundles/demo/{version}/ranker.onnx", b"half")
    assert push(store, data_dir, "demo").versions == [version]
    assert pull(store, elsewhere, "demo").versions == [version]


def test_it_follows_until_told_to_stop(
    data_dir: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """What cannot be brought is said once, and tried again."""
    monkeypatch.setattr(sync, "EVERY_S", 0.02)
    store, stop = MemoryStore(), threading.Event()
    thread = threading.Thread(target=follow, args=(store, elsewhere, "demo", stop))
    thread.start()
    until(lambda: "not in step" in caplog.text)
    push(store, data_dir, "demo")
    until(lambda: (elsewhere / "bundles" / "demo" / "live.json").exists())
    write_switches(data_dir / "bundles", "demo", Switches(serve_percent=7))
    push(store, data_dir, "demo")
    until(lambda: read_switches(elsewhere / "bundles", "demo").serve_percent == 7)
    stop.set()
    thread.join()
    assert caplog.text.count("not in step") == 1


def run(data_dir: Path, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as people run it."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | {"ENDCAP_DATA_DIR": str(data_dir), "COLUMNS": "200"} | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_both_commands_as_people_run_them(data_dir: Path, elsewhere: Path, tmp_path: Path) -> None:
    """Push here, sync there; without a store named, or with bad settings, one line says what to do."""
    place = {"ENDCAP_BUNDLE_STORE": f"file://{tmp_path}/store"}
    done = run(data_dir, "backend", "push", **place)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"pushed {published(data_dir)}" in done.stdout
    done = run(elsewhere, "edge.sync", "--once", **place)
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(elsewhere) == tree(data_dir)
    for module, arguments in (("backend", ["push"]), ("edge.sync", ["--once"])):
        done = run(data_dir, module, *arguments)
        assert done.returncode == 2
        assert "ENDCAP_BUNDLE_STORE names no store" in done.stderr
    done = run(elsewhere, "edge.sync", "--once", ENDCAP_SHOP="no spaces", **place)
    assert (done.returncode, "shop" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_following_ends_at_sigterm(data_dir: Path, elsewhere: Path, tmp_path: Path, until: Callable[..., None]) -> None:
    """Both ways, with what changed brought on the way."""
    place = {"ENDCAP_BUNDLE_STORE": str(tmp_path / "store")}
    watching = [
        subprocess.Popen([sys.executable, "-m", *line], env=os.environ | place | {"ENDCAP_DATA_DIR": str(where)},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for line, where in ((["edge.sync"], elsewhere), (["backend", "push", "--watch"], data_dir))
    ]  # fmt: skip
    try:
        until(lambda: (elsewhere / "bundles" / "demo" / "live.json").exists(), within_s=40)
    finally:
        for one in watching:
            one.send_signal(signal.SIGTERM)
        ended = [one.wait(20) for one in watching]
    assert ended == [0, -signal.SIGTERM]
    assert read_live(elsewhere / "bundles", "demo").live == published(data_dir)
