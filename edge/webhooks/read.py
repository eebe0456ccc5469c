"""Strict reading of what platforms send, and of nothing but the fields we use."""

from typing import TypeVar

import msgspec

from edge.core.errors import UNREADABLE
from edge.webhooks.meaning import UnreadableError, place_of

_T = TypeVar("_T")


def read(body: bytes | msgspec.Raw, type_: type[_T]) -> _T:
    """JSON of a shape; unknown fields are skipped. Raises UnreadableError that names the place, never the content."""
    try:
        return msgspec.json.decode(body, type=type_, strict=False)
    except UNREADABLE as error:
        raise UnreadableError(f"it cannot be read ({place_of(error)})") from None
