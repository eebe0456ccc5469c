"""Shopify's messages about people and the app: tasks in pseudonyms, and marketing consent that stays what it is."""

from typing import Any

import pytest

from edge.core import keys
from edge.core.consent import Decision, decode_decision, encode_decision
from edge.core.tasks import Erase, EraseShop, Export, Fetch, Uninstalled
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import CUSTOMER, MAIL, ORDER_ID, PHONE, ago, data_request, order, product, redact
from tests.edge.webhooks.signing import DOMAIN

pytestmark = pytest.mark.store


def names(shop: Shop) -> tuple[str | None, ...]:
    """All pseudonyms that a privacy request is about."""
    return shop.name("customer", str(CUSTOMER)), shop.name("email", MAIL), shop.name("phone", PHONE)


def test_privacy_requests_become_tasks_also_without_any_consent(open_shop: OpenShop) -> None:
    """Once each, however often they are told; in pseudonyms, with the orders; raw ids are nowhere."""
    shop = open_shop(webhook_consent="none")
    for _ in range(2):
        assert shop.shopify("customers/data_request", data_request()).status_code == 200
        assert shop.shopify("customers/redact", redact()).status_code == 200
        assert shop.shopify("shop/redact", {"shop_id": 1, "shop_domain": DOMAIN}).status_code == 200
    export, erase, whole = shop.tasks()
    assert isinstance(export, Export)
    assert export.shoppers == names(shop)
    assert isinstance(erase, Erase)
    assert (erase.shoppers, erase.orders, erase.reason) == (names(shop), (str(ORDER_ID), "2"), "customers/redact")
    assert isinstance(whole, EraseShop)
    everything = shop.everything()
    assert all(text.encode() not in everything for text in (MAIL, MAIL.lower(), PHONE, str(CUSTOMER), "115310627"))


def test_a_customer_without_mail_or_phone_can_be_forgotten(shop: Shop) -> None:
    """Fields that are null, and no orders."""
    shop.shopify("customers/redact", redact() | {"customer": {"id": 5, "email": None}, "orders_to_redact": None})
    (task,) = shop.tasks()
    assert isinstance(task, Erase)
    assert (task.shoppers, task.orders) == ((shop.name("customer", "5"),), ())


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("shop/redact", redact()),
        ("customers/redact", data_request()),
        ("customers/data_request", redact()),
        ("customers/redact", order()),
        ("products/delete", product()),
        ("products/delete", {"id": None}),
        ("app/uninstalled", {"shop_domain": DOMAIN}),
        ("shop/redact", {"shop_id": 1, "shop_domain": "other.myshopify.com"}),
        ("app/uninstalled", {"myshopify_domain": "other.myshopify.com"}),
        ("orders/create", product()),
        ("products/update", order()),
        ("products/update", product(title="")),
    ],
)
def test_a_signed_body_does_not_pass_for_another_topic(shop: Shop, topic: str, payload: dict[str, Any]) -> None:
    """Topics are not signed: a captured message, sent again under another, has no effect."""
    assert shop.shopify(topic, payload).status_code == 200
    assert shop.redis.keys() == []
    assert shop.outcome("shopify", topic, "unreadable") >= 1


def test_the_end_of_the_app_and_of_an_export_become_tasks(shop: Shop) -> None:
    """The backend stops calling; the backend reads what lies ready."""
    shop.shopify("app/uninstalled", {"id": 1, "name": "Green Grocer", "email": MAIL, "myshopify_domain": DOMAIN})
    gid = "gid://shopify/BulkOperation/147595010"
    shop.shopify("bulk_operations/finish", {"admin_graphql_api_id": gid, "status": "completed", "type": "query"})
    gone, fetch = shop.tasks()
    assert isinstance(gone, Uninstalled)
    assert gone.platform == "shopify"
    assert isinstance(fetch, Fetch)
    assert (fetch.platform, fetch.kind, fetch.object_id) == ("shopify", "bulk_operation", gid)


@pytest.mark.parametrize("topic", ["customers/create", "customers/update"])
def test_customers_records_are_not_even_read(shop: Shop, topic: str) -> None:
    """Nothing in them is of use, so nothing is kept; not even nonsense is a fault."""
    assert shop.shopify(topic, {"id": CUSTOMER, "email": MAIL}).status_code == 200
    assert shop.shopify(topic, b"\xff not json").status_code == 200
    assert shop.redis.keys() == []


def mail(state: str, at: str | None) -> dict[str, Any]:
    """A change of heart about mail."""
    consent = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}
    return {"customer_id": CUSTOMER, "email_address": MAIL, "email_marketing_consent": consent}


def sms(state: str, at: str) -> dict[str, Any]:
    """A change of heart about text messages."""
    return {"id": CUSTOMER, "phone": PHONE, "sms_marketing_consent": {"state": state, "consent_updated_at": at}}


def stored(shop: Shop) -> Decision | None:
    """The customer's decision."""
    data: Any = shop.redis.get(keys.consent_key("demo", str(shop.name("customer", str(CUSTOMER)))))
    return decode_decision(data) if data else None


def decide(shop: Shop, granted: tuple[Any, ...], time: float = 1.0, source: str = "web") -> None:
    """Store a decision as it was made earlier."""
    name = str(shop.name("customer", str(CUSTOMER)))
    shop.redis.set(keys.consent_key("demo", name), encode_decision(Decision("demo", name, granted, time, source)))


def test_wanting_mail_allows_nothing_else(shop: Shop) -> None:
    """No decision, none made; a stored one gains marketing and no other purpose."""
    shop.shopify("customers_email_marketing_consent/update", mail("subscribed", ago(seconds=50)))
    assert stored(shop) is None
    decide(shop, ())
    shop.shopify("customers_email_marketing_consent/update", mail("SUBSCRIBED", ago(seconds=40)))
    decision = stored(shop)
    assert decision is not None
    assert (decision.granted, decision.source) == (("marketing",), "shopify")
    assert 0 < shop.redis.ttl(keys.consent_key("demo", decision.shopper)) <= keys.CONSENT_TTL_S


def test_not_wanting_mail_denies_marketing_alone(shop: Shop) -> None:
    """Also of a customer of whom nothing was stored: what else the page may say still holds."""
    shop.shopify("customers_marketing_consent/update", sms("unsubscribed", ago(seconds=50)))
    decision = stored(shop)
    assert decision is not None
    assert set(decision.granted) == {"personalization", "analytics"}
    page = {"consent": "personalization,marketing", "customer_id": str(CUSTOMER)}
    assert shop.client.get("/v1/recommendations/home", params=page).status_code == 200
    decide(shop, ("marketing", "personalization"))
    shop.shopify("customers_email_marketing_consent/update", mail("unsubscribed", None))
    decision = stored(shop)
    assert decision is not None
    assert decision.granted == ("personalization",)


def test_the_newer_choice_stands_and_a_tombstone_stays(shop: Shop) -> None:
    """Shuffled, late, after erasure, or of a program to come: nothing changes."""
    topic = "customers_email_marketing_consent/update"
    decide(shop, ("marketing", "personalization"), time=0)
    shop.shopify(topic, mail("unsubscribed", ago(seconds=20)))
    shop.shopify(topic, mail("subscribed", ago(seconds=30)))
    decision = stored(shop)
    assert decision is not None
    assert decision.granted == ("personalization",)
    decide(shop, (), source="erased")
    shop.shopify(topic, mail("subscribed", ago(seconds=1)))
    decision = stored(shop)
    assert decision is not None
    assert (decision.granted, decision.source) == ((), "erased")
    name = keys.consent_key("demo", str(shop.name("customer", str(CUSTOMER))))
    shop.redis.set(name, b"\x63from the future")
    assert shop.shopify(topic, mail("unsubscribed", ago(seconds=1))).status_code == 200
    assert shop.redis.get(name) == b"\x63from the future"


@pytest.mark.parametrize("state", ["pending", "not_subscribed", "invalid", ""])
def test_states_that_decide_nothing_change_nothing(shop: Shop, state: str) -> None:
    """Never asked, or not answered yet."""
    shop.shopify("customers_email_marketing_consent/update", mail(state, ago(seconds=1)))
    shop.shopify("customers_marketing_consent/update", sms(state, ago(seconds=1)) | {"id": None})
    assert shop.redis.keys() == []
