"""Tokens for pages: the word of the shop's own server on who is logged in."""

from edge.core import clock
from edge.core.shopper_token import make_token


def shopper_token(secret: str, shop: str, customer_id: str, *, minutes: float = 60) -> str:
    """A token that a page shows as `shopper_token` beside its publishable key, so that it is answered as this customer.

    `secret` is one of the edge's ENDCAP_SHOPPER_SECRETS; at most a day. Give it to the page of whoever has logged in,
    in no address. Raises EndcapError for a secret that could be guessed, or an id that is none.
    """
    return make_token(secret.encode(), shop, customer_id, int(clock.now() + 60 * minutes))
