"""Cards: what a shopper sees of a product, as encoded JSON, and the numbers that stand for texts of it.

In: a product. Out: its card's bytes; 64-bit keys, by which texts are compared without being read.
"""

from hashlib import blake2b

import msgspec

from edge.core.content import family
from edge.core.products import Product

# Currencies whose minor unit is not a hundredth, ISO 4217.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = dict.fromkeys(_WHOLE.split(" "), 0) | dict.fromkeys(_THOUSANDTHS.split(" "), 3)


class _Money(msgspec.Struct, frozen=True, gc=False):
    amount: str
    currency_code: str


class _Card(msgspec.Struct, frozen=True, gc=False):
    handle: str
    variant_id: str | None
    title: str
    url: str
    image: str | None
    price: _Money
    compare_at_price: _Money | None
    available: bool


_encode = msgspec.json.Encoder().encode


def card_of(product: Product) -> bytes:
    """The product's card as it stands in an answer."""

    def money(amount: float) -> _Money:
        return _Money(f"{amount:.{_DECIMALS.get(product.currency, 2)}f}", product.currency)

    card = _Card(
        handle=product.handle,
        variant_id=product.variant_id,
        title=product.title,
        url=product.url,
        image=product.image,
        price=money(product.price),
        compare_at_price=None if product.compare_at_price is None else money(product.compare_at_price),
        available=product.available,
    )
    return _encode(card)


def text_key(text: str) -> int:
    """A whole number of 63 bits, never 0, for a text; the same in every process."""
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 1) or 1


def family_key(product: Product) -> int:
    """The number that sizes and varieties of one product share."""
    return text_key(family(product))
