"""Who is asking, in pseudonyms: raw ids of persons go no further than this file.

In: the ids of a request, of which its door (`edge.doors`) has let a customer's pass. Out: `Caller`, and events as they
are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from edge.core.events import Event, Purpose
from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from edge.doors import Trust


class Caller(msgspec.Struct, frozen=True):
    """A shop and, in pseudonyms, the shopper behind a request, with the consent that the request states."""

    shop: str
    visitor: str | None
    customer: str | None
    consent: frozenset[Purpose]
    trust: Trust
    former: tuple[tuple[str, str], ...] = ()  # (name under a former key, name now), while a former key is kept

    @property
    def shopper(self) -> str | None:
        """Whose profile it is: the customer's where known, else the visitor's."""
        return self.customer or self.visitor

    @property
    def visit(self) -> str | None:
        """Whose session it is: a visit belongs to the device, so the visitor's where known."""
        return self.visitor or self.customer

    @property
    def subjects(self) -> tuple[str, ...]:
        """All pseudonyms of this shopper."""
        if self.visitor and self.customer:
            return (self.visitor, self.customer)
        one = self.visitor or self.customer
        return (one,) if one else ()

    def names(self, subject: str | None) -> tuple[str, ...]:
        """A subject's names, the present one first; none for nobody."""
        if not subject:
            return ()
        return (subject, *[old for old, new in self.former if new == subject]) if self.former else (subject,)

    @property
    def personal(self) -> bool:
        """Whether anything stored may be looked at: the request allows it and says who asks."""
        return "personalization" in self.consent and self.shopper is not None


@dataclass(frozen=True)
class Identifier:
    """Turns ids into callers, for one shop."""

    shop: str
    key: PseudonymKey
    former: tuple[PseudonymKey, ...] = ()  # keys being replaced, newest first

    def caller(
        self, visitor_id: str | None, customer_id: str | None, consent: Iterable[Purpose], trust: Trust = "server"
    ) -> Caller:
        """The caller behind these ids, of which `Door.customer` has let the customer's pass."""
        visitor, customer = self.name("visitor", visitor_id), self.name("customer", customer_id)
        former = self._former({"visitor": visitor_id, "customer": customer_id}) if self.former else ()
        return Caller(self.shop, visitor, customer, frozenset(consent), trust, former)

    def _former(self, ids: Mapping[ShopperKind, str | None]) -> tuple[tuple[str, str], ...]:
        """Names under the keys being replaced, each with the name now."""
        pairs = (
            (pseudonym(key, self.shop, kind, id_), pseudonym(self.key, self.shop, kind, id_))
            for key in self.former
            for kind, id_ in ids.items()
            if id_
        )
        return tuple(pairs)

    def name(self, kind: ShopperKind, id_: str | None) -> str | None:
        """The pseudonym of one id of a person; None when there is none. Spellings of one mailbox or number are one."""
        return pseudonym(self.key, self.shop, kind, id_) if id_ else None

    def names(self, kind: ShopperKind, id_: str | None) -> tuple[str, ...]:
        """All pseudonyms of one id of a person, the present one first: what erasure and export must look under."""
        name = self.name(kind, id_)
        return (name, *(old for old, _ in self._former({kind: id_}))) if name else ()

    def hidden(self, event: Event, caller: Caller, consent: tuple[Purpose, ...]) -> Event:
        """The event as it is kept: in pseudonyms, with the consent in force.

        Loyalty id, e-mail and phone serve to find a profile, so they stay only where a profile may be kept.
        """
        linked = "personalization" in consent
        return msgspec.structs.replace(
            event,
            visitor_id=caller.visitor,
            customer_id=caller.customer,
            loyalty_id=self.name("loyalty", event.loyalty_id) if linked else None,
            email=self.name("email", event.email) if linked else None,
            phone=self.name("phone", event.phone) if linked else None,
            consent=consent,
            former=caller.former + (self._former(_other_ids(event)) if linked else ()),
        )


def _other_ids(event: Event) -> dict[ShopperKind, str | None]:
    return {"loyalty": event.loyalty_id, "email": event.email, "phone": event.phone}
