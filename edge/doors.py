"""How a request came in, and so whom to believe: the one place that decides who may ask.

In: an ASGI scope, and the body of a POST, which may name a key. Out: the `Door` it came in by, or InputError. A door
says whose word on a customer counts: the caller's, the platform's, a signed token's or nobody's. Decided by
`scope["path"]`, which is what is routed, never by an address put together from headers.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal
from urllib.parse import unquote_to_bytes

import msgspec

from edge.app_proxy import NotSignedError, read_signed
from edge.core import clock
from edge.core.access import PREFIX
from edge.core.events import Event
from edge.core.shopper_token import customer_of
from edge.errors import InputError
from edge.keyring import KeyRing, not_for_pages
from edge.metrics import REFUSED
from edge.rates import Rates, client_of
from edge.shown import Scope, Shown, read_shown
from edge.worker_header import HEADER, is_workers

logger = logging.getLogger("endcap.doors")
PROXY_PREFIX = "/proxy/"
_PAGES_ASK = frozenset({"/v1/recommendations", "/v1/events", "/v1/consent", "/recommendations/products.json"})
_PAGES_ASK_BELOW = "/v1/recommendations/"
_DROP_IN = "/recommendations/products.json"  # also under a locale
Trust = Literal["demo", "page", "proxy", "server", "worker"]


class Door(msgspec.Struct, frozen=True):
    """How a request came in, so whom to believe.

    `demo`: loopback in demo mode; `server`: a secret key, or a platform's signed delivery; both may name a customer.
    `proxy`: signed by Shopify, which says who is logged in. `worker`: our Worker, which knows visitors only. `page`: a
    publishable key shown from a page of the shop.
    """

    trust: Trust
    query: bytes = b""  # the caller's own part of the query string, undecoded
    logged_in: str | None = None
    token_refused: bool = False  # a shopper's token was shown and is not in force: nobody is logged in

    @property
    def believes(self) -> bool:
        """Whether the caller's own word on persons counts."""
        return self.trust in ("demo", "server")

    def customer(self, named: str | None) -> str | None:
        """The customer behind a request that names one, or none. Raises InputError (400) where none may be named."""
        if self.believes:
            return named if named is not None else self.logged_in
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
    named_origins: frozenset[str] = frozenset()
    shopper_secrets: Sequence[bytes] = ()
    rates: Rates | None = None
    proxy_hops: int = 0

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may read answers: those named in the settings, and those of publishable keys."""
        bound = self.keyring.origins(self.shop)
        return self.named_origins | bound if bound else self.named_origins

    def admit(self, scope: Scope, body: bytes = b"") -> Door:
        """The door of a request: an ASGI scope, and the body where there is one. Raises InputError.

        400: a secret where it would be logged; 401: nothing shown that is in force; 403: not from here, or not with
        this; 404: not set up; 429: too often. Nothing under `/proxy` goes unsigned: each route stands under it, too.
        """
        if scope["path"].startswith(PROXY_PREFIX):
            return self._proxied(scope["query_string"])
        if self.demo:
            _only_loopback(scope)
        shown = read_shown(scope, body)
        door = self._opened(scope, shown)
        return self._with_token(door, shown.tokens) if shown.tokens else door

    def _opened(self, scope: Scope, shown: Shown) -> Door:
        if shown.authorization is not None or shown.keys:
            return self._with_key(scope, shown)
        signature = shown.headers.get(HEADER)
        if signature is not None:
            return self._workers(scope, signature)
        if self.demo:
            return Door("demo", scope["query_string"])
        raise _turned_away(
            "server",
            "key",
            "Authorization",
            "needed: `Bearer sk_...` from a server, `key=pk_...` from a page; or come through the Worker or /proxy",
        )

    def _with_key(self, scope: Scope, shown: Shown) -> Door:
        """By the key in the header, or else the one in query or body; of several there none counts."""
        if shown.authorization is not None:
            key = shown.authorization.partition(" ")[2].strip()
            if key.startswith(PREFIX):
                self.keyring.admit(shown.authorization, self.shop)
                return Door("server", scope["query_string"])
        elif any(key.startswith(PREFIX) for key in shown.keys):
            detail = "a secret key goes in the Authorization header: queries and bodies are logged on the way"
            raise InputError("key", f"{detail}; replace the one that was sent", status=400)
        else:
            key = next(iter(shown.keys)) if len(shown.keys) == 1 else ""
        return self._page(scope, shown, key)

    def _with_token(self, door: Door, tokens: frozenset[str]) -> Door:
        """The door with the customer whom a token names.

        One that is not in force is no reason to show a page nothing: nobody is logged in then, and the answer says so.
        """
        token = next(iter(tokens)) if len(tokens) == 1 else ""
        customer = customer_of(token, self.shopper_secrets, self.shop, clock.now())
        if customer is None:
            REFUSED.labels(door.trust, "shopper_token").inc()
        return msgspec.structs.replace(door, logged_in=customer, token_refused=customer is None)

    def _page(self, scope: Scope, shown: Shown, key: str) -> Door:
        """A page's door: the key must be bound to its origin, which browsers tell.

        They tell none where a page asks its own origin with GET; that it does so they say in Sec-Fetch-Site.
        """
        if not pages_ask(scope["path"]):
            raise not_for_pages()
        kept = self.keyring.page_key(key, self.shop)
        origin = shown.headers.get(b"origin")
        if kept is None:
            reason = "key"
        elif origin is None and shown.headers.get(b"sec-fetch-site") != b"same-origin":
            reason = "no_origin"
        elif origin is not None and origin.decode("latin-1") not in kept.origins:
            reason = "origin"
        else:
            if self.rates is not None:
                client = client_of(scope.get("client"), shown.headers.get(b"x-forwarded-for"), self.proxy_hops)
                self.rates.take(kept.id, client, shown.questions)
            return _unnamed(Door("page", scope["query_string"]))
        detail = "no publishable key in force for this page's origin; `python -m backend key --origin ...` makes one"
        raise _turned_away("page", reason, "key", detail)

    def for_operators(self, scope: Scope) -> bool:
        """Whether the caller may see how this process is: loopback in demo mode, else with a secret key."""
        client = scope.get("client")
        if self.demo:
            return client is None or is_loopback(client[0])
        try:
            self.keyring.admit(read_shown(scope).authorization, self.shop)
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


def _only_loopback(scope: Scope) -> None:
    client = scope.get("client")
    if client is not None and not is_loopback(client[0]):
        detail = f"demo mode answers loopback only, not {client[0]}; run it behind nothing that forwards"
        raise InputError("client", detail, status=403)


def pages_ask(path: str) -> bool:
    """Whether a path is one of those that a publishable key opens."""
    return path in _PAGES_ASK or path.startswith(_PAGES_ASK_BELOW) or path.endswith(_DROP_IN)


@lru_cache(maxsize=1_024)
def is_loopback(host: str) -> bool:
    """Whether a host, as an address or as `localhost`, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
