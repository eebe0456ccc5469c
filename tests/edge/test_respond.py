"""From answers and errors to HTTP: what a caller sees, and what it never does."""

import json
from types import SimpleNamespace

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge import respond
from edge.cache import Cached
from edge.drain import Drain
from edge.errors import InputError
from edge.middleware import Observe
from edge.page import Page
from edge.recommend import Served, Sharing
from edge.shelves import Ranking
from edge.wire import Answer, Item, Slot

SECRET = "password swordfish of shopper k1.someone"


async def broken(request: Request) -> Response:
    """A fault of ours, with something in it that nobody may see."""
    raise RuntimeError(SECRET)


async def wrong(request: Request) -> Response:
    """A fault of the caller's."""
    raise InputError("limit", "Expected `int` <= 50", status=422)


async def teapot(request: Request) -> Response:
    """An error of Starlette's with headers of its own."""
    raise HTTPException(429, "Slow down", {"Retry-After": "7"})


APP = Starlette(
    routes=[Route("/broken", broken), Route("/wrong", wrong), Route("/teapot", teapot)],
    middleware=[Middleware(Observe)],
    exception_handlers=respond.HANDLERS,
)
APP.state.edge = SimpleNamespace(drain=Drain(0))


async def get(path: str, method: str = "GET") -> httpx.Response:
    """Ask the app; a fault in it is what a server would make of it."""
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
        return await client.request(method, path)


def served(*ids: str, sharing: Sharing = "public", hit: bool = False) -> Served:
    """An answer with one shelf of these products."""
    items = [Item(id_, 0.5, "popular", msgspec.Raw(b"{}")) for id_ in ids]
    answer = Answer("home", "v1", [], [Slot("for_you", "Popular right now", "popular", "t", items)])
    page = Page(msgspec.json.encode(answer), "v1", (), (("for_you", "popular"),))
    return Served(page, sharing, Cached(Ranking(None, ()), 3, 2, hit=hit))


def reply(one: Served, known: str | None = None) -> httpx.Response:
    """An answer as it goes out, to a caller who may know a tag."""
    made = respond.Ready(one).reply(one.cached, known.encode() if known is not None else None)
    return httpx.Response(made.status, headers=made.headers, content=made.body if made.status == 200 else None)


async def test_a_fault_of_ours_says_nothing_of_itself() -> None:
    """500 as problem+json, not to be kept: no message, no type, no traceback."""
    answer = await get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "title": "Internal Server Error", "status": 500, "detail": "a fault in Endcap; it has been logged",
    }  # fmt: skip
    for word in ("swordfish", "RuntimeError", "Traceback", ".py"):
        assert word not in answer.text


async def test_a_fault_of_ours_reaches_the_log() -> None:
    """It is raised on after the answer, for the server to log."""
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
        with pytest.raises(RuntimeError, match="swordfish"):
            await client.get("/broken")


async def test_input_errors_keep_their_status_and_name_the_parameter() -> None:
    """The title is that of the status."""
    answer = await get("/wrong")
    assert answer.status_code == 422
    body = answer.json()
    assert (body["status"], body["parameter"], body["detail"]) == (422, "limit", "Expected `int` <= 50")
    assert body["title"].startswith("Unprocessable")


async def test_errors_of_the_framework_keep_their_headers() -> None:
    """Retry-After and Allow are for the caller; a path is named, but not at any length."""
    answer = await get("/teapot")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["detail"] == "GET /teapot: Slow down; see /openapi.json"
    refused = await get("/wrong", "DELETE")
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]
    long = await get("/" + "x" * 5_000)
    assert long.status_code == 404
    assert len(long.content) < 500


@pytest.mark.parametrize("kind", [InputError, HTTPException])
async def test_a_handler_passes_on_what_is_not_its_own(kind: type[Exception]) -> None:
    """It is then answered as a fault of ours."""
    with pytest.raises(KeyError, match="somebody else's"):
        await respond.HANDLERS[kind](Request({"type": "http"}), KeyError("somebody else's"))


@pytest.mark.parametrize(
    ("sharing", "rule"), [("public", "public, max-age=5"), ("private", "private, max"), ("none", "private, no-store")]
)
def test_who_may_keep_an_answer_is_said(sharing: Sharing, rule: str) -> None:
    """And its age only where it has one."""
    made = reply(served("tea", sharing=sharing))
    assert made.headers["cache-control"].startswith(rule)
    assert made.headers["cache-status"] == "endcap; fwd=miss"
    assert "age" not in made.headers
    found = reply(served("tea", sharing=sharing, hit=True))
    assert (found.headers["cache-status"], found.headers["age"]) == ("endcap; hit; ttl=2", "3")
    assert found.headers["etag"] == made.headers["etag"]
    assert (made.headers["content-type"], int(made.headers["content-length"])) == (
        "application/json",
        len(made.content),
    )


def test_an_answer_the_caller_has_is_not_sent_again() -> None:
    """By its tag alone, among others, as a weak one, or by `*`; the cache rules go with the 304."""
    tag = reply(served("tea")).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*", " * "):
        again = reply(served("tea"), known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
        assert again.headers["cache-control"].startswith("public")
        assert not {"content-type", "content-length"} & set(again.headers)
    for other in ("", tag.strip('"')[:-1], '"*"'):
        assert reply(served("tea"), other).status_code == 200
    assert reply(served("cake"), tag).status_code == 200


def test_try_later_says_when() -> None:
    """503 with Retry-After, what happened and what to do."""
    answer = respond.try_later("the store is away")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert json.loads(bytes(answer.body))["detail"] == "the store is away; send it again"


def test_a_member_of_a_batch_has_the_body_it_would_have_had_alone() -> None:
    """Byte for byte, in the order asked."""
    answer = respond.batch([served("tea"), InputError("surface", "missing")])
    good, bad = json.loads(bytes(answer.body))["results"]
    assert reply(served("tea")).content in bytes(answer.body)
    assert (good["status"], bad["status"], bad["body"]["parameter"]) == (200, 400, "surface")
