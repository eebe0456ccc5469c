"""Bundles on disk: written whole, verified, refused when anything is wrong."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.core.bundle import (
    INDEX,
    RANKERS,
    SESSIONS,
    Bin,
    Calibration,
    Golden,
    Live,
    Manifest,
    Part,
    SessionsPart,
    new_version,
    read_arrays,
    read_live,
    read_manifest,
    replace_file,
    verify_files,
    write_bundle,
    write_live,
)
from edge.core.errors import BundleError

MANIFEST = Manifest(
    version="20261121T100455Z-3f9c",
    shop="demo",
    created="2026-11-21T10:04:55Z",
    feature_names=("a", "b"),
    files={},
    onnx={"ir_version": 10},
    golden=Golden([[1.0, 2.0]], [0.5]),
    metrics={"for_you": {"endcap": {"ndcg@10": 0.2}}},
    readiness={"for_you": "answers"},
    data={"fingerprint": "abc"},
)
ARRAYS = {"ids": np.array([b"1", b"22"]), "price": np.array([1.0, 2.0], np.float32)}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A small bundle on disk."""
    return write_bundle(tmp_path, MANIFEST, {INDEX: Part(b"not really onnx", ARRAYS)})


def test_a_bundle_comes_back_as_it_was_written(written: Path) -> None:
    """Manifest, checksums and arrays; the directory holds nothing else."""
    manifest = read_manifest(written)
    verify_files(written, manifest)
    assert manifest.version == MANIFEST.version
    assert set(manifest.files) == {"ranker.onnx", "index/ids.npy", "index/price.npy"}
    arrays = read_arrays(written)
    assert arrays["ids"].tolist() == [b"1", b"22"]
    assert isinstance(arrays["price"], np.memmap)
    assert [path.name for path in written.parent.iterdir()] == [MANIFEST.version]


def test_calibration_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Typed, with its version, by slot."""
    told = Calibration((Bin(10, 0.1, 0.2, 0.15, 0.01), Bin(10, 0.2, 0.9, 0.5, 0.1)))
    manifest = msgspec.structs.replace(MANIFEST, calibration={"for_you": told})
    assert read_manifest(write_bundle(tmp_path, manifest, {INDEX: Part(b"x", ARRAYS)})).calibration == {"for_you": told}


def test_a_manifest_of_before_calibration_is_read(written: Path) -> None:
    """Bundles of older trainers go on serving: they have none."""
    raw = json.loads((written / "manifest.json").read_text())
    del raw["calibration"]
    (written / "manifest.json").write_text(json.dumps(raw))
    assert read_manifest(written).calibration == {}


def test_files_beside_the_index_are_listed_and_verified(tmp_path: Path) -> None:
    """What serving does not read is held to its checksum all the same, and is no array."""
    directory = write_bundle(tmp_path, MANIFEST, {INDEX: Part(b"x", ARRAYS)}, {"examples.json": b"{}"})
    manifest = read_manifest(directory)
    assert "examples.json" in manifest.files
    verify_files(directory, manifest)
    assert set(read_arrays(directory)) == set(ARRAYS)
    (directory / "examples.json").write_bytes(b"[]")
    with pytest.raises(BundleError, match=r"examples\.json is damaged"):
        verify_files(directory, manifest)


VISITS = SessionsPart(("near", "hits"), {"ir_version": 10}, Golden([[1.0, 2.0]], [0.25]))
CLICKS = {"ids": np.array([b"1"]), "vectors": np.ones((1, 2), np.float16)}
BOTH = {INDEX: Part(b"shelves", ARRAYS), SESSIONS: Part(b"clicks", CLICKS)}


def test_both_parts_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Each with its own ranker and arrays: equal names do not meet; the manifest tells of both."""
    manifest = msgspec.structs.replace(MANIFEST, sessions=VISITS)
    directory = write_bundle(tmp_path, manifest, BOTH)
    told = read_manifest(directory)
    verify_files(directory, told)
    assert told.sessions == VISITS
    assert set(told.files) == {
        "ranker.onnx",
        "index/ids.npy",
        "index/price.npy",
        "sessions.onnx",
        "sessions/ids.npy",
        "sessions/vectors.npy",
    }
    assert read_arrays(directory)["ids"].tolist() == [b"1", b"22"]
    assert read_arrays(directory, SESSIONS)["ids"].tolist() == [b"1"]
    assert [(directory / RANKERS[part]).read_bytes() for part in (INDEX, SESSIONS)] == [b"shelves", b"clicks"]


def test_visits_alone_make_a_bundle(tmp_path: Path) -> None:
    """As the benchmark writes it: no shelves, and their arrays are none, which is no error to read."""
    manifest = msgspec.structs.replace(MANIFEST, sessions=VISITS)
    directory = write_bundle(tmp_path, manifest, {SESSIONS: BOTH[SESSIONS]})
    verify_files(directory, read_manifest(directory))
    assert read_arrays(directory) == {}
    assert not (directory / "ranker.onnx").exists()


def test_a_manifest_of_before_visits_were_learned_is_read(written: Path) -> None:
    """Bundles of older trainers go on serving: they foresee no clicks."""
    raw = json.loads((written / "manifest.json").read_text())
    del raw["sessions"]
    (written / "manifest.json").write_text(json.dumps(raw))
    assert read_manifest(written).sessions is None


def test_a_manifest_that_says_half_of_visits_is_refused(written: Path) -> None:
    """Named is what is missing from it."""
    raw = json.loads((written / "manifest.json").read_text())
    raw["sessions"] = {"feature_names": ["near"], "onnx": {}}
    (written / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(BundleError, match=r"incomplete.*golden"):
        read_manifest(written)


@pytest.mark.parametrize("name", ["sessions.onnx", "sessions/ids.npy", "sessions/vectors.npy"])
def test_files_of_visits_are_verified(tmp_path: Path, name: str) -> None:
    """A flipped bit and a missing file are named with the part they belong to."""
    directory = write_bundle(tmp_path, msgspec.structs.replace(MANIFEST, sessions=VISITS), BOTH)
    manifest = read_manifest(directory)
    flip(directory / name)
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        verify_files(directory, manifest)
    (directory / name).unlink()
    with pytest.raises(BundleError, match=f"missing or unlisted: {name}"):
        verify_files(directory, manifest)


def test_an_unreadable_array_of_visits_is_refused(tmp_path: Path) -> None:
    """Only its own part fails to be read."""
    directory = write_bundle(tmp_path, MANIFEST, BOTH)
    (directory / "sessions" / "ids.npy").write_bytes(b"\x93NUMPY but not quite")
    with pytest.raises(BundleError, match="cannot be read"):
        read_arrays(directory, SESSIONS)
    assert set(read_arrays(directory)) == set(ARRAYS)


def test_a_bundle_is_never_rewritten(written: Path, tmp_path: Path) -> None:
    """The same version again is an error and changes nothing."""
    with pytest.raises(BundleError, match="exists already"):
        write_bundle(tmp_path, MANIFEST, {INDEX: Part(b"other", ARRAYS)})
    assert (written / "ranker.onnx").read_bytes() == b"not really onnx"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """An array that cannot be written without pickle stops the bundle, and no half of it stays."""
    with pytest.raises(ValueError, match="pickle"):
        write_bundle(tmp_path, MANIFEST, {INDEX: Part(b"x", {"bad": np.array([object()])})})
    assert list((tmp_path / "demo").iterdir()) == []


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: flip(b / "ranker.onnx"), "ranker.onnx is damaged"),
        (lambda b: flip(b / "index" / "price.npy"), "price.npy is damaged"),
        (lambda b: (b / "index" / "price.npy").unlink(), "missing or unlisted: index/price.npy"),
        (lambda b: (b / "extra.bin").write_bytes(b"?"), "missing or unlisted: extra.bin"),
        (lambda b: (b / "ranker.onnx").write_bytes(b"no"), "ranker.onnx is damaged"),
    ],
)
def test_damaged_files_are_named(written: Path, damage: Callable[[Path], None], message: str) -> None:
    """A flipped bit, a missing, an extra, a truncated file."""
    damage(written)
    with pytest.raises(BundleError, match=message):
        verify_files(written, read_manifest(written))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "no bundle at"),
        (b"", "not a bundle manifest"),
        (b"\xff\xfe", "not a bundle manifest"),
        (b"[]", "not a bundle manifest"),
        (b'{"schema": 99}', "schema 99"),
        (b'{"schema": 1}', "incomplete"),
    ],
)
def test_a_bad_manifest_is_refused_with_its_reason(written: Path, body: bytes | None, message: str) -> None:
    """Missing, empty, not text, not an object, of another schema, incomplete."""
    path = written / "manifest.json"
    path.unlink() if body is None else path.write_bytes(body)
    with pytest.raises(BundleError, match=message):
        read_manifest(written)


def test_an_array_file_that_is_none_is_refused(written: Path) -> None:
    """Also when its checksum was made to fit."""
    (written / "index" / "price.npy").write_bytes(b"\x93NUMPY but not quite")
    with pytest.raises(BundleError, match="cannot be read"):
        read_arrays(written)


def test_the_manifest_can_be_read_by_people(written: Path) -> None:
    """Indented JSON with the metrics in it."""
    text = (written / "manifest.json").read_text()
    assert json.loads(text)["metrics"]["for_you"]["endcap"]["ndcg@10"] == 0.2
    assert text.count("\n") > 10


def test_live_names_the_serving_version(tmp_path: Path) -> None:
    """And a canary with its share, when there is one."""
    write_live(tmp_path, "demo", Live("v1"))
    assert read_live(tmp_path, "demo") == Live("v1")
    write_live(tmp_path, "demo", Live("v1", canary="v2", percent=5))
    assert read_live(tmp_path, "demo") == Live("v1", canary="v2", percent=5)


def test_without_a_live_model_the_error_says_what_to_do(tmp_path: Path) -> None:
    """Missing and damaged are different messages."""
    with pytest.raises(BundleError, match="train one first"):
        read_live(tmp_path, "demo")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "live.json").write_bytes(b'{"live": 5}')
    with pytest.raises(BundleError, match="damaged"):
        read_live(tmp_path, "demo")


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    """One thread replaces, another reads: always one of the two contents, whole."""
    path, contents = tmp_path / "file", (b"a" * 100_000, b"b" * 100_000)
    replace_file(path, contents[0])

    def replace_often() -> None:
        for number in range(50):
            replace_file(path, contents[number % 2])

    writer = threading.Thread(target=replace_often)
    writer.start()
    while writer.is_alive():
        assert path.read_bytes() in contents
    writer.join()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_versions_are_unique_and_sort_by_time() -> None:
    """Made in the same second they still differ."""
    versions = {new_version() for _ in range(20)}
    assert len(versions) == 20
    assert all(version[8] == "T" and version[15] == "Z" for version in versions)
