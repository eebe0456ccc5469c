"""The households of the demo data, as the picker offers them.

In: `households.json`, which the importer of the demo data writes. Out: `Households`: all ids, and some to try first.
A shop without that file lets anybody log in as any customer id.
"""

from pathlib import Path

import msgspec


class Household(msgspec.Struct, frozen=True):
    """One to try: how many orders it made, and the aisles it is known for."""

    id: str
    orders: int
    buys: tuple[str, ...]


class Households(msgspec.Struct, frozen=True):
    """Who can be logged in; without `ids` anybody."""

    ids: frozenset[str] = frozenset()
    suggested: tuple[Household, ...] = ()

    def known(self, id_: str) -> bool:
        """Whether somebody may be this household."""
        return 0 < len(id_) <= 128 and id_.isprintable() and (not self.ids or id_ in self.ids)


def read_households(data_dir: Path, shop: str) -> Households:
    """Those of the demo data; none where the file is missing or damaged, since a shop works without a picker."""
    try:
        return msgspec.json.decode((data_dir / "plain" / shop / "households.json").read_bytes(), type=Households)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Households()
