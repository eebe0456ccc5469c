"""Products: what a card shows, and the changes that are laid over a catalogue.

In: products from an importer, price and stock changes from a shop. Out: self-contained change messages. Cards are
never in a model bundle, so a price change needs no new model; `edge.core.snapshot` says how they are stored.
"""

import math
from typing import Annotated

import msgspec

from edge.core.errors import UNREADABLE, CodecError
from edge.core.events import Currency, Id, Price


class Product(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One product as a shop sells it. `category` is a path from wide to narrow, `a > b > c`; `listed` is a unix day."""

    id: Id
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    price: Price
    currency: Currency = "USD"
    compare_at_price: Price | None = None
    available: bool = True
    category: Annotated[str, msgspec.Meta(max_length=512)] = ""
    brand: Annotated[str, msgspec.Meta(max_length=256)] = ""
    handle: str = ""
    url: str = ""
    image: str | None = None
    variant_id: Id | None = None
    listed: int = 0


class Change(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one product at `time` (unix seconds): a new price, stock, or (with `product`) a whole new card.

    After a merge `time` is that of the newest part, and the others say when theirs was; unset, it was at `time`.
    """

    id: Id
    time: float
    price: Price | None = None
    compare_at_price: Price | None = None
    available: bool | None = None
    product: Product | None = None
    price_time: float | None = None
    available_time: float | None = None
    product_time: float | None = None

    def merged(self, other: "Change") -> "Change":
        """Both changes as one, whichever came first: of card, price and stock the newer counts, of equals `other`'s."""
        both = (self, other)
        card = max(both, key=lambda one: (one.product is not None, one._at(one.product_time), one is other))
        price = max(both, key=lambda one: (one.price is not None, one._at(one.price_time), one is other))
        stock = max(both, key=lambda one: (one.available is not None, one._at(one.available_time), one is other))
        newest = max(self.time, other.time)
        listed = card._at(card.product_time) if card.product else -math.inf
        priced, stocked = price._at(price.price_time), stock._at(stock.available_time)
        # A card brings its own price and stock: older ones have had their time.
        keeps_price = price.price is not None and priced >= listed
        keeps_stock = stock.available is not None and stocked >= listed
        return Change(
            id=self.id,
            time=newest,
            price=price.price if keeps_price else None,
            compare_at_price=price.compare_at_price if keeps_price else None,
            available=stock.available if keeps_stock else None,
            product=card.product,
            price_time=priced if keeps_price and priced != newest else None,
            available_time=stocked if keeps_stock and stocked != newest else None,
            product_time=listed if card.product and listed != newest else None,
        )

    def _at(self, part_time: float | None) -> float:
        return self.time if part_time is None else part_time

    def shown(self) -> "Change":
        """What a shopper could see of it, without when it was: equal changes look the same."""
        return msgspec.structs.replace(self, time=0.0, price_time=None, available_time=None, product_time=None)

    def since(self, as_of: float) -> "Change | None":
        """What is left of it beside a catalogue read at `as_of`: its parts that are newer; None when there are none."""
        if self.time <= as_of:
            return None
        card, price, stock = (self._at(at) > as_of for at in (self.product_time, self.price_time, self.available_time))
        return msgspec.structs.replace(
            self,
            product=self.product if card else None,
            price=self.price if price else None,
            compare_at_price=self.compare_at_price if price else None,
            available=self.available if stock else None,
        )

    def applied(self, product: Product | None) -> Product | None:
        """The card after this change; None when the product is known neither to the snapshot nor to the change."""
        base = self.product or product
        if base is None:
            return None
        fields: dict[str, object] = {}
        if self.price is not None:
            fields |= {"price": self.price, "compare_at_price": self.compare_at_price}
        if self.available is not None:
            fields["available"] = self.available
        return msgspec.structs.replace(base, **fields) if fields else base


def encode_change(change: Change) -> bytes:
    """One change as stored in Redis."""
    return msgspec.msgpack.encode(change)


_change_decoder = msgspec.msgpack.Decoder(Change)


def decode_change(data: bytes) -> Change:
    """Read what `encode_change` wrote. Raises CodecError on anything else."""
    try:
        return _change_decoder.decode(data)
    except UNREADABLE as error:
        raise CodecError(f"catalogue change of {len(data)} bytes is unreadable: {error}") from error
