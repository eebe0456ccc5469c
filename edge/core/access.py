"""Keys: secret ones (`sk_`) for a shop's servers, publishable ones (`pk_`) for its pages.

In: `secret-keys.json` and `publishable-keys.json` in the data directory, which hold digests only, and what a request
shows. Out: the key in force that it is, or None. A key and the one that replaces it live at once, so that they can be
changed without a gap. A publishable key is no secret: it is bound to the origins whose pages may show it.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE, EndcapError

PREFIX, PUBLISHABLE = "sk_", "pk_"
FILE, PUBLISHABLE_FILE = "secret-keys.json", "publishable-keys.json"
_FILES = {PREFIX: FILE, PUBLISHABLE: PUBLISHABLE_FILE}
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?")


class KeysError(EndcapError):
    """The file of keys is damaged, or a key cannot be made or replaced as asked."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key as kept: its name, the SHA-256 of the key itself, the shop that it opens, and to which origins' pages."""

    id: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$(?!\\n)")]  # what is compared must be ASCII
    shop: str
    created: str
    origins: tuple[str, ...] = ()  # of a publishable key: at least one
    replaces: str | None = None


def is_origin(text: str) -> bool:
    """Whether browsers would send this as an Origin: scheme, host in small letters, port; no path and no `*`."""
    return _ORIGIN.fullmatch(text) is not None


def read_keys(data_dir: Path, prefix: str = PREFIX) -> tuple[Key, ...]:
    """The keys of one kind in force; none when there is no file. Raises KeysError when it is damaged."""
    path = data_dir / _FILES[prefix]
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Key, ...])
    except FileNotFoundError:
        return ()
    except (OSError, *UNREADABLE) as error:
        raise KeysError(f"{path} cannot be read: {error}; move it away and make new keys") from error


def make_key(data_dir: Path, shop: str, origins: Iterable[str] = (), *, replaces: str | None = None) -> str:
    """A new key of a shop: with origins a publishable one for their pages, else a secret one. Raises KeysError.

    It is returned this once; what is kept cannot be turned back into it.
    """
    bound = tuple(dict.fromkeys(origins))
    for origin in bound:
        if not is_origin(origin):
            raise KeysError(f"{origin!r} is no origin; give scheme, host in small letters and port: https://a.example")
    prefix = PUBLISHABLE if bound else PREFIX
    key = prefix + secrets.token_urlsafe(32)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = Key(secrets.token_hex(4), _digest(key), shop, now, bound, replaces)
    _write(data_dir, prefix, (*read_keys(data_dir, prefix), made))
    return key


def rotate_key(data_dir: Path, key_id: str) -> str:
    """A key like the one named, which stays in force until it is removed. Raises KeysError: no such key, or a third."""
    for prefix in _FILES:
        keys = {key.id: key for key in read_keys(data_dir, prefix)}
        if (old := keys.get(key_id)) is None:
            continue
        other = next((key.id for key in keys.values() if key.replaces == key_id), None)
        if old.replaces in keys:
            other = old.replaces
        if other is not None:
            raise KeysError(f"two keys are in force already, {key_id} and {other}; remove one of them first")
        return make_key(data_dir, old.shop, old.origins, replaces=key_id)
    raise KeysError(f"there is no key {key_id!r}; `python -m backend key --list` shows those in force")


def remove_key(data_dir: Path, key_id: str) -> bool:
    """Take a key of either kind out of force. Returns whether there was one of that name. Raises KeysError."""
    found = False
    for prefix in _FILES:
        keys = read_keys(data_dir, prefix)
        kept = tuple(key for key in keys if key.id != key_id)
        if len(kept) < len(keys):
            found = True
            _write(data_dir, prefix, kept)
    return found


def shop_of(keys: tuple[Key, ...], authorization: str | None) -> str | None:
    """The shop that an `Authorization: Bearer sk_...` header opens, or None. Takes as long either way."""
    key = key_of(keys, authorization)
    return key.shop if key else None


def key_of(keys: tuple[Key, ...], authorization: str | None) -> Key | None:
    """The key in force that an `Authorization: Bearer sk_...` header shows, or None. Takes as long either way."""
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    return matching(keys, key) if scheme.lower() == "bearer" and key.startswith(PREFIX) else None


def matching(keys: tuple[Key, ...], shown: str) -> Key | None:
    """The key in force that is this one, or None. All are compared, each in constant time."""
    digest, found = _digest(shown), None
    for kept in keys:
        if hmac.compare_digest(kept.sha256, digest):
            found = kept
    return found


def _write(data_dir: Path, prefix: str, keys: tuple[Key, ...]) -> None:
    replace_file(data_dir / _FILES[prefix], msgspec.json.format(msgspec.json.encode(keys)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
