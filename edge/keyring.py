"""The secret keys in force, as this process knows them: read at the start, then every second.

In: the data directory. Out: the shop that a request's Authorization header opens, or InputError: 401 without a key in
force, 403 with a key that may not.
"""

import logging
from pathlib import Path

from edge.core.access import PREFIX, KeysError, SecretKey, read_keys, shop_of
from edge.errors import InputError

logger = logging.getLogger("endcap.keys")
_PUBLISHABLE = "pk_"
_REMEDY = "send `Authorization: Bearer sk_...`; `python -m backend key` makes a key"


class KeyRing:
    """Follows the file of keys. A file that cannot be read leaves the last keys in force."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._keys: tuple[SecretKey, ...] = ()
        self.fault: str | None = None

    def refresh(self) -> None:
        """Look for new and removed keys, off the request path."""
        try:
            self._keys, self.fault = read_keys(self._data_dir), None
        except KeysError as error:
            if self.fault != str(error):
                logger.error("%s; the keys read before stay in force", error)
            self.fault = str(error)

    def admit(self, authorization: str | None, shop: str) -> None:
        """Let a key of this shop in. Raises InputError."""
        opens = shop_of(self._keys, authorization)
        if opens == shop:
            return
        if opens is not None:
            raise InputError("Authorization", f"this key is not one of shop {shop!r}; {_REMEDY}", status=403)
        shown = (authorization or "").partition(" ")[2].strip()
        if shown.startswith(_PUBLISHABLE):
            raise InputError("Authorization", f"a publishable key may not see this; {_REMEDY}", status=403)
        why = "no key in force" if shown.startswith(PREFIX) else "no secret key"
        raise InputError("Authorization", f"{why}; {_REMEDY}", status=401)
