"""Consent: what a shopper allows. What the request says and what is stored must both allow; a stored denial wins.

In: purposes named by a request, decisions stored earlier. Out: the purposes in force, and the stored record's bytes.
"""

from collections.abc import Iterable

import msgspec

from edge.core.errors import UNREADABLE, CodecError
from edge.core.events import Purpose

_VERSION = b"\x01"


class Decision(msgspec.Struct, frozen=True, array_like=True):
    """What a shopper decided, when (unix seconds) and where. Purposes not granted are denied."""

    shop: str
    shopper: str
    granted: tuple[Purpose, ...]
    time: float
    source: str


def in_force(requested: Iterable[Purpose], stored: Iterable[Decision | None]) -> frozenset[Purpose]:
    """The purposes that the request names and that no stored decision denies."""
    allowed = frozenset(requested)
    for decision in stored:
        if decision is not None:
            allowed = allowed.intersection(decision.granted)
    return allowed


def encode_decision(decision: Decision) -> bytes:
    """One decision as stored."""
    return _VERSION + msgspec.msgpack.encode(decision)


_decoder = msgspec.msgpack.Decoder(Decision)


def decode_decision(data: bytes) -> Decision:
    """Read what `encode_decision` wrote. Raises CodecError for anything else."""
    if not data.startswith(_VERSION):
        raise CodecError(f"stored consent has version {data[:1]!r}, this program reads {_VERSION!r}")
    try:
        return _decoder.decode(data[1:])
    except UNREADABLE as error:
        raise CodecError(f"stored consent is unreadable: {error}") from error
