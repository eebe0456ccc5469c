"""Secret keys: what a server must show to read a customer's facts or to run the backend.

In: `secret-keys.json` in the data directory, which holds digests only, and the Authorization header. Out: the shop a
key belongs to, or None. Several keys may live at once, so that they can be replaced without a gap.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.core.bundle import replace_file
from edge.core.errors import EndcapError

FILE = "secret-keys.json"
PREFIX = "sk_"


class KeysError(EndcapError):
    """The file of keys is damaged."""


class SecretKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key as kept: its name, the SHA-256 of the key itself, and the shop that it opens."""

    id: str
    sha256: str
    shop: str
    created: str


def read_keys(data_dir: Path) -> tuple[SecretKey, ...]:
    """The keys in force; none when there is no file. Raises KeysError when it is damaged."""
    path = data_dir / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[SecretKey, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read: {error}; move it away and make new keys") from error


def make_key(data_dir: Path, shop: str) -> str:
    """A new key of a shop. It is returned this once; what is kept cannot be turned back into it."""
    key = PREFIX + secrets.token_urlsafe(32)
    made = SecretKey(secrets.token_hex(4), _digest(key), shop, datetime.now(UTC).isoformat(timespec="seconds"))
    replace_file(data_dir / FILE, msgspec.json.format(msgspec.json.encode((*read_keys(data_dir), made))))
    return key


def remove_key(data_dir: Path, key_id: str) -> bool:
    """Take a key out of force. Returns whether there was one of that name."""
    keys = read_keys(data_dir)
    kept = tuple(key for key in keys if key.id != key_id)
    replace_file(data_dir / FILE, msgspec.json.format(msgspec.json.encode(kept)))
    return len(kept) < len(keys)


def shop_of(keys: tuple[SecretKey, ...], authorization: str | None) -> str | None:
    """The shop that an `Authorization: Bearer sk_...` header opens, or None. Takes as long either way."""
    key = key_of(keys, authorization)
    return key.shop if key else None


def key_of(keys: tuple[SecretKey, ...], authorization: str | None) -> SecretKey | None:
    """The key in force that an `Authorization: Bearer sk_...` header shows, or None. Takes as long either way."""
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key.startswith(PREFIX):
        return None
    shown, found = _digest(key), None
    for kept in keys:
        if hmac.compare_digest(kept.sha256, shown):
            found = kept
    return found


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
