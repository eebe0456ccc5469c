"""BigCommerce's webhooks: thin messages, which name an object that the backend fetches afterwards.

In: a verified delivery. Out: `Meaning`: a task, and at once what the message itself tells of a product.
"""

import msgspec

from edge.core.products import Change
from edge.core.tasks import Erase, Fetch
from edge.webhooks.meaning import Meaning, Told, UnreadableError
from edge.webhooks.read import read
from edge.webhooks.stock import Listing

_Id = int | str
_FETCHED = {"order": "order", "product": "product", "cart": "cart"}  # the first part of a scope -> the kind of object
TOPICS = frozenset({"order", "product", "sku", "cart", "customer"})  # the first parts that are read


class _Inventory(msgspec.Struct, frozen=True):
    product_id: _Id | None = None
    method: str | None = None
    value: float | None = None


class _Data(msgspec.Struct, frozen=True):
    id: _Id
    inventory: _Inventory | None = None


class _Message(msgspec.Struct, frozen=True):
    scope: str
    producer: str
    hash: str
    created_at: int
    data: _Data


class _Scope(msgspec.Struct, frozen=True):
    scope: str
    producer: str


def scope_of(body: bytes) -> tuple[str, str]:
    """What a message is about and whose it is: scope and producer. Raises UnreadableError."""
    said = read(body, _Scope)
    return said.scope, said.producer


def meaning(told: Told) -> Meaning:
    """What one message asks for."""
    said = read(told.body, _Message)
    if not 0 < len(said.hash) <= 128 or not said.hash.isalnum():
        raise UnreadableError("its hash is none")
    _, _, rest = said.scope.partition("/")
    what, _, verb = rest.partition("/")
    object_id = str(said.data.id)
    at = float(said.created_at)
    if what == "customer":
        return _customer(told, said, verb, object_id)
    if what == "product" and verb == "deleted":
        return Meaning(listings=(Listing(object_id, at, None, gone=True),))
    stock = said.data.inventory
    if what == "sku":  # of one variant: it does not say whether others are left
        if stock is None or stock.product_id is None:
            return Meaning()
        what, verb, object_id = "product", "updated", str(stock.product_id)
    fetch = Fetch(f"bigcommerce:{said.hash}", told.now, "bigcommerce", _FETCHED[what], object_id)
    changes: tuple[Change, ...] = ()
    if verb == "inventory/updated" and stock and stock.method == "absolute" and stock.value is not None:
        changes = (Change(object_id, at, available=stock.value > 0),)
    return Meaning(tasks=(fetch,), changes=changes)


def _customer(told: Told, said: _Message, verb: str, customer: str) -> Meaning:
    """Nothing we use stands in a customer's record; one who was deleted there is forgotten here."""
    if verb != "deleted":
        return Meaning()
    names = told.name("customer", customer)
    return Meaning(tasks=(Erase(f"bigcommerce:{said.hash}", told.now, names, reason="customer deleted"),))
