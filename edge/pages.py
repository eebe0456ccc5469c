"""What a page waits for, as plain functions: read the request, admit it, understand its query, answer, send.

In: an ASGI scope. Out: a `Reply`, or InputError. `front` calls them for what is asked most, Starlette's routes for all
else. An answer that is the same for everybody is kept as the bytes that go out, so that it costs a look-up.
"""

from collections.abc import Hashable

import msgspec
from starlette.types import Scope

from edge.assembly import Edge
from edge.doors import Door
from edge.drop_in import read_query, shopify_answer
from edge.metrics import CACHE
from edge.recommend import Served, count_shown
from edge.respond import Ready, Reply
from edge.wire import Query, query_from_url

_DROP_IN = "/recommendations/products.json"


def at_once(edge: Edge, scope: Scope) -> Reply | None:
    """What needs no waiting for: a page kept whole, or past the knee the popular list; None where there is neither.

    Then `scope` says what was found out so far, and `shelves` must follow in the same turn of the loop.
    """
    door = edge.doors.admit(scope)
    key = _key(edge, door, scope)
    scope["endcap.asked"] = door, key
    if key is not None and (reply := _kept(edge, key, scope)):
        return reply
    if edge.recommender.overload.admits(edge.in_flight):
        return None
    return _excess(edge, door, _query(scope, door))


async def shelves(edge: Edge, scope: Scope) -> Reply:
    """GET one page's shelves."""
    if "endcap.asked" not in scope and (reply := at_once(edge, scope)):
        return reply
    door, key = scope["endcap.asked"]
    query = _query(scope, door)
    served = await _worked_out(edge, door, query)
    return _send(edge, key, scope, query, served)


def _key(edge: Edge, door: Door, scope: Scope) -> Hashable | None:
    """What the bytes of this answer may be kept under; None where somebody is named, who will not come again so soon.

    The same where a name is spelled with `%`: such a question finds nothing, and its answer is not kept.
    """
    if door.logged_in is not None or b"visitor_id=" in door.query or b"customer_id=" in door.query:
        return None
    return (scope["path"], door, edge.recommender.state)


def _query(scope: Scope, door: Door) -> Query:
    surface = scope["path"].rpartition("/")[2]
    return query_from_url(surface, door.query, lenient=door.trust == "proxy")


async def products(edge: Edge, scope: Scope) -> Reply:
    """GET what Shopify's own endpoint of this name gives."""
    door = edge.doors.admit(scope)
    key = _key(edge, door, scope)
    if key is not None and (reply := _kept(edge, key, scope)):
        return reply
    locale = scope["path"].removesuffix(_DROP_IN).removeprefix("/proxy").removeprefix("/") or None
    query, intent = read_query(door.query, locale)
    served = await answer(edge, door, query)
    shaped = shopify_answer(served.answer, query, intent, edge.recommender.catalogue, locale)
    return _send(edge, key, scope, query, served, msgspec.json.encode(shaped))


async def answer(edge: Edge, door: Door, query: Query) -> Served:
    """What is recommended to whoever came in by this door; the popular list where too much is asked at once."""
    if edge.recommender.overload.admits(edge.in_flight):
        return await _worked_out(edge, door, query)
    door.customer(query.customer_id)  # what is refused in quiet times is refused now
    return _told(door, edge.popular.find(query).served)


async def _worked_out(edge: Edge, door: Door, query: Query) -> Served:
    customer_id = door.customer(query.customer_id)
    caller = edge.identifier.caller(query.visitor_id, customer_id, query.consent, door.trust)
    edge.in_flight += 1
    try:
        if edge.recommender.live.canary is None:
            return _told(door, await edge.recommender.answer(query, caller))
        return _told(door, await edge.trials.answer(query, caller))
    finally:
        edge.in_flight -= 1


def _told(door: Door, served: Served) -> Served:
    """The answer; a token that is not in force made nobody of a customer, and that is said."""
    return served.marked("shopper_token") if door.token_refused else served


def _names_somebody(query: Query) -> bool:
    return query.visitor_id is not None or query.customer_id is not None


def header(scope: Scope, wanted: bytes) -> bytes | None:
    """The value of a request's header; the first, where it stands there twice."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return None


def _kept(edge: Edge, key: Hashable, scope: Scope) -> Reply | None:
    """What this question was answered with a moment ago; it counts as if it had been worked out."""
    found = edge.pages.find(key)
    if found is None:
        return None
    CACHE.add(("hit",))
    count_shown(found.value.page)
    return found.value.reply(found, header(scope, b"if-none-match"))


def _excess(edge: Edge, door: Door, query: Query) -> Reply:
    """The popular list for what is past the knee."""
    door.customer(query.customer_id)  # what is refused in quiet times is refused now
    return edge.popular.find(query)


def _send(
    edge: Edge, key: Hashable | None, scope: Scope, query: Query, served: Served, body: bytes | None = None
) -> Reply:
    """The reply; kept where it is everybody's. While models are on trial nothing is, for every answer counts then."""
    ready, live = Ready(served, body), edge.recommender.live
    if live.shadow is not None:
        edge.trials.offer([(query, served)])
    elif key is not None and served.sharing == "public" and live.canary is None and not _names_somebody(query):
        edge.pages.keep(key, ready, served.cached.made_at)
    return ready.reply(served.cached, header(scope, b"if-none-match"))
