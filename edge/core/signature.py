"""Signatures of bundles: that a bundle is one which the shop's own backend let serve.

In: a bundle's directory and secrets that backend and edges share. Out: `<version>.sig` beside the directory, or
BundleError. Signed are shop, version and the manifest's bytes, which hold the checksum of every other file. It stands
beside the bundle, not in it: bundles are never rewritten, and while secrets are being replaced they are signed anew.
"""

import hmac
from collections.abc import Sequence
from pathlib import Path

from edge.core.bundle import MANIFEST, replace_file
from edge.core.errors import BundleError

_LEAST_SECRET = 16  # bytes
_LARGEST = 4_096


def bundle_keys(listed: str | None) -> tuple[bytes, ...]:
    """The secrets in a comma list, the one to sign with first. Raises BundleError for one that could be guessed."""
    keys = tuple(part.strip().encode() for part in (listed or "").split(",") if part.strip())
    if any(len(key) < _LEAST_SECRET for key in keys):
        raise BundleError("a secret in ENDCAP_BUNDLE_KEYS has under 16 bytes; make one: `openssl rand -hex 32`")
    return keys


def signature_path(directory: Path) -> Path:
    """Where the signature of a bundle stands."""
    return directory.with_name(f"{directory.name}.sig")


def sign_bundle(directory: Path, keys: Sequence[bytes]) -> None:
    """Write the signature under each secret, the newest first. Raises BundleError where there is no manifest."""
    body = _signed(directory)
    told = b"".join(b"v1=%s\n" % _signature(key, body) for key in keys)
    path = signature_path(directory)
    if not (path.exists() and path.read_bytes() == told):
        replace_file(path, told)


def check_signature(directory: Path, keys: Sequence[bytes]) -> None:
    """Refuse a bundle that none of the secrets signed; without secrets all pass. Raises BundleError."""
    if not keys:
        return
    path = signature_path(directory)
    try:
        with path.open("rb") as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError as error:
        why = f"bundle {directory.name} is not signed ({path.name}: {error.strerror})"
        raise BundleError(f"{why}; `python -m backend sign {directory.name}` signs what you trust") from error
    body, found = _signed(directory), False
    for key in keys:
        expected = b"v1=" + _signature(key, body)
        for line in lines:
            found |= hmac.compare_digest(expected, line)
    if not found:
        raise BundleError(
            f"bundle {directory.name} is signed with no secret in force, or was changed since; copy it again, or sign "
            f"it with `python -m backend sign {directory.name}`"
        )


def _signed(directory: Path) -> bytes:
    try:
        manifest = (directory / MANIFEST).read_bytes()
    except OSError as error:
        raise BundleError(f"no bundle at {directory}: {error.strerror}") from error
    return b"\0".join((b"endcap-bundle-1", directory.parent.name.encode(), directory.name.encode(), manifest))


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256").hex().encode()
