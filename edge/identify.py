"""Who is asking: the one place that decides it.

In: a request as it arrived and the ids it names. Out: the `Door` it came in by, and `Caller`, in pseudonyms; raw ids go
no further than this file. A door says whose word on a customer counts: the caller's, the platform's or nobody's.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec

from edge.app_proxy import NotSignedError, read_signed
from edge.core import clock
from edge.core.access import PREFIX
from edge.core.events import Event, Purpose
from edge.core.keys import PseudonymKey, ShopperKind, pseudonym
from edge.errors import InputError
from edge.keyring import KeyRing
from edge.metrics import REFUSED
from edge.worker_header import HEADER, is_workers

logger = logging.getLogger("endcap.doors")
PROXY_PREFIX = "/proxy/"
Trust = Literal["demo", "proxy", "server", "worker"]
Scope = Mapping[str, Any]  # of ASGI


@dataclass(frozen=True)
class Door:
    """How a request came in, so whom to believe.

    `demo`: loopback in demo mode; `server`: a secret key, or a platform's signed delivery; both may name a customer.
    `proxy`: signed by Shopify, which says who is logged in. `worker`: our Worker, which knows visitors only.
    """

    trust: Trust
    query: bytes = b""  # the caller's own part of the query string, undecoded
    logged_in: str | None = None

    @property
    def believes(self) -> bool:
        """Whether the caller's own word on persons counts."""
        return self.trust in ("demo", "server")

    def customer(self, named: str | None) -> str | None:
        """The customer behind a request that names one, or none. Raises InputError (400) where none may be named."""
        if self.believes:
            return named
        if named is not None:
            raise _may_not_name("customer_id")
        return self.logged_in

    def event(self, event: Event) -> Event:
        """The event with the customer whom it may be of. Raises InputError (400).

        Loyalty id, mail and telephone lead to a customer as surely as the customer's own id does.
        """
        for name in () if self.believes else ("loyalty_id", "email", "phone"):
            if getattr(event, name) is not None:
                raise _may_not_name(name)
        return msgspec.structs.replace(event, customer_id=self.customer(event.customer_id))


def _may_not_name(parameter: str) -> InputError:
    return InputError(
        parameter,
        "may not be named here: the shop's platform says who is logged in; leave it out, or ask from a server with a "
        "secret key",
    )


@dataclass(frozen=True)
class Caller:
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
        return tuple(name for name in (self.visitor, self.customer) if name)

    def names(self, subject: str | None) -> tuple[str, ...]:
        """A subject's names, the present one first; none for nobody."""
        return (subject, *(old for old, new in self.former if new == subject)) if subject else ()

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
        ids: dict[ShopperKind, str | None] = {"visitor": visitor_id, "customer": customer_id}
        return Caller(
            shop=self.shop,
            visitor=self.name("visitor", visitor_id),
            customer=self.name("customer", customer_id),
            consent=frozenset(consent),
            trust=trust,
            former=self._former(ids),
        )

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


@dataclass(frozen=True)
class AppProxy:
    """What Shopify's app proxy signs with, while secrets change several, and for which `*.myshopify.com`."""

    secrets: tuple[bytes, ...]
    shop: str


@dataclass(frozen=True)
class Doors:
    """The ways in, by the settings: what is not set up is closed."""

    shop: str
    demo: bool
    keyring: KeyRing
    proxy: AppProxy | None = None
    worker_secrets: Sequence[bytes] = ()

    def admit(self, scope: Scope) -> Door:
        """The door of a request (an ASGI scope). Raises InputError: 401 unsigned, 403 not from here, 404 not set up.

        The path decides, since each route stands under `/proxy` and without it: nothing under it goes unsigned.
        """
        if scope["path"].startswith(PROXY_PREFIX):
            return self._proxied(scope["query_string"])
        client = scope.get("client")
        if self.demo and client is not None and not is_loopback(client[0]):
            raise InputError(
                "client",
                f"demo mode answers loopback only, not {client[0]}; run it behind nothing that forwards",
                status=403,
            )
        query, authorization = scope["query_string"], _header(scope, b"authorization")
        if authorization is not None and _shows_secret(authorization):
            self.keyring.admit(authorization.decode("latin-1"), self.shop)
            return Door("server", query)
        signature = _header(scope, HEADER)
        if signature is not None:
            return self._workers(scope, signature)
        if self.demo:
            return Door("demo", query)
        raise _turned_away(
            "server",
            "key",
            "Authorization",
            "needed: `Bearer sk_...`, from a server; or come through the Worker or /proxy",
        )

    def for_operators(self, scope: Scope) -> bool:
        """Whether the caller may see how this process is: loopback in demo mode, else with a secret key."""
        client = scope.get("client")
        if self.demo:
            return client is None or is_loopback(client[0])
        try:
            self.keyring.admit((_header(scope, b"authorization") or b"").decode("latin-1"), self.shop)
        except InputError:
            return False
        return True

    def _proxied(self, query: bytes) -> Door:
        if self.proxy is None:
            remedy = "set ENDCAP_SHOPIFY_SECRETS and ENDCAP_SHOPIFY_DOMAIN"
            raise InputError("path", f"no app proxy is set up here; {remedy}", status=404)
        try:
            signed = read_signed(query, self.proxy.secrets, self.proxy.shop, clock.now())
        except NotSignedError as error:
            detail = "not signed by the shop's platform for this shop, or too long ago; come through its app proxy"
            raise _turned_away("proxy", str(error), "signature", detail) from None
        return _unnamed(Door("proxy", signed.query, signed.customer_id))

    def _workers(self, scope: Scope, signature: bytes) -> Door:
        query: bytes = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        if not is_workers(self.worker_secrets, signature, scope["method"], target, clock.now()):
            detail = "not signed with a secret in ENDCAP_WORKER_SECRETS, or too long ago"
            raise _turned_away("worker", "signature", "X-Endcap-Worker", detail)
        return _unnamed(Door("worker", query))


def _unnamed(door: Door) -> Door:
    """The door, where its query names no customer; a POST's query says nothing else that anybody reads."""
    for part in door.query.split(b"&"):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        if value and unquote_to_bytes(name) == b"customer_id":
            door.customer("")
    return door


def _turned_away(door: Trust, reason: str, parameter: str, detail: str) -> InputError:
    """A 401 that does not tell which check failed; the log and the metrics may know."""
    REFUSED.labels(door, reason).inc()
    logger.debug("a request was refused at the door %s: %s", door, reason)
    return InputError(parameter, detail, status=401)


def _header(scope: Scope, name: bytes) -> bytes | None:
    """The value of a header; of one sent twice nothing that could fit."""
    values = [value for key, value in scope["headers"] if key == name]
    return b",".join(values) if values else None


def _shows_secret(authorization: bytes) -> bool:
    return authorization.partition(b" ")[2].strip().startswith(PREFIX.encode())


def is_loopback(host: str) -> bool:
    """Whether a host, as an address or as `localhost`, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
