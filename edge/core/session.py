"""This visit: what was looked at, put into the cart and bought in it, and how events change that.

In: events, as they arrive. Out: a record of bounded size; its bytes are in `codec`. `observe` is the only way it
changes.
"""

import msgspec

from edge.core.events import Event

SESSION_CAP = 50


class Session(msgspec.Struct):
    """One visit. `viewed` newest last, each product once; `cart` maps product id to quantity.

    `customer` is who was logged in (a pseudonym), empty while nobody was: a visit of one customer is nobody else's.
    """

    shop: str
    shopper: str
    revision: int = 0
    updated: int = 0
    viewed: list[str] = msgspec.field(default_factory=list)
    cart: dict[str, int] = msgspec.field(default_factory=dict)
    bought: list[str] = msgspec.field(default_factory=list)
    customer: str = ""


def observe(session: Session, event: Event, now: float) -> None:
    """Change the visit by one event, in place."""
    session.revision += 1
    session.updated = max(session.updated, int(min(event.time.timestamp(), now)))
    for line in event.products:
        product_id = line.product_id
        match event.type:
            case "detail-page-view" | "wishlist-add":
                if product_id in session.viewed:
                    session.viewed.remove(product_id)
                session.viewed.append(product_id)
            case "add-to-cart":
                session.cart[product_id] = min(session.cart.get(product_id, 0) + line.quantity, 10_000)
            case "remove-from-cart":
                left = session.cart.get(product_id, 0) - line.quantity
                if left > 0:
                    session.cart[product_id] = left
                else:
                    session.cart.pop(product_id, None)
            case "purchase-complete":
                session.cart.pop(product_id, None)
                if product_id not in session.bought:
                    session.bought.append(product_id)
    del session.viewed[:-SESSION_CAP], session.bought[:-SESSION_CAP]
    for product_id in list(session.cart)[:-SESSION_CAP]:
        del session.cart[product_id]
