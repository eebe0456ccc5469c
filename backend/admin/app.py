"""The backend's API and page: routes, who may use them, and what errors look like.

Everything but `/healthz` and the login page needs a secret key of the shop: `Authorization: Bearer sk_...`, or a
session that began with one. Answers are JSON; posts from the page are forms and lead back to it.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from backend import metrics
from backend.admin import page, status
from backend.admin.access import AccessError, Who
from backend.admin.actions import ACTIONS, Action
from backend.admin.state import Backend
from backend.consume.dead import dead_letters
from edge.core.errors import UNREADABLE, EndcapError

_MOST_BODY = 65_536
_DEAD_SHOWN = 100
_Handler = Callable[[Request, Backend, Who], Awaitable[Response]]


def create_app(backend: Backend) -> Starlette:
    """The app around a running backend."""
    routes = [
        Route("/healthz", healthz),
        Route("/", home),
        Route("/login", login, methods=["POST"]),
        Route("/logout", _guarded(log_out), methods=["POST"]),
        Route("/status", _guarded(show_status)),
        Route("/metrics", _guarded(prometheus)),
        Route("/audit", _guarded(show_audit)),
        Route("/reports/{name}", _guarded(show_report)),
        Route("/dead-letters", _guarded(show_dead_letters)),
        *(Route(f"/{name}", _guarded(_acting(action)), methods=["POST"]) for name, action in ACTIONS.items()),
    ]
    app = Starlette(routes=routes, exception_handlers=_HANDLERS, max_body_size=_MOST_BODY)
    app.state.backend = backend
    return app


def _guarded(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    """A route for holders of a key."""

    async def guarded(request: Request) -> Response:
        backend: Backend = request.app.state.backend
        return await handler(request, backend, backend.door.who(request))

    return guarded


def _acting(action: Action) -> _Handler:
    """A route that does something: by JSON with a key, by a form from the page."""

    async def act(request: Request, backend: Backend, who: Who) -> Response:
        # A program with a key sends JSON, whatever it calls that: curl's -d says it were a form.
        session = who.session if _is_form(request) else None
        fields = await _form(request) if session else await _json(request)
        token = fields.pop("csrf", None) or request.headers.get("x-csrf-token")
        backend.door.check_post(request, who, token)
        try:
            wanted = msgspec.convert(fields, action.fields, strict=session is None)
            result = await action.run(backend, who.actor, wanted)
        except EndcapError as error:
            if session is None:
                raise
            result = {"done": str(error)}
        if session is None:
            return json(result)
        session.notices.append(result["done"])
        return RedirectResponse("/", 303)

    return act


# --- routes ----------------------------------------------------------------------------------------------------------


async def healthz(request: Request) -> Response:
    """The process is alive."""
    return json({"status": "ok"})


async def home(request: Request) -> Response:
    """The page for people, or the form to get in."""
    backend: Backend = request.app.state.backend
    session = backend.door.session(request)
    nonce = secrets.token_urlsafe(16)
    if session is None:
        return _html(page.login(backend.settings.shop, nonce), nonce)
    notices, session.notices = session.notices, []
    found, watch = await status.gather(backend), "watch" in request.query_params
    return _html(page.status(found, backend, session.csrf, notices, nonce, watch=watch), nonce)


async def login(request: Request) -> Response:
    """Begin a browser's session with a key."""
    backend: Backend = request.app.state.backend
    backend.door.check_origin(request)
    fields, response = await _form(request), RedirectResponse("/", 303)
    try:
        backend.door.log_in(request, str(fields.get("key", "")), response)
    except AccessError as error:
        nonce = secrets.token_urlsafe(16)
        return _html(page.login(backend.settings.shop, nonce, str(error)), nonce, error.status)
    return response


async def log_out(request: Request, backend: Backend, who: Who) -> Response:
    """End a browser's session."""
    backend.door.check_post(request, who, (await _form(request)).get("csrf"))
    response = RedirectResponse("/", 303)
    backend.door.log_out(request, response)
    return response


async def show_status(request: Request, backend: Backend, who: Who) -> Response:
    """Everything."""
    return json(await status.gather(backend))


async def prometheus(request: Request, backend: Backend, who: Who) -> Response:
    """Metrics of this process and its services."""
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def show_audit(request: Request, backend: Backend, who: Who) -> Response:
    """The newest lines of the audit log, and whether all of it holds: 200 whole, 409 changed."""
    found = status.audit_tail(backend, lines=500)
    return json(found, 200 if found["verified"] else 409)


async def show_dead_letters(request: Request, backend: Backend, who: Who) -> Response:
    """The oldest dead letters with their reasons."""
    letters = await dead_letters(backend.redis, backend.settings.shop, _DEAD_SHOWN)
    rows = [
        {
            "id": one.id,
            "time": one.time.isoformat(timespec="seconds"),
            "reason": one.reason,
            "deliveries": one.deliveries,
            "event": one.data.decode(errors="replace"),
        }
        for one in letters
    ]
    return json({"dead_letters": rows})


async def show_report(request: Request, backend: Backend, who: Who) -> Response:
    """A page about a model or about drift, as the release wrote it; it loads and runs nothing."""
    path = status.report_page(backend, request.path_params["name"])
    if path is None:
        raise HTTPException(404, "there is no such report; /status names those there are")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    headers = {"Content-Security-Policy": policy, **_HEADERS}
    return Response(path.read_bytes(), headers=headers, media_type="text/html")


# --- bodies ----------------------------------------------------------------------------------------------------------

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json(content: object, code: int = 200) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(msgspec.json.encode(content), code, _HEADERS, media_type="application/json")


def _html(text: str, nonce: str, code: int = 200) -> Response:
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; form-action 'self'; "
    policy += "frame-ancestors 'none'; base-uri 'none'"
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin", **_HEADERS}
    return Response(text, code, headers, media_type="text/html")


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def _form(request: Request) -> dict[str, Any]:
    """Fields of a form: names that end in `[]` are lists, empty fields count as not given."""
    try:
        found = parse_qs((await request.body()).decode(), max_num_fields=100)
    except ValueError as error:
        raise HTTPException(400, f"the form cannot be read: {error}") from error
    return {name.removesuffix("[]"): values if name.endswith("[]") else values[-1] for name, values in found.items()}


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    try:
        fields: dict[str, Any] = msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except UNREADABLE as error:
        raise HTTPException(400, f"the body is no JSON object: {error}") from error
    return fields


# --- errors ----------------------------------------------------------------------------------------------------------


def _problem(code: int, title: str, detail: str) -> Response:
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": code, "detail": detail})
    return Response(body, code, _HEADERS, media_type="application/problem+json")


async def _on_error(request: Request, error: Exception) -> Response:
    match error:
        case AccessError():
            answer = _problem(error.status, "Not let in", str(error))
            if error.status == 401:
                answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        case msgspec.ValidationError():
            return _problem(400, "Wrong fields", str(error))
        case HTTPException():
            return _problem(error.status_code, "Not possible", error.detail)
        case RedisError() | OSError():
            return _problem(503, "The store does not answer", f"{type(error).__name__}; nothing was done, try again")
        case _:
            return _problem(409, "Not possible now", str(error))


_HANDLERS: dict[Any, Any] = dict.fromkeys(
    (EndcapError, msgspec.ValidationError, HTTPException, RedisError, OSError), _on_error
)
