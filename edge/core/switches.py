"""The switches a shop can throw without a deploy: surfaces off, and the share of shoppers to serve.

In: `switches.json` beside the shop's bundles, replaced atomically, polled by every edge. Out: yes or no per request.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.core.bundle import replace_file
from edge.core.errors import UNREADABLE, BundleError

Surface = Literal["pdp", "cart", "home"]
SURFACES: tuple[Surface, ...] = ("pdp", "cart", "home")


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`off`: surfaces answered with the popular list. `serve_percent`: the share of shoppers who get more than that."""

    off: tuple[Surface, ...] = ()
    serve_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 100

    def serves(self, shopper: str | None) -> bool:
        """Whether this shopper (a pseudonym) is among those served; the nameless count as the first to be."""
        return self.serve_percent == 100 or (bucket(shopper) if shopper else 0) < self.serve_percent


def bucket(shopper: str, salt: str = "") -> int:
    """0..99, the same for a shopper everywhere and for ever; independent draws for different salts."""
    return int.from_bytes(hashlib.sha256(f"{salt}{shopper}".encode()).digest()[:4], "big") % 100


def _path(bundles: Path, shop: str) -> Path:
    return bundles / shop / "switches.json"


def read_switches(bundles: Path, shop: str) -> Switches:
    """The shop's switches; all on when the file is not there. Raises BundleError when it is damaged."""
    path = _path(bundles, shop)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Switches)
    except FileNotFoundError:
        return Switches()
    except (OSError, *UNREADABLE) as error:
        raise BundleError(
            f"{path} cannot be read: {error}; throw the switch again with `python -m backend switch`"
        ) from error


def write_switches(bundles: Path, shop: str, switches: Switches) -> None:
    """Throw the switches, atomically."""
    replace_file(_path(bundles, shop), msgspec.json.encode(switches))
