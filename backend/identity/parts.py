"""A profile of several histories: the customer's own, and one of each device that was theirs before a login.

In: parts by name. Out: the profile they make together. Parts lie beside the profile (`b:{shop/shopper}`), so that one
can be taken out again. Of more than PARTS_CAP devices the longest unused ones become the customer's own and stay so.
"""

from collections.abc import Mapping

from edge.core.codec import decode_profile, encode_profile
from edge.core.errors import CodecError
from edge.core.profile import Profile, merge

OWN = "own"
PARTS_CAP = 8  # devices whose merging can be undone: with 1,200 bytes each, a customer's parts stay below 11 KB

Parts = dict[str, Profile]


def combine(shop: str, shopper: str, parts: Mapping[str, Profile]) -> Profile:
    """The profile of all parts; the same whatever their order, as long as nothing falls off a full one."""
    whole = Profile(shop, shopper)
    for name in sorted(parts):
        merge(whole, parts[name])
    whole.parts = len(parts) - (OWN in parts)
    return whole


def read_parts(stored: Mapping[bytes, bytes], shop: str, shopper: str, profile: Profile | None) -> Parts:
    """The parts as stored, or the profile as its own only part: where there are none, and where one is damaged.

    What is on its way out is none.
    """
    try:
        parts = {name.decode(): decode_profile(data) for name, data in stored.items() if is_part(name)}
    except CodecError:
        parts = {}
    if not parts:
        own = profile or Profile(shop, shopper)
        own.parts = 0
        parts[OWN] = own
    parts.setdefault(OWN, Profile(shop, shopper))
    return parts


def is_part(field: bytes) -> bool:
    """Whether a field of the hash is a part; the others are on their way to another shopper's slot."""
    return not field.startswith(b"out")


def write_parts(parts: Parts) -> dict[str, bytes]:
    """Bytes of each part, by name; none where only the customer's own is left: the profile is that part then."""
    fold(parts)
    return {name: encode_profile(part) for name, part in parts.items()} if len(parts) > 1 else {}


def fold(parts: Parts) -> None:
    """Make the longest unused devices the customer's own, in place, until no more than PARTS_CAP are left."""
    devices = sorted((name for name in parts if name != OWN), key=lambda name: (parts[name].updated, name))
    for name in devices[: max(0, len(devices) - PARTS_CAP)]:
        merge(parts[OWN], parts.pop(name))
