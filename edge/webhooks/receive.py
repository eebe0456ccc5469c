"""From a delivery to its effect: verified over the raw bytes, understood, written, and only then answered.

In: headers and body as they arrived. Out: what became of it, or InputError (401, 403, 404, 415), or
StoreUnavailableError: nothing is ever acknowledged and lost. All effects can be repeated without harm, so a delivery
that failed half way is simply sent again.
"""

import hmac
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import msgspec

from edge.changes import put_changes
from edge.collect import Collector, Result
from edge.core import clock, keys
from edge.core.consent import decode_decision
from edge.core.errors import CodecError
from edge.core.events import Event, Purpose
from edge.core.tasks import AnyTask, Fetch, Platform
from edge.errors import InputError
from edge.identify import Identifier
from edge.metrics import EVENTS, WEBHOOKS
from edge.stream import task_entry
from edge.webhooks import adobe, bigcommerce, generic, shopify
from edge.webhooks.carts import Carts
from edge.webhooks.config import WebhookConfig
from edge.webhooks.marketing import choose
from edge.webhooks.meaning import Meaning, Told, UnreadableError
from edge.webhooks.signatures import is_shopifys, is_standard, only
from edge.webhooks.stock import list_product, set_level

logger = logging.getLogger("endcap.webhooks")

Headers = Sequence[tuple[bytes, bytes]]


class Receiver:
    """Takes the deliveries of one shop's platforms."""

    def __init__(self, config: WebhookConfig, collector: Collector, identifier: Identifier) -> None:
        self.config = config
        self._collector = collector
        self._store = collector.store
        self._identifier = identifier
        self._carts = Carts(collector, identifier, config.consent)

    # --- platforms: each returns what became of the delivery, for the metric ------------------------------------------

    async def shopify(self, headers: Headers, body: bytes) -> str:
        """One delivery of Shopify's, old headers or new. Raises InputError and StoreUnavailableError."""
        config = _set_up(self.config.shopify, "ENDCAP_SHOPIFY_SECRETS and ENDCAP_SHOPIFY_DOMAIN")
        _verified("shopify", is_shopifys(config.secrets, only(headers, *shopify.SIGNATURE), body))
        _plain(headers)
        domain = (only(headers, *shopify.DOMAIN) or b"").decode("latin-1").lower()
        if domain != config.shop:
            raise _refused("shopify", "a delivery for another shop than ENDCAP_SHOPIFY_DOMAIN", 403)
        topic = (only(headers, *shopify.TOPIC) or b"").decode("latin-1").lower()
        translate = shopify.TOPICS.get(topic)
        if translate is None:
            return _count("shopify", "unknown", "unknown")
        told = self._told("shopify", topic, body, config.shop)
        try:
            meaning = translate(told)
        except UnreadableError as error:
            return self._unreadable(told, error)
        return await self._carry_out(told, meaning)

    async def bigcommerce(self, headers: Headers, body: bytes) -> str:
        """One delivery of BigCommerce's. Raises likewise."""
        config = _set_up(self.config.bigcommerce, "ENDCAP_BIGCOMMERCE_SECRETS and ENDCAP_BIGCOMMERCE_STORE")
        _verified("bigcommerce", is_standard(config.secrets, headers, body, time.time()))
        _plain(headers)
        told = self._told("bigcommerce", "unknown", body, config.shop)
        try:
            scope, producer = bigcommerce.scope_of(body)
            if producer.lower() != f"stores/{config.shop}":
                raise _refused("bigcommerce", "a delivery for another store than ENDCAP_BIGCOMMERCE_STORE", 403)
            topic = scope.removeprefix("store/").partition("/")[0]
            if topic not in bigcommerce.TOPICS:
                return _count("bigcommerce", "unknown", "unknown")
            told = replace(told, topic=topic)
            meaning = bigcommerce.meaning(told)
        except UnreadableError as error:
            return self._unreadable(told, error)
        return await self._carry_out(told, meaning)

    async def adobe(self, headers: Headers, body: bytes) -> str:
        """One of Adobe's I/O Events. Raises likewise."""
        config = _set_up(self.config.adobe, "ENDCAP_ADOBE_CLIENT_ID and ENDCAP_ADOBE_KEYS")
        names = (b"x-adobe-digital-signature-1", b"x-adobe-digital-signature-2")
        _verified("adobe", config.keys.signed([only(headers, name) for name in names], body))
        _plain(headers)
        told = self._told("adobe", "unknown", body, "")
        try:
            said = adobe.opened(body)
            # Adobe signs every customer's events with the same keys: only this field says that they are ours.
            _verified("adobe", hmac.compare_digest(said.recipient.encode(), config.client_id.encode()))
            if said.type not in adobe.TOPICS:
                return _count("adobe", "unknown", "unknown")
            told = replace(told, topic=said.type)
            meaning = adobe.meaning(told)
        except UnreadableError as error:
            return self._unreadable(told, error)
        return await self._carry_out(told, meaning)

    async def endcap(self, headers: Headers, body: bytes) -> list[Result]:
        """Messages of our own format; each is judged by itself, one that came alone may raise InputError."""
        config = _set_up(self.config.endcap, "ENDCAP_WEBHOOK_SECRETS")
        _verified("endcap", is_standard(config.secrets, headers, body, time.time()))
        _plain(headers)
        told = self._told("endcap", "unknown", body, "")
        messages = generic.split(body)
        results = []
        for raw in messages:
            try:
                message = generic.read(raw, told.now)
            except InputError as error:
                _count("endcap", "unknown", "unreadable")
                if len(messages) == 1:
                    raise
                results.append(Result(None, "rejected", f"{error.parameter}: {error.detail}"))
                continue
            results.append(await self._message(replace(told, topic=_tag(message)), message))
        return results

    async def _message(self, told: Told, message: generic.Message) -> Result:
        if isinstance(message, generic.ConsentMessage):
            outcome = await self._decide(told, message)
        else:
            outcome = await self._carry_out(told, generic.meaning(message, told))
        status = {"taken": "accepted", "stale": "duplicate", "duplicate": "duplicate"}.get(outcome, "ignored")
        id_ = message.event.id if isinstance(message, generic.EventMessage) else getattr(message, "id", None)
        return Result(id_, status)  # type: ignore[arg-type]  # because mypy reads the literals of the dict as plain text

    # --- effects -----------------------------------------------------------------------------------------------------

    async def _carry_out(self, told: Told, meaning: Meaning) -> str:
        """Do all of it; what became of it in one word. What can be repeated for nothing comes first."""
        shop, redis, ask = self._identifier.shop, self._store.redis, self._store.ask
        outcomes: list[str] = []
        tasks: list[AnyTask] = list(meaning.tasks)
        if meaning.changes:
            await ask(lambda: put_changes(redis, shop, meaning.changes))
            outcomes.append("taken")
        outcomes += [await ask(partial(list_product, redis, shop, listing)) for listing in meaning.listings]
        for level in meaning.levels:
            outcomes.append(await ask(partial(set_level, redis, shop, level)))
            if outcomes[-1] == "unknown":  # a product from before the app was installed: the backend brings it
                tasks.append(Fetch(f"shopify:item:{level.item}", told.now, told.platform, "inventory_item", level.item))
        outcomes += [await ask(partial(choose, redis, shop, choice)) for choice in meaning.marketing]
        outcomes += [await self._carts.take(cart, told.now) for cart in meaning.carts]
        made = await self._collector.stream.append(shop, [task_entry(task) for task in tasks])
        outcomes += ["taken" if entry else "duplicate" for entry in made]
        outcomes += await self._events(told, meaning.events)
        order = ("taken", "duplicate", "stale", "late", "unknown", "nobody", "ignored")
        return _count(told.platform, told.topic, next((one for one in order if one in outcomes), "nothing"))

    async def _events(self, told: Told, events: Sequence[Event]) -> list[str]:
        """Append them, as far as consent goes: what the shop declares, or in our own format what the event says."""
        outcomes = []
        for event in events:
            old = told.now - event.time.timestamp() > keys.SEEN_TTL_S
            if old and told.platform != "endcap":
                outcomes.append("late")  # its mark may be gone: it could count twice
                continue
            if not any((event.visitor_id, event.customer_id, event.loyalty_id, event.email, event.phone)) and not (
                event.type == "return" and event.order_id
            ):
                outcomes.append("nobody")  # sold at a till, say
                continue
            declared: frozenset[Purpose] = (
                frozenset(event.consent) if told.platform == "endcap" else self.config.consent
            )
            caller = self._identifier.caller(event.visitor_id, event.customer_id, declared)
            (result,) = await self._collector.take(caller, [event], told.now)
            EVENTS.labels(event.type, result.status).inc()
            outcomes.append({"accepted": "taken"}.get(result.status, result.status))
        return outcomes

    async def _decide(self, told: Told, message: generic.ConsentMessage) -> str:
        """Store a decision for those of the shopper's names of which nothing newer is stored."""
        shop, redis = self._identifier.shop, self._store.redis
        caller = self._identifier.caller(message.visitor_id, message.customer_id, message.consent)
        newer = []
        for subject in caller.subjects:
            data: Any = await self._store.ask(partial(redis.get, keys.consent_key(shop, subject)))
            newer += [subject] if _time_of(data) >= message.time.timestamp() else []
        left = msgspec.structs.replace(
            caller,
            visitor=None if caller.visitor in newer else caller.visitor,
            customer=None if caller.customer in newer else caller.customer,
        )
        await self._store.decide(left, lambda subject: generic.decision(message, shop, subject))
        return _count("endcap", told.topic, "taken" if left.subjects else "stale")

    def _told(self, platform: Platform, topic: str, body: bytes, shop_domain: str) -> Told:
        digest = hmac.digest(self._identifier.key.secret, body, "sha256")[:16].hex()
        return Told(
            platform, topic, body, digest, clock.now(), shop_domain, self.config.currency, self._identifier.names
        )

    def _unreadable(self, told: Told, error: UnreadableError) -> str:
        """Signed, and not what its platform documents: acknowledged, counted, said, and not kept.

        A refusal would be repeated to no avail until the platform drops the subscription, and the body may hold
        personal data, which may not lie about. The reconciliation finds what is missing.
        """
        logger.error("%s %s: a delivery was acknowledged and not taken: %s", told.platform, told.topic, error)
        return _count(told.platform, told.topic, "unreadable")


_Config = TypeVar("_Config")


def _set_up(config: _Config | None, variables: str) -> _Config:
    if config is None:
        raise InputError("path", f"not set up here; set {variables}", status=404)
    return config


def _verified(platform: Platform, signed: bool) -> None:
    if not signed:
        raise _refused(platform, "not signed by a sender we know, or too long ago; check secret and clock", 401)


def _refused(platform: Platform, detail: str, status: int) -> InputError:
    _count(platform, "unknown", "refused")
    return InputError("signature" if status == 401 else "shop", detail, status=status)


def _plain(headers: Headers) -> None:
    encoding = [value for name, value in headers if name.lower() == b"content-encoding"]
    if any(value.strip().lower() not in (b"", b"identity") for value in encoding):
        raise InputError("content-encoding", "compressed bodies are not read; send it plain", status=415)


def _count(platform: Platform, topic: str, outcome: str) -> str:
    WEBHOOKS.labels(platform, topic, outcome).inc()
    return outcome


def _tag(message: generic.Message) -> str:
    return str(message.__struct_config__.tag)


def _time_of(data: bytes | None) -> float:
    try:
        return decode_decision(data).time if data else float("-inf")
    except CodecError:
        return float("-inf")
