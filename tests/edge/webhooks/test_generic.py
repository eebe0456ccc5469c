"""Our own signed format, through the running server, signed as docs/webhooks.md says."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.core import keys
from edge.core.consent import decode_decision
from edge.core.tasks import Erase, Export
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import MAIL, ago
from tests.edge.webhooks.signing import SECRET

pytestmark = pytest.mark.store
DOCS = Path(__file__).parents[3] / "docs" / "webhooks.md"


def bought(**changed: Any) -> dict[str, Any]:
    """An event of a shop's own system."""
    event = {
        "id": "till-1", "type": "purchase-complete", "time": ago(minutes=1), "customer_id": "customer-99",
        "products": [{"product_id": "p004"}], "consent": ["personalization"], "source": "store",
    }  # fmt: skip
    return {"type": "event", "event": event | changed}


def test_an_event_names_its_customer_and_may_be_old(shop: Shop) -> None:
    """Believed, since the sender holds the secret; once, however often it is sent; under its own consent."""
    old = bought(id="till-2", time=ago(days=40), loyalty_id="card-5", email=MAIL)
    for expected in ("accepted", "duplicate"):
        results = shop.endcap({"messages": [bought(), old]}).json()["results"]
        assert [result["status"] for result in results] == [expected, expected]
    now, then = shop.events()
    assert now["customer_id"] == shop.name("customer", "customer-99")
    assert now["consent"] == ["personalization"]
    assert (then["loyalty_id"], then["email"]) == (shop.name("loyalty", "card-5"), shop.name("email", MAIL))
    everything = shop.everything()
    assert all(raw not in everything for raw in (b"customer-99", b"card-5", MAIL.lower().encode()))


def test_without_consent_nothing_is_kept_whatever_the_shop_declares(shop: Shop) -> None:
    """The declaration is for platforms that cannot say; here the event says."""
    assert shop.endcap(bought(consent=[])).json()["results"] == [{"id": "till-1", "status": "ignored"}]
    assert shop.redis.keys() == []


def test_products_prices_and_stock_come_in(shop: Shop, until: Callable[..., None]) -> None:
    """Shown within a second; the newer wins, whatever came last."""
    card = {"id": "own-1", "title": "Jam", "price": 3.5, "currency": "EUR"}
    sent = [
        {"type": "product", "time": ago(seconds=30), "product": card},
        {"type": "price", "product_id": "own-1", "time": ago(seconds=10), "price": 2.5, "compare_at_price": 3.5},
        {"type": "price", "product_id": "own-1", "time": ago(seconds=20), "price": 99},
        {"type": "stock", "product_id": "own-1", "time": ago(seconds=5), "available": False},
    ]
    results = shop.endcap({"messages": sent}).json()["results"]
    assert [result["status"] for result in results] == ["accepted"] * 4
    catalogue = shop.running.edge.recommender.catalogue
    until(lambda: (product := catalogue.get("own-1")) and not product.available)
    product = catalogue.get("own-1")
    assert product is not None
    assert (product.price, product.compare_at_price, product.currency) == (2.5, 3.5, "EUR")


def stored(shop: Shop, kind: Any, id_: str) -> Any:
    """A decision, as stored."""
    data: Any = shop.redis.get(keys.consent_key("demo", str(shop.name(kind, id_))))
    return decode_decision(data) if data else None


def test_a_decision_on_consent_has_its_own_time(shop: Shop) -> None:
    """Newer wins, for each of the shopper's names; a withdrawal deletes what it denied."""
    shop.endcap(bought())
    said = {"type": "consent", "customer_id": "customer-99", "visitor_id": "v-1", "consent": ["analytics"]}
    assert shop.endcap(said | {"time": ago(seconds=20), "source": "crm"}).json()["results"][0]["status"] == "accepted"
    decision = stored(shop, "customer", "customer-99")
    assert (decision.granted, decision.source) == (("analytics",), "crm")
    assert shop.events() == []
    again = said | {"time": ago(seconds=30), "consent": ["personalization"]}
    assert shop.endcap(again).json()["results"][0]["status"] == "duplicate"
    assert stored(shop, "visitor", "v-1").granted == ("analytics",)
    newer = {"type": "consent", "customer_id": "customer-99", "time": ago(seconds=1), "consent": []}
    shop.endcap(newer)
    assert stored(shop, "customer", "customer-99").granted == ()
    name = keys.consent_key("demo", str(shop.name("visitor", "v-1")))
    shop.redis.set(name, b"\x63unreadable")
    shop.endcap({"type": "consent", "visitor_id": "v-1", "time": ago(seconds=1), "consent": []})
    assert stored(shop, "visitor", "v-1").granted == ()


def test_requests_of_people_become_tasks(open_shop: OpenShop) -> None:
    """Under all the names that were given, in pseudonyms, once per request."""
    shop = open_shop(webhook_consent="none")
    names = {"visitor_id": "v-1", "customer_id": "c-1", "loyalty_id": "l-1", "email": MAIL, "phone": "+1 555"}
    for _ in range(2):
        shop.endcap({"type": "erase", "id": "request-1", "orders": ["o-1"], **names})
        shop.endcap({"type": "export", "id": "request-1", **names})
    erase, export = shop.tasks()
    expected = tuple(shop.name(field.removesuffix("_id"), value) for field, value in names.items())
    assert isinstance(erase, Erase)
    assert (erase.shoppers, erase.orders) == (expected, ("o-1",))
    assert isinstance(export, Export)
    assert export.shoppers == expected


BAD = [
    (b"", "message"),
    (b"[]", "message"),
    (b"\xff", "message"),
    ({"type": "teleport"}, "type"),
    ({"event": {}}, "type"),
    ({"type": "price", "product_id": "1", "time": "2026-01-01T00:00:00Z", "price": -1}, "price"),
    ({"type": "price", "product_id": "1", "time": "2026-01-01T00:00:00", "price": 1}, "time"),
    ({"type": "stock", "product_id": "1", "time": "2999-01-01T00:00:00Z", "available": True}, "time"),
    ({"type": "stock", "product_id": "1", "time": "2026-01-01T00:00:00Z", "available": True, "extra": 1}, "extra"),
    ({"type": "consent", "time": "2026-01-01T00:00:00Z", "consent": []}, "customer_id"),
    ({"type": "erase", "id": "1"}, "customer_id"),
    (bought(customer_id=None), "customer_id"),
    (bought(time="2999-01-01T00:00:00Z"), "time"),
    ({"messages": []}, "messages"),
    ({"messages": [{}] * 101}, "messages"),
]


@pytest.mark.parametrize(("payload", "parameter"), BAD)
def test_a_message_that_cannot_be_read_is_a_problem_for_its_sender(shop: Shop, payload: Any, parameter: str) -> None:
    """Another program of the shop's own sent it: 400, with the place to mend."""
    answer = shop.endcap(payload)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter
    assert shop.redis.keys() == []


def test_each_message_of_a_batch_is_judged_by_itself(shop: Shop) -> None:
    """Results in order, the bad one with what to mend. A return may be known by its order alone."""
    back = bought(id="till-3", type="return", customer_id=None, order_id="o-1")
    results = shop.endcap({"messages": [bought(), {"type": "teleport"}, back]}).json()["results"]
    assert [result["status"] for result in results] == ["accepted", "rejected", "accepted"]
    assert "teleport" in results[1]["detail"]
    assert len(shop.events()) == 2


@pytest.mark.parametrize("language", ["python", "sh"])
def test_the_examples_of_the_documentation_work(shop: Shop, language: str, tmp_path: Path) -> None:
    """Run as they stand, but for address and secret."""
    (code,) = re.findall(rf"<!-- example -->\n```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    code = code.replace("https://shop.example", shop.running.url).replace("0123456789abcdef0123456789abcdef", SECRET)
    program = [sys.executable, "-c", code] if language == "python" else ["bash", "-c", code]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert '"accepted"' in done.stdout.replace("'", '"'), done.stdout + done.stderr
