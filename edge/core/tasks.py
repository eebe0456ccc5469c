"""What the edge asks of the backend: one entry of a shop's task stream each.

In: webhooks and requests, in pseudonyms. Out: tagged JSON in the field `t` of `keys.tasks_key(shop)`. A task names
persons by pseudonyms only; `id` is the platform's name of the request, so that the same task twice is done once.
"""

from typing import Literal

import msgspec

from edge.core.errors import UNREADABLE, CodecError
from edge.core.events import Purpose

Platform = Literal["shopify", "bigcommerce", "adobe", "endcap"]


class Task(msgspec.Struct, frozen=True, tag=True, tag_field="task"):
    """What all tasks share: their idempotency key and when they were asked for (unix seconds)."""

    id: str
    time: float


class Erase(Task, frozen=True):
    """Forget a person: every record under these names, and of these orders."""

    shoppers: tuple[str, ...]
    orders: tuple[str, ...] = ()
    reason: str = "asked for"


class Export(Task, frozen=True):
    """Write down, readably, all that is kept under these names, for the shop to hand over."""

    shoppers: tuple[str, ...]


class Withdraw(Task, frozen=True):
    """Carry a decision on consent to where the edge does not reach: only these purposes are granted now."""

    shoppers: tuple[str, ...]
    granted: tuple[Purpose, ...] = ()


class EraseShop(Task, frozen=True):
    """Forget a shop: everything of all its shoppers."""


class Fetch(Task, frozen=True):
    """Read an object that a thin webhook only named, such as `order` 118, and take it in."""

    platform: Platform
    kind: str
    object_id: str


class Unlink(Task, frozen=True):
    """Undo the merge of a visitor's history into a customer's."""

    visitor: str
    customer: str


class Uninstalled(Task, frozen=True):
    """The shop took the app out: no more calls to its platform."""

    platform: Platform


AnyTask = Withdraw | Erase | Export | EraseShop | Fetch | Unlink | Uninstalled
FIELD: Literal["t"] = "t"
_decoder: msgspec.json.Decoder[AnyTask] = msgspec.json.Decoder(AnyTask)


def encode_task(task: AnyTask) -> bytes:
    """One task as it stands in the stream."""
    return msgspec.json.encode(task)


def decode_task(data: bytes) -> AnyTask:
    """Read what `encode_task` wrote. Raises CodecError for anything else."""
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        raise CodecError(f"the task of {len(data)} bytes is unreadable: {error}") from error
