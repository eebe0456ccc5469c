"""Signatures of bundles: what an edge that asks for one takes, and what it refuses."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.core.bundle import MANIFEST, Live, read_live, write_live
from edge.core.errors import BundleError
from edge.core.signature import bundle_keys, check_signature, sign_bundle, signature_path
from edge.scoring import LiveModel
from tests.backend.program import backend

NEW, OLD = b"n" * 32, b"o" * 32


@pytest.fixture
def bundles(data_dir: Path) -> Path:
    """Where the shop's bundles lie."""
    return data_dir / "bundles"


@pytest.fixture
def bundle(bundles: Path) -> Path:
    """The shop's bundle, signed with the new secret."""
    directory = bundles / "demo" / read_live(bundles, "demo").live
    sign_bundle(directory, [NEW])
    return directory


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    body = bytearray(path.read_bytes())
    body[at % len(body)] ^= 1
    path.write_bytes(body)


def test_what_a_secret_in_force_signed_is_taken(bundle: Path) -> None:
    """Under either secret while they change; without any, everything is."""
    check_signature(bundle, [NEW])
    check_signature(bundle, [OLD, NEW])
    with pytest.raises(BundleError, match="no secret in force"):
        check_signature(bundle, [OLD])
    sign_bundle(bundle, [NEW, OLD])
    check_signature(bundle, [OLD])
    signature_path(bundle).unlink()
    check_signature(bundle, [])
    with pytest.raises(BundleError, match=r"not signed.*python -m backend sign"):
        check_signature(bundle, [NEW])


@pytest.mark.parametrize("at", [0, 40, 300, -2])
def test_a_flipped_bit_is_seen(bundle: Path, at: int) -> None:
    """In manifest or signature; the files are the manifest's to watch."""
    whole = (bundle / MANIFEST).read_bytes()
    flip(bundle / MANIFEST, at)
    with pytest.raises(BundleError, match="changed since"):
        check_signature(bundle, [NEW])
    (bundle / MANIFEST).write_bytes(whole)
    check_signature(bundle, [NEW])
    flip(signature_path(bundle), at)
    with pytest.raises(BundleError, match="changed since"):
        check_signature(bundle, [NEW])


@pytest.mark.parametrize("body", [b"", b"v1=\n", b"\xff" * 9_000, b"v1=" + b"0" * 64])
def test_what_is_no_signature_signs_nothing(bundle: Path, body: bytes) -> None:
    """Whatever is in the file."""
    signature_path(bundle).write_bytes(body)
    with pytest.raises(BundleError):
        check_signature(bundle, [NEW])


def test_a_signature_is_of_one_bundle(bundle: Path) -> None:
    """An old bundle under a new name, or in another shop, is not the one that was signed."""
    for copy in (bundle.with_name("20990101T000000Z-ffff"), bundle.parent.parent / "other" / bundle.name):
        shutil.copytree(bundle, copy)
        shutil.copy(signature_path(bundle), signature_path(copy))
        with pytest.raises(BundleError, match="no secret in force"):
            check_signature(copy, [NEW])


def test_short_secrets_are_refused() -> None:
    """By name, with the command that makes one."""
    assert bundle_keys(None) == bundle_keys(" , ") == ()
    assert bundle_keys(f"{NEW.decode()}, {OLD.decode()}") == (NEW, OLD)
    with pytest.raises(BundleError, match="openssl"):
        bundle_keys("short")


def test_an_edge_takes_a_bundle_when_its_signature_comes(bundles: Path, bundle: Path) -> None:
    """Refused until then, with the reason; one that was taken serves on when another is not signed."""
    signature = signature_path(bundle).read_bytes()
    signature_path(bundle).unlink()
    live = LiveModel(bundles, "demo", keys=[NEW])
    assert not live.refresh()
    assert "not signed" in str(live.refused)
    signature_path(bundle).write_bytes(signature)
    assert live.refresh()
    assert live.refused is None
    other = bundle.with_name("20990101T000000Z-ffff")
    shutil.copytree(bundle, other)
    write_live(bundles, "demo", Live(other.name))
    assert not live.refresh()
    assert live.current is not None
    assert live.current.version == bundle.name
    assert "not signed" in str(live.refused)


def test_the_backend_signs_what_it_lets_serve(data_dir: Path, bundle: Path, serve: Callable[..., Any]) -> None:
    """Published or signed by hand; a damaged bundle is not signed, and nothing is without a secret."""
    signature_path(bundle).unlink()
    told = {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_BUNDLE_KEYS": f"{NEW.decode()},{OLD.decode()}"}
    assert "ENDCAP_BUNDLE_KEYS" in backend("sign", bundle.name, ENDCAP_DATA_DIR=str(data_dir)).stderr
    assert backend("sign", bundle.name, **told).returncode == 0
    check_signature(bundle, [NEW])
    check_signature(bundle, [OLD])
    edge = serve(bundle_keys=OLD.decode())
    assert edge.shelves("home")["model_version"] == bundle.name
    (data_dir / "bundles" / "demo" / "live.json").unlink()
    signature_path(bundle).unlink()
    done = backend("publish", bundle.name, **told)
    assert done.returncode == 0, done.stderr
    check_signature(bundle, [NEW])
    signature_path(bundle).unlink()
    flip(bundle / "ranker.onnx", 100)
    assert "damaged" in backend("sign", bundle.name, **told).stderr
    assert not signature_path(bundle).exists()
