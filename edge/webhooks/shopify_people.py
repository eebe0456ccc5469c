"""Shopify's messages about people and about the app itself, in our terms.

In: bodies of their webhooks. Out: tasks in pseudonyms. What a message must hold is asked for strictly: its topic is not
signed, and one body must not pass for another.
"""

from datetime import datetime

import msgspec

from edge.core.tasks import Erase, EraseShop, Export, Fetch, Uninstalled
from edge.webhooks.meaning import MarketingChoice, Meaning, Told, UnreadableError, seconds
from edge.webhooks.read import read

_Id = int | str
_WANTED = {"subscribed": True, "unsubscribed": False, "redacted": False}  # others say nothing: never asked, pending


class _Person(msgspec.Struct, frozen=True):
    id: _Id
    email: str | None = None
    phone: str | None = None


class _DataRequest(msgspec.Struct, frozen=True):
    shop_domain: str
    customer: _Person
    orders_requested: tuple[_Id, ...] | None


class _Redact(msgspec.Struct, frozen=True):
    shop_domain: str
    customer: _Person
    orders_to_redact: tuple[_Id, ...] | None


class _ShopRedact(msgspec.Struct, frozen=True):
    shop_domain: str
    customer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Shop(msgspec.Struct, frozen=True):
    myshopify_domain: str


class _Bulk(msgspec.Struct, frozen=True):
    admin_graphql_api_id: str
    status: str


class _State(msgspec.Struct, frozen=True):
    state: str
    consent_updated_at: datetime | None = None


class _MailConsent(msgspec.Struct, frozen=True):
    customer_id: _Id
    email_marketing_consent: _State


class _PhoneConsent(msgspec.Struct, frozen=True):
    sms_marketing_consent: _State
    customer_id: _Id | None = None
    id: _Id | None = None


def data_request(told: Told) -> Meaning:
    """A customer wants to see what is kept."""
    said = read(told.body, _DataRequest)
    _of(told, said.shop_domain)
    return Meaning(tasks=(Export(f"shopify:data-request:{told.digest}", told.now, _names(told, said.customer)),))


def redact(told: Told) -> Meaning:
    """A customer is to be forgotten."""
    said = read(told.body, _Redact)
    _of(told, said.shop_domain)
    orders = tuple(str(one) for one in said.orders_to_redact or ())
    id_ = f"shopify:redact:{told.digest}"
    return Meaning(tasks=(Erase(id_, told.now, _names(told, said.customer), orders, "customers/redact"),))


def shop_redact(told: Told) -> Meaning:
    """The whole shop is to be forgotten, two days after it took the app out."""
    said = read(told.body, _ShopRedact)
    _of(told, said.shop_domain)
    if said.customer is not msgspec.UNSET:
        raise UnreadableError("it names a customer: it is another message under this topic")
    return Meaning(tasks=(EraseShop(f"shopify:shop-redact:{told.digest}", told.now),))


def uninstalled(told: Told) -> Meaning:
    """The shop took the app out."""
    _of(told, read(told.body, _Shop).myshopify_domain)
    return Meaning(tasks=(Uninstalled(f"shopify:uninstalled:{told.digest}", told.now, "shopify"),))


def bulk_finished(told: Told) -> Meaning:
    """An export that the backend asked for lies ready."""
    said = read(told.body, _Bulk)
    id_ = f"shopify:bulk:{told.digest}"
    return Meaning(tasks=(Fetch(id_, told.now, "shopify", "bulk_operation", said.admin_graphql_api_id),))


def mail_consent(told: Told) -> Meaning:
    """Whether a customer wants mail: the marketing purpose, and no other."""
    said = read(told.body, _MailConsent)
    return _choice(told, said.customer_id, said.email_marketing_consent)


def phone_consent(told: Told) -> Meaning:
    """Whether a customer wants text messages: likewise."""
    said = read(told.body, _PhoneConsent)
    return _choice(told, said.id if said.customer_id is None else said.customer_id, said.sms_marketing_consent)


def nothing(told: Told) -> Meaning:
    """Known, and of no use to us: nothing of it is read."""
    return Meaning()


def _choice(told: Told, customer: _Id | None, state: _State) -> Meaning:
    wanted = _WANTED.get(state.state.lower())
    if wanted is None or customer is None:
        return Meaning()
    at = seconds(state.consent_updated_at) if state.consent_updated_at else told.now
    names = told.name("customer", str(customer))
    return Meaning(marketing=tuple(MarketingChoice(name, wanted, at, "shopify") for name in names))


def _names(told: Told, person: _Person) -> tuple[str, ...]:
    return (
        *told.name("customer", str(person.id)),
        *told.name("email", person.email),
        *told.name("phone", person.phone),
    )


def _of(told: Told, shop_domain: str) -> None:
    if shop_domain.lower() != told.shop_domain:
        raise UnreadableError("it is about another shop")
