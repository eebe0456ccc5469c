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
    `after` is who was logged in on the device just before, now that nobody is: nobody else takes such a visit over.
    """

    shop: str
    shopper: str
    revision: int = 0
    updated: int = 0
    viewed: list[str] = msgspec.field(default_factory=list)
    cart: dict[str, int] = msgspec.field(default_factory=dict)
    bought: list[str] = msgspec.field(default_factory=list)
    customer: str = ""
    after: str = ""

    def open_to(self, *names: str) -> bool:
        """Whether a customer, by any of their names, may see this visit; without names, whether somebody anonymous may.

        An anonymous visit is taken over at login, but not by another customer than the one who had just logged out.
        """
        if self.customer or not names:
            return self.customer in (names or ("",))
        return not self.after or self.after in names

    def afresh(self) -> "Session":
        """The visit that begins on this device when another person takes it: empty, its revision going on."""
        return Session(self.shop, self.shopper, self.revision, after=self.customer or self.after)


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
