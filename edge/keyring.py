"""The keys in force, as this process knows them: read at the start, then every second.

In: the data directory. Out: whether what a request shows opens the shop: InputError for servers (401 without a key in
force, 403 with a key that may not), a yes or no for pages; and the origins whose pages may read answers.
"""

import logging
from pathlib import Path

from edge.core.access import PREFIX, PUBLISHABLE, Key, KeysError, matching, read_keys, shop_of
from edge.errors import InputError

logger = logging.getLogger("endcap.keys")
_REMEDY = "send `Authorization: Bearer sk_...`; `python -m backend key` makes a key"


class KeyRing:
    """Follows the files of keys. A file that cannot be read leaves the last keys in force."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._keys: dict[str, tuple[Key, ...]] = {PREFIX: (), PUBLISHABLE: ()}
        self._origins: dict[str, frozenset[str]] = {}
        self.fault: str | None = None

    def refresh(self) -> None:
        """Look for new and removed keys, off the request path."""
        fault = None
        for prefix in self._keys:
            try:
                self._keys[prefix] = read_keys(self._data_dir, prefix)
            except KeysError as error:
                fault = str(error)
        if fault is not None and fault != self.fault:
            logger.error("%s; the keys read before stay in force", fault)
        self.fault = fault
        self._origins = {
            shop: frozenset(origin for key in self._keys[PUBLISHABLE] if key.shop == shop for origin in key.origins)
            for shop in {key.shop for key in self._keys[PUBLISHABLE]}
        }

    def admit(self, authorization: str | None, shop: str) -> None:
        """Let a secret key of this shop in. Raises InputError."""
        opens = shop_of(self._keys[PREFIX], authorization)
        if opens == shop:
            return
        if opens is not None:
            raise InputError("Authorization", f"this key is not one of shop {shop!r}; {_REMEDY}", status=403)
        shown = (authorization or "").partition(" ")[2].strip()
        if shown.startswith(PUBLISHABLE):
            raise not_for_pages()
        why = "no key in force" if shown.startswith(PREFIX) else "no secret key"
        raise InputError("Authorization", f"{why}; {_REMEDY}", status=401)

    def page_key(self, shown: str, shop: str) -> Key | None:
        """The publishable key of this shop that is shown, or None."""
        key = matching(self._keys[PUBLISHABLE], shown)
        return key if key is not None and key.shop == shop else None

    def origins(self, shop: str) -> frozenset[str]:
        """The origins that the shop's publishable keys are bound to."""
        return self._origins.get(shop, frozenset())


def not_for_pages() -> InputError:
    """What a publishable key is told where it opens nothing."""
    return InputError("Authorization", f"a publishable key may not see this; {_REMEDY}", status=403)
