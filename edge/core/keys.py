"""Every Redis key and how long it lives, and the pseudonyms that stand in for shoppers.

A shopper's keys share the hash tag `{shop/pseudonym}`, so on a cluster they lie on one node; a shop's stream, its
idempotency marks and its catalogue share `{shop}`. Whatever holds a shopper's data has a TTL.
"""

import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROFILE_TTL_S = 400 * 86_400  # a yearly shopper is still known the next year
SESSION_TTL_S = 86_400  # a visit, and the evening after it
CONSENT_TTL_S = 400 * 86_400  # a denial outlives what it denied
DECIDED_TTL_S = 300  # a decision sent again within this is the same one; pages send it again at once or never
SEEN_TTL_S = 96 * 3_600  # longer than any platform retries
TRAIL_TTL_S = 35 * 86_400  # which stream entries are this shopper's: longer than a stream may lie unread

FACTS_TTL_S = 35 * 86_400  # facts that nobody recomputes are soon no facts any more
LINK_TTL_S = 400 * 86_400  # as long as the profile it leads to
CART_TTL_S = 14 * 86_400  # as long as platforms keep a cart
DEAD_TTL_S = 35 * 86_400  # for somebody to look at an event that could not be applied, mend the cause and replay it
RATES_TTL_S = 120  # how often callers asked, for a minute and the one after it
COUNTS_TTL_S = 400 * 86_400  # a day can be compared with the same day of the last year

KEY_FILE = "pseudonym.key"
PROFILES_GROUP, LOG_GROUP = "profiles", "log"  # the consumer groups of a shop's event stream

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SPELLED = frozenset({"email", "phone"})

ShopperKind = Literal["visitor", "customer", "order", "loyalty", "email", "phone", "cart"]  # what may name a person


@dataclass(frozen=True)
class PseudonymKey:
    """A secret and its name; the name stands before every pseudonym made with it, so that keys can rotate."""

    secret: bytes
    id: str

    def digest(self, message: bytes) -> bytes:
        """HMAC-SHA256."""
        return hmac.digest(self.secret, message, "sha256")

    @classmethod
    def from_hex(cls, text: str) -> "PseudonymKey":
        """Read a key of at least 16 bytes in hex. Raises ValueError that says what is wrong."""
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            raise ValueError("the pseudonym key is not hexadecimal; make one with `openssl rand -hex 32`") from None
        if len(secret) < 16:
            raise ValueError(
                f"the pseudonym key has {len(secret)} bytes, 16 are the least; make one: `openssl rand -hex 32`"
            )
        return cls(secret, hashlib.sha256(secret).hexdigest()[:4])


def load_key(data_dir: Path, secret_hex: str | None) -> PseudonymKey:
    """The key in use: the newest of `load_keys`."""
    return load_keys(data_dir, secret_hex)[0]


def load_keys(data_dir: Path, secrets_hex: str | None) -> tuple[PseudonymKey, ...]:
    """The keys given (with commas), or those kept in the data directory (a line each), newest first.

    Made on first use. Raises ValueError when one is no key.
    """
    if secrets_hex is not None:
        return tuple(PseudonymKey.from_hex(text.strip()) for text in secrets_hex.split(","))
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        return tuple(PseudonymKey.from_hex(line) for line in path.read_text().split())
    except OSError as error:
        raise ValueError(f"cannot use {path}: {error.strerror}; name another directory with ENDCAP_DATA_DIR") from error


def rotate_key(data_dir: Path) -> tuple[PseudonymKey, ...]:
    """Put a new key before those in the data directory, in one step; the keys then."""
    return _replace_keys(data_dir, [secrets.token_hex(32), *_kept(data_dir)])


def drop_former_keys(data_dir: Path) -> tuple[PseudonymKey, ...]:
    """Keep only the newest key; the keys then. What no event has moved to its name by now is not found any more."""
    return _replace_keys(data_dir, _kept(data_dir)[:1])


def _kept(data_dir: Path) -> list[str]:
    load_keys(data_dir, None)
    return (data_dir / KEY_FILE).read_text().split()


def _replace_keys(data_dir: Path, lines: list[str]) -> tuple[PseudonymKey, ...]:
    path = data_dir / KEY_FILE
    with tempfile.NamedTemporaryFile("w", dir=data_dir, prefix=".key", delete=False) as file:  # mode 0600
        file.write("\n".join(lines))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    return load_keys(data_dir, None)


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".key") as file:  # mode 0600
        file.write(secrets.token_hex(32))
        file.flush()
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            path.hardlink_to(file.name)


def pseudonym(key: PseudonymKey, shop: str, kind: ShopperKind, shopper_id: str) -> str:
    """A keyed, one-way name for a shopper of one shop: `<key id>.<22 characters>`."""
    spelled = _spelled(kind, shopper_id) if kind in _SPELLED else shopper_id
    message = f"{shop}\0{kind}\0{spelled}".encode("utf-8", "surrogatepass")
    return f"{key.id}.{_letters(key.digest(message)[:16])}"


def _letters(digest: bytes) -> str:
    """Base64 that may stand in addresses, without padding."""
    return binascii.b2a_base64(digest, newline=False).translate(_URL_SAFE, b"=").decode()


def _spelled(kind: ShopperKind, id_: str) -> str:
    """A mailbox or number as it is hashed: spellings of one are one."""
    if kind == "email":
        return id_.strip().casefold()
    return "".join(letter for letter in id_ if letter.isdecimal() or letter == "+")


def profile_key(shop: str, shopper: str) -> str:
    """Where a shopper's profile lies."""
    return f"p:{{{shop}/{shopper}}}"


def session_key(shop: str, shopper: str) -> str:
    """Where a shopper's current visit lies."""
    return f"s:{{{shop}/{shopper}}}"


def consent_key(shop: str, shopper: str) -> str:
    """Where a shopper's stored decision on consent lies."""
    return f"c:{{{shop}/{shopper}}}"


def trail_key(shop: str, shopper: str) -> str:
    """The ids of a shopper's own entries in the event stream, so that withdrawal can remove them."""
    return f"t:{{{shop}/{shopper}}}"


def events_key(shop: str) -> str:
    """The shop's event stream. Never trimmed by length: only what the consumer has read may go."""
    return f"e:{{{shop}}}"


def seen_key(shop: str, event_id: str) -> str:
    """The idempotency mark of one event."""
    return f"d:{{{shop}}}:{event_id}"


def decided_key(shop: str, mark: str) -> str:
    """What a decision on consent said that came under this mark, and when: sent again it is that one again."""
    return f"k:{{{shop}}}:{mark}"


def marks_key(shop: str, shopper: str) -> str:
    """Sorted set of the events that this shopper's profile holds already: event mark -> stream entry it came in."""
    return f"m:{{{shop}/{shopper}}}"


def parts_key(shop: str, shopper: str) -> str:
    """Hash of the histories a merged profile is made of, so that a merge can be undone: name -> profile bytes."""
    return f"b:{{{shop}/{shopper}}}"


def links_key(shop: str, shopper: str) -> str:
    """Set of the other names of a shopper (visitors, orders, loyalty, mail): what erasure must reach, too."""
    return f"l:{{{shop}/{shopper}}}"


def alias_key(shop: str, name: str) -> str:
    """Where one name (a pseudonym of any kind) leads: to the customer it belongs to."""
    return f"a:{{{shop}/{name}}}"


def facts_key(shop: str, shopper: str) -> str:
    """The facts computed of a customer."""
    return f"f:{{{shop}/{shopper}}}"


def tasks_key(shop: str) -> str:
    """Stream of what the backend must do for a shop: erase, export, fetch an object, withdraw an app."""
    return f"w:{{{shop}}}"


def dead_key(shop: str) -> str:
    """Stream of the events that could not be applied, with the reason."""
    return f"y:{{{shop}}}"


def counts_key(shop: str, day: int) -> str:
    """Hash of what was counted on a unix day: events by type, orders, impressions and clicks by slot and model."""
    return f"n:{{{shop}}}:{day}"


def rates_key(shop: str, minute: int) -> str:
    """Hash of how often each caller asked with a publishable key in one minute."""
    return f"r:{{{shop}}}:{minute}"


def jobs_key(shop: str) -> str:
    """Hash of the backend's jobs: name -> when it last ran and what came of it."""
    return f"j:{{{shop}}}"


def job_lock_key(shop: str, job: str) -> str:
    """Held by the one backend that runs a job at the moment."""
    return f"j:{{{shop}}}:{job}"


def overlay_key(shop: str) -> str:
    """Hash of product id to the newest price, stock or card that the snapshot does not have yet."""
    return f"o:{{{shop}}}"


def changes_key(shop: str) -> str:
    """Stream that tells every edge process which products changed; the hash above holds the truth."""
    return f"x:{{{shop}}}"


def stock_key(shop: str) -> str:
    """Hash of what the shop's platform told last of each product and inventory item; no persons in it."""
    return f"i:{{{shop}}}"


def order_name(shop: str, order_id: str) -> str:
    """An order as a name that can lead to a customer: hashed without a key, as order ids stand in the stream anyway."""
    digest = hashlib.blake2b(f"{shop}\0{order_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return f"order.{_letters(digest)}"
