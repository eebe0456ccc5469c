"""A page's answer as bytes, put together from what each product's card is already.

In: the shelves that are shown, as rows of the live cards. Out: `Page`: the body, what is counted of it, and the typed
`Answer` for those who need it. The bytes are what msgspec makes of that `Answer`; a test compares them.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import msgspec

from edge.core.compiled.answers import joined
from edge.live_cards import LiveCards
from edge.picks import SAID, ServedBy
from edge.wire import Answer, Slot

_encode = msgspec.json.Encoder().encode
_answer_decoder = msgspec.json.Decoder(Answer)


ShownItem = tuple[int, int, int]  # a row of the live cards, its score and reason


class Shown(msgspec.Struct, frozen=True):
    """A shelf as it is shown."""

    slot: str
    title: str
    served_by: ServedBy
    items: list[ShownItem]


class Page:
    """An answer ready to go out. `shelves`: slot and source of each, to count them by."""

    def __init__(
        self, body: bytes, model_version: str | None, degraded: tuple[str, ...], shelves: Sequence[tuple[str, str]]
    ) -> None:
        self.body = body
        self.model_version = model_version
        self.degraded = degraded
        self.shelves = shelves

    @cached_property
    def answer(self) -> Answer:
        """The same, typed."""
        return _answer_decoder.decode(self.body)

    def marked(self, failed: str) -> "Page":
        """The same, naming one more thing that failed."""
        degraded = (*self.degraded, failed)
        answer = msgspec.structs.replace(self.answer, degraded=list(degraded))
        return Page(_encode(answer), self.model_version, degraded, self.shelves)

    @property
    def slots(self) -> list[Slot]:
        """The shelves, typed."""
        return self.answer.slots


def page_of(
    surface: str, version: str | None, degraded: tuple[str, ...], shelves: Sequence[Shown], live: LiveCards
) -> Page:
    """The page of these shelves."""
    heads = [(*_head(surface, version, one.slot, one.title, one.served_by), one.items) for one in shelves]
    body = joined(_begin(surface, version, degraded), heads, SAID, live.snapshot.cards, live.laid, live.fragment)
    return Page(body, version, degraded, [(shelf.slot, shelf.served_by) for shelf in shelves])


@lru_cache(maxsize=256)
def _begin(surface: str, version: str | None, degraded: tuple[str, ...]) -> bytes:
    """All before the first shelf."""
    return _encode(Answer(surface, version, list(degraded), [])).removesuffix(b"]}")


@lru_cache(maxsize=256)
def _head(surface: str, version: str | None, slot: str, title: str, served_by: ServedBy) -> tuple[bytes, bytes]:
    """All of a shelf before the last part of its token, and what that part says besides the products, in a digest.

    The token says which shelf of which model an impression or click belongs to; the same for the same shelf.
    """
    begin = _encode(Slot(slot, title, served_by, f"{slot}.{version or 'none'}.", [])).removesuffix(b'","items":[]}')
    return b"," + begin, b"%b\0%b" % (surface.encode(), served_by.encode())


def encode(page: Page) -> bytes:
    """The body of an answer."""
    return page.body
