"""What stands around every request, over a small app of its own."""

from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from edge import respond
from edge.drain import Drain
from edge.middleware import Observe


async def fine(request: Request) -> PlainTextResponse:
    """Always well, and for everybody."""
    return PlainTextResponse("fine", headers={"Cache-Control": "public, max-age=60"})


async def broken(request: Request) -> PlainTextResponse:
    """A fault of ours."""
    raise RuntimeError("the password is swordfish")


def app() -> Starlette:
    """One good route of the contract and one that fails."""
    made = Starlette(
        routes=[
            Route("/v1/events", fine, methods=["GET", "POST"]),
            Route("/v1/consent", broken),
            Route("/proxy/v1/events", fine),
            Route("/proxy/v1/consent", broken),
            Route("/proxy/endcap.{stamp}.js", fine),
        ],
        middleware=[Middleware(Observe)],
        exception_handlers=respond.HANDLERS,
    )
    made.state.edge = SimpleNamespace(drain=Drain(0))
    return made


def client(made: Starlette) -> httpx.AsyncClient:
    """A caller of it."""
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://edge")


def counted(route: str, status: int) -> float:
    """Requests so far."""
    return REGISTRY.get_sample_value("endcap_requests_total", {"route": route, "status": str(status)}) or 0.0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/events", "events", 200),
        ("/v1/events/", "other", 307),
        ("/v1/recommendations/attic", "other", 404),
        ("/v1/recommendations/home", "home", 404),
        ("/v1/recommendations", "batch", 404),
        ("/proxy/v1/events", "events", 200),
        ("/proxy/v1/recommendations/pdp", "pdp", 404),
        ("/recommendations/products.json", "products", 404),
        ("/proxy/fr/recommendations/products.json", "products", 404),
        ("/proxy/endcap.0123abcd.js", "assets", 200),
        ("/endcap.js", "assets", 404),
        ("/proxy/made-up", "other", 404),
        ("/proxy", "other", 404),
    ],
)
async def test_a_request_is_counted_once_under_its_route_and_status(path: str, route: str, status: int) -> None:
    """Also where the answer is not the route's own; the time is counted, too."""
    before, seconds = counted(route, status), {"route": route}
    timed = REGISTRY.get_sample_value("endcap_request_seconds_count", seconds) or 0.0
    async with client(app()) as asking:
        assert (await asking.get(path)).status_code == status
    assert counted(route, status) == before + 1
    assert REGISTRY.get_sample_value("endcap_request_seconds_count", seconds) == timed + 1


async def test_every_answer_has_an_id_and_is_not_sniffed() -> None:
    """Errors as well; two requests have two ids."""
    async with client(app()) as asking:
        answers = [await asking.get(path) for path in ("/v1/events", "/v1/events", "/nowhere")]
    assert {answer.headers["x-content-type-options"] for answer in answers} == {"nosniff"}
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("x" * 64, True), ("A1", True), ("a-b", True), ("Ünïcode", False), ("²", False), ("<script>", False)],
)
async def test_only_letters_digits_and_dashes_of_ascii_are_taken_for_an_id(sent: str, kept: bool) -> None:
    """What comes back goes into logs and pages."""
    async with client(app()) as asking:
        answer = await asking.get("/v1/events", headers=[(b"X-Request-Id", sent.encode("latin-1"))])
    assert (answer.headers["x-request-id"] == sent) is kept
    assert len(answer.headers.get_list("x-request-id")) == 1


async def test_nothing_that_came_through_an_app_proxy_is_kept_but_files() -> None:
    """Answers, problems and faults of ours, whatever the handler said; the same without /proxy stays as it was."""
    async with client(app()) as asking:
        for path in ("/proxy/v1/events", "/proxy/v1/consent", "/proxy/nowhere"):
            assert (await asking.get(path)).headers["cache-control"] == "private, no-store"
        for path in ("/v1/events", "/proxy/endcap.0123abcd.js"):
            assert (await asking.get(path)).headers["cache-control"] == "public, max-age=60"


async def test_connections_are_closed_only_when_leaving() -> None:
    """Whatever the answer is."""
    made = app()
    async with client(made) as asking:
        assert "connection" not in (await asking.get("/v1/events")).headers
        made.state.edge.drain.leaving = True
        for path in ("/v1/events", "/nowhere"):
            assert (await asking.get(path)).headers["connection"] == "close"


async def test_what_is_not_http_passes_untouched() -> None:
    """Start and end of the process need no id."""
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send({"type": "lifespan.startup.complete"})

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "lifespan"}
    await Observe(inner)(scope, receive, send)
    assert seen == [{"type": "lifespan"}]
    assert sent == [{"type": "lifespan.startup.complete"}]


async def test_a_fault_of_ours_is_counted_and_has_an_id() -> None:
    """Of all answers the 500 is the one to be alarmed by and to be found again in the log."""
    before = counted("consent", 500)
    async with client(app()) as asking:
        answer = await asking.get("/v1/consent")
    assert answer.status_code == 500
    assert counted("consent", 500) == before + 1
    assert "x-request-id" in answer.headers
