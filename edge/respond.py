"""From answers and errors to HTTP: bodies, cache rules, ETags, problems."""

import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edge.drop_in import DropInError
from edge.errors import InputError
from edge.page import encode
from edge.recommend import Served
from edge.wire import problem

# One page with its own script and style in it; it may talk to this server and nothing else.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
_SHARING = {
    "public": "public, max-age=5, s-maxage=30, stale-while-revalidate=30, stale-if-error=60",
    "private": "private, max-age=5",
    "none": "private, no-store",  # degraded: better the next moment
}
_RETRY_AFTER_S = "1"


def json(content: object, status: int = 200, cache: str = "no-store") -> Response:
    """A JSON answer that nobody should keep."""
    headers = {"Cache-Control": cache}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def recommendation(served: Served, if_none_match: str | None, body: bytes | None = None) -> Response:
    """An answer with its cache rules, in its own shape or another's; 304 when the caller has these bytes already."""
    body = encode(served.answer) if body is None else body
    tag = f'"{hashlib.blake2s(body, digest_size=8).hexdigest()}"'
    cached = served.cached
    headers = {
        "Cache-Control": _SHARING[served.sharing],
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Cache-Status": f"endcap; hit; ttl={cached.ttl_s}" if cached.hit else "endcap; fwd=miss",
        **_provenance([served]),
    }
    if cached.hit:
        headers["Age"] = str(cached.age_s)
    if if_none_match and (if_none_match.strip() == "*" or tag in if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def batch(results: Sequence[Served | InputError]) -> Response:
    """Each member's answer or problem, with the status it would have had alone."""
    members = [
        {"status": result.status, "body": msgspec.Raw(_problem_of(result))}
        if isinstance(result, InputError)
        else {"status": 200, "body": msgspec.Raw(encode(result.answer))}
        for result in results
    ]
    response = json({"results": members})
    response.headers.update(_provenance([result for result in results if isinstance(result, Served)]))
    return response


def _provenance(answers: Sequence[Served]) -> dict[str, str]:
    """For a cache in front, whose own rules may say nothing of sharing: whom the answers are for, by which version."""
    if not answers:
        return {}
    shared = all(served.sharing == "public" for served in answers)
    versions = dict.fromkeys(served.version for served in answers)
    return {"X-Endcap-Scope": "shared" if shared else "personal", "X-Endcap-Version": ",".join(versions)}


def try_later(detail: str, what: str = "Nothing was accepted") -> Response:
    """The store is away; the caller keeps what it has and comes back."""
    body = problem(503, what, f"{detail}; send it again")
    return _problem_response(body, 503, {"Retry-After": _RETRY_AFTER_S})


def _problem_of(error: InputError) -> bytes:
    return problem(error.status, HTTPStatus(error.status).phrase, error.detail, error.parameter)


def _problem_response(body: bytes, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/problem+json")


async def _input_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, InputError):
        raise error
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    return _problem_response(_problem_of(error), error.status, headers)


async def _drop_in_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, DropInError):
        raise error
    told = {"message": "Invalid parameter error", "description": error.detail}
    body = msgspec.json.encode(msgspec.json.decode(_problem_of(error), type=dict) | told)
    return _problem_response(body, error.status)


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404, 405 and 413, in the same shape."""
    if not isinstance(error, HTTPException):
        raise error
    detail = f"{request.method} {request.scope['path'][:200]}: {error.detail}; see /openapi.json"
    return _problem_response(problem(error.status_code, error.detail, detail), error.status_code, error.headers)


def unexpected() -> Response:
    """A fault of ours. It is logged; the caller learns only that."""
    return _problem_response(problem(500, "Internal Server Error", "a fault in Endcap; it has been logged"), 500)


HANDLERS: dict[Any, Any] = {DropInError: _drop_in_error, InputError: _input_error, HTTPException: _http_error}
