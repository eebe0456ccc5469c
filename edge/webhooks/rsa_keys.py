"""Adobe I/O Events' signatures: RSA with SHA-256, by public keys that lie as files, never fetched for a request.

In: a directory of PEM files, from Adobe's static domain. Out: `PublicKeys`, which says whether one of them signed.
Needs the `adobe` extra.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EndcapError

_MAX_SIGNATURE = 1024  # base64 of an RSA signature of 4096 bits has 684 characters
_MIN_BITS = 2048


class PublicKeyError(EndcapError):
    """The public keys cannot be used: missing, damaged, too small, or the library for them is not there."""


@dataclass(frozen=True)
class PublicKeys:
    """Keys whose signatures count."""

    checks: tuple[Callable[[bytes, bytes], bool], ...]

    def signed(self, signatures: Sequence[bytes | None], body: bytes) -> bool:
        """Whether one of the base64 signatures over the body fits one of the keys."""
        decoded = [_from_base64(signature) for signature in signatures]
        return any(check(signature, body) for signature in decoded if signature for check in self.checks)


def read_public_keys(directory: Path) -> PublicKeys:
    """All `*.pem` of a directory. Raises PublicKeyError that says what to mend."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise PublicKeyError("Adobe's signatures need a library; install it: pip install 'endcap[adobe]'") from error

    def check_of(path: Path) -> Callable[[bytes, bytes], bool]:
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise PublicKeyError(f"{path} is no public key in PEM: {error}; download it again") from error
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _MIN_BITS:
            raise PublicKeyError(f"{path} is no RSA key of {_MIN_BITS} bits or more; Adobe's are")

        def check(signature: bytes, body: bytes) -> bool:
            try:
                key.verify(signature, body, padding.PKCS1v15(), SHA256())
            except InvalidSignature:
                return False
            return True

        return check

    checks = tuple(check_of(path) for path in sorted(directory.glob("*.pem")))
    if not checks:
        raise PublicKeyError(f"{directory} holds no *.pem; put the public keys of Adobe I/O Events there")
    return PublicKeys(checks)


def _from_base64(text: bytes | None) -> bytes | None:
    if not text or len(text) > _MAX_SIGNATURE:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
