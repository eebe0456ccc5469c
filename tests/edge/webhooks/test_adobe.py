"""Adobe's I/O Events, signed with real RSA keys, through the running server."""

import base64
import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from edge.core.keys import overlay_key
from edge.core.products import decode_change
from edge.core.tasks import Fetch
from edge.webhooks.rsa_keys import PublicKeyError, read_public_keys
from tests.edge.webhooks.conftest import OpenShop, Shop
from tests.edge.webhooks.payloads import ago
from tests.edge.webhooks.signing import raw

pytestmark = pytest.mark.store
CLIENT = "76e82e864661495b89d774b0e49adfb9"
Key = rsa.RSAPrivateKey


@pytest.fixture(scope="module")
def keys() -> tuple[Key, Key, Key]:
    """Adobe's two, and somebody else's."""
    one, two, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))
    return one, two, other


def pem(key: Any) -> bytes:
    """A public key as Adobe publishes it."""
    data: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data


def sign(key: Key, body: bytes) -> str:
    """As Adobe signs."""
    return base64.b64encode(key.sign(body, padding.PKCS1v15(), SHA256())).decode()


Deliver = Callable[..., httpx.Response]


@pytest.fixture
def shop(open_shop: OpenShop, pem_dir: Path, keys: tuple[Key, Key, Key]) -> Shop:
    """A shop that listens to Adobe."""
    for name, key in zip(("one", "two"), keys, strict=False):
        (pem_dir / f"{name}.pem").write_bytes(pem(key))
    return open_shop(adobe_client_id=CLIENT, adobe_keys=pem_dir)


@pytest.fixture
def deliver(shop: Shop, keys: tuple[Key, Key, Key]) -> Deliver:
    """`deliver(type, value)` sends one event as Adobe does."""

    def send(type_: str, value: Any, *, by: tuple[int, int] = (0, 1), **envelope: Any) -> httpx.Response:
        said = {
            "specversion": "1.0", "type": f"com.adobe.commerce.{type_}", "id": "e-1", "time": ago(seconds=30),
            "event_id": "e-1", "recipient_client_id": CLIENT, "data": {"key": "k", "source": "m.e", "value": value},
        }  # fmt: skip
        body = raw(said | envelope)
        headers = {f"x-adobe-digital-signature-{n}": sign(keys[key], body) for n, key in enumerate(by, 1)}
        headers["x-adobe-public-key1-path"] = "/prod/keys/../../somewhere-else.pem"
        return shop.client.post("/webhooks/adobe", content=body, headers=headers)

    return send


CARD = {
    "sku": "test2", "entity_id": "3", "name": "Test Two", "price": "123.000000", "status": "1", "visibility": "4",
    "url_key": "test-2", "image": "/t/2.jpg", "created_at": "2022-07-28 14:13:40", "updated_at": "2022-09-06 20:37:25",
    "quantity_and_stock_status": {"is_in_stock": "1", "qty": "333"},
}  # fmt: skip


def overlay(shop: Shop, sku: str) -> Any:
    """What the catalogue hears of a product."""
    data: Any = shop.redis.hget(overlay_key("demo"), sku)
    return decode_change(data) if data else None


def test_either_signature_is_enough_and_a_foreign_one_is_none(shop: Shop, deliver: Deliver) -> None:
    """One of Adobe's two keys may be in the middle of being replaced; both foreign is forged."""
    for by in ((0, 1), (2, 1), (0, 2)):
        assert deliver("observer.nothing_we_read", {}, by=by).status_code == 200
    assert deliver("observer.nothing_we_read", {}, by=(2, 2)).status_code == 401
    assert shop.outcome("adobe", "unknown", "unknown") >= 3


def test_anothers_events_are_refused(shop: Shop, deliver: Deliver) -> None:
    """Adobe signs all customers' events with the same keys: the recipient must be us."""
    order = {"entity_id": 1}
    assert deliver("observer.sales_order_save_after", order, recipient_client_id="somebody-else").status_code == 401
    assert deliver("observer.sales_order_save_after", order, recipient_client_id=None).status_code == 200  # unreadable
    assert shop.tasks() == []


def test_unsigned_and_tampered_events_are_refused(shop: Shop, keys: tuple[Key, Key, Key]) -> None:
    """Whatever stands in the headers."""
    body = json.dumps({"recipient_client_id": CLIENT, "type": "x", "data": {"value": {}}}).encode()
    good = sign(keys[0], body)
    name = "x-adobe-digital-signature-1"
    for headers in ({}, {name: "AAAA"}, {name: ""}, {name: "A" * 5000}, {name: good[:-4]}, {name: "***"}):
        assert shop.client.post("/webhooks/adobe", content=body, headers=headers).status_code == 401
    assert shop.client.post("/webhooks/adobe", content=body + b" ", headers={name: good}).status_code == 401
    assert shop.client.post("/webhooks/adobe", content=body, headers={name: good}).status_code == 200


def test_the_registration_is_answered(shop: Shop) -> None:
    """The word is said back, and nothing that could be a page; POST and GET share the address."""
    answer = shop.client.get("/webhooks/adobe", params={"challenge": "8ec8d794-e0ab-42df-9017-e3dada8e84f7"})
    assert (answer.status_code, answer.text) == (200, "8ec8d794-e0ab-42df-9017-e3dada8e84f7")
    assert answer.headers["content-type"].startswith("text/plain")
    for challenge in ("", "<script>", "x" * 257, "a b"):
        assert shop.client.get("/webhooks/adobe", params={"challenge": challenge}).status_code == 400


def test_a_registration_is_not_answered_where_nobody_listens(edge: Any) -> None:
    """404, like the deliveries."""
    assert edge.client.get("/webhooks/adobe", params={"challenge": "x"}).status_code == 404


def test_a_whole_product_is_a_card(shop: Shop, deliver: Deliver) -> None:
    """Named by SKU; the special price is the price."""
    assert deliver("observer.catalog_product_save_commit_after", CARD | {"special_price": "99.5"}).status_code == 200
    change = overlay(shop, "test2")
    product = change.applied(None)
    assert (product.title, product.price, product.compare_at_price) == ("Test Two", 99.5, 123.0)
    assert (product.url, product.image, product.available) == ("/test-2.html", "/media/catalog/product/t/2.jpg", True)
    assert shop.tasks() == []


@pytest.mark.parametrize("changed", [{"status": "2"}, {"visibility": "1"}, {"stock_data": {"is_in_stock": 0}}])
def test_what_is_off_hidden_or_gone_is_unavailable(shop: Shop, deliver: Deliver, changed: dict[str, Any]) -> None:
    """In a card as in its parts."""
    value = CARD | {"quantity_and_stock_status": None} | {"stock_data": {"is_in_stock": 1}} | changed
    deliver("observer.catalog_product_save_after", value)
    assert overlay(shop, "test2").applied(None).available is False


def test_a_part_of_a_product_shows_and_the_rest_is_fetched(shop: Shop, deliver: Deliver) -> None:
    """A shop may send as little as it likes."""
    deliver("observer.catalog_product_save_after", {"sku": "test2", "price": 5, "updated_at": None})
    change = overlay(shop, "test2")
    assert (change.price, change.available, change.product) == (5.0, None, None)
    (task,) = shop.tasks()
    assert isinstance(task, Fetch)
    assert (task.platform, task.kind, task.object_id) == ("adobe", "product", "test2")


def test_stock_and_deletion(shop: Shop, deliver: Deliver) -> None:
    """At once with a SKU; by a number alone the backend must look."""
    deliver("observer.cataloginventory_stock_item_save_after", {"sku": "a", "is_in_stock": False})
    deliver("observer.catalog_product_delete_commit_after", {"sku": "b"})
    assert [overlay(shop, sku).available for sku in ("a", "b")] == [False, False]
    deliver("observer.cataloginventory_stock_item_save_after", {"product_id": "7", "is_in_stock": "1"})
    (task,) = shop.tasks()
    assert isinstance(task, Fetch)
    assert (task.kind, task.object_id) == ("stock_item", "7")


def adobe_order(**changed: Any) -> dict[str, Any]:
    """An order with its lines; the second is the inner side of the first."""
    return {
        "entity_id": "8", "created_at": ago(minutes=5)[:19].replace("T", " "), "updated_at": None, "state": "new",
        "customer_id": 12, "customer_email": "a@b.example", "customer_firstname": "Veronica",
        "order_currency_code": "USD",
        "items": [
            {"sku": "s-1", "qty_ordered": "3.0000", "price": "200.0000", "discount_amount": "30.00"},
            {"sku": "s-1-red", "qty_ordered": 3, "price": 0, "parent_item_id": 5},
        ],
    } | changed  # fmt: skip


def test_an_order_is_a_purchase_once_and_a_cancelled_one_comes_back(shop: Shop, deliver: Deliver) -> None:
    """Saved again and again by its shop; a credit memo is a return that leads to it."""
    for _ in range(2):
        deliver("observer.sales_order_save_commit_after", adobe_order())
    deliver("observer.sales_order_save_after", adobe_order(state="canceled", updated_at=ago(minutes=1)[:19]))
    memo = {"entity_id": 3, "order_id": 8, "created_at": ago(minutes=1)[:19], "items": [{"sku": "s-1", "qty": "1.0"}]}
    deliver("observer.sales_order_creditmemo_save_after", memo)
    deliver("observer.sales_order_creditmemo_save_after", memo | {"entity_id": 4, "created_at": None})
    events = {event["id"]: event for event in shop.events()}
    assert list(events) == ["adobe:order:8", "adobe:cancelled:8", "adobe:return:3", "adobe:return:4"]
    bought = events["adobe:order:8"]
    assert bought["products"] == [{"product_id": "s-1", "quantity": 3, "price": 200.0, "discount": 10.0}]
    assert (bought["customer_id"], bought["email"]) == (shop.name("customer", "12"), shop.name("email", "a@b.example"))
    assert b"Veronica" not in shop.everything()


def test_what_an_order_does_not_carry_is_fetched(shop: Shop, deliver: Deliver) -> None:
    """Without its lines, and a credit memo without them."""
    deliver("observer.sales_order_save_after", adobe_order(items=None))
    deliver("observer.sales_order_creditmemo_save_after", {"entity_id": 3, "order_id": 9})
    fetched = [(task.kind, task.object_id) for task in shop.tasks() if isinstance(task, Fetch)]
    assert fetched == [("order", "8"), ("order", "9")]
    deliver("observer.sales_order_save_after", adobe_order(entity_id=9, items=[{"qty_ordered": 1}]))
    assert shop.events() == []


def test_the_older_envelope_and_what_cannot_be_read(shop: Shop, deliver: Deliver) -> None:
    """An event inside an event; faults are acknowledged and have no effect."""
    inner = {"type": "com.adobe.commerce.observer.catalog_product_delete_commit_after", "data": {"value": {"sku": "c"}}}
    assert deliver("x", {}, type="", data=None, event=inner).status_code == 200
    assert overlay(shop, "c").available is False
    shop.redis.flushall()
    bad: tuple[Any, ...] = (None, [], {}, {"sku": ""}, {"sku": "x", "updated_at": "yesterday"})
    for value in bad:
        assert deliver("observer.catalog_product_save_after", value).status_code == 200
    assert deliver("observer.catalog_product_delete_commit_after", {}).status_code == 200
    assert deliver("observer.cataloginventory_stock_item_save_after", {"is_in_stock": 1}).status_code == 200
    assert deliver("observer.sales_order_save_after", {}, data=None).status_code == 200
    assert shop.redis.keys() == []


def test_keys_that_cannot_count_are_said_at_the_start(pem_dir: Path) -> None:
    """None, damaged, of another kind, too short."""
    with pytest.raises(PublicKeyError, match="holds no"):
        read_public_keys(pem_dir)
    for data, words in (
        (b"nonsense", "no public key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "2048 bits"),  # noqa: S505 -- too short on purpose
    ):
        (pem_dir / "a.pem").write_bytes(data)
        with pytest.raises(PublicKeyError, match=words):
            read_public_keys(pem_dir)


def test_without_the_library_the_remedy_is_named(pem_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: most shops need it never."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PublicKeyError, match=r"endcap\[adobe\]"):
        read_public_keys(pem_dir)


@given(signatures=st.lists(st.one_of(st.none(), st.binary(max_size=1100)), max_size=3))
def test_nothing_in_a_signature_raises(
    tmp_path_factory: pytest.TempPathFactory, signatures: list[bytes | None]
) -> None:
    """Broken base64, no bytes, too many."""
    directory = tmp_path_factory.getbasetemp() / "adobe-key"
    if not directory.exists():
        directory.mkdir()
        (directory / "a.pem").write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    assert not read_public_keys(directory).signed(signatures, b"body")
