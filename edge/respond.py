"""From answers and errors to HTTP: bodies, cache rules, ETags, problems."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from xxhash import xxh3_64_hexdigest

from edge.cache import Cached
from edge.drop_in import DropInError
from edge.errors import InputError
from edge.rates import TooManyError
from edge.recommend import Served, Sharing
from edge.wire import problem

# One page with its own script and style in it; it may talk to this server and nothing else.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SHARING = {
    "public": b"public, max-age=5, s-maxage=30, stale-while-revalidate=30, stale-if-error=60",
    "private": b"private, max-age=5",
    "none": b"private, no-store",  # degraded: better the next moment
}
_JSON = (b"content-type", b"application/json")
_MISS = (b"cache-status", b"endcap; fwd=miss")
_RETRY_AFTER_S = "1"


def json(content: object, status: int = 200, cache: str = "no-store") -> Response:
    """A JSON answer that nobody should keep."""
    headers = {"Cache-Control": cache}
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


class Reply(msgspec.Struct, frozen=True):
    """An answer as it goes out: an ASGI app, as Starlette's responses are, without their cost."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


class Ready:
    """An answer ready to be sent any number of times: its bytes, its tag, and the headers that stay the same."""

    __slots__ = ("_headers", "body", "page", "tag")

    def __init__(self, served: Served, body: bytes | None = None) -> None:
        """An answer in its own shape, or as another body."""
        self.page = served.answer
        self.body = body = served.answer.body if body is None else body
        self.tag = b'"%b"' % xxh3_64_hexdigest(body).encode()
        self._headers = (*_provenance(served.sharing, served.version), (b"etag", self.tag))

    def reply(self, cached: Cached[Any], if_none_match: bytes | None = None) -> Reply:
        """The answer with the age of what it was made from; 304 when the caller has these bytes already."""
        if cached.hit:
            status = b"endcap; hit; ttl=%d" % cached.ttl_s
            headers = [*self._headers, (b"cache-status", status), (b"age", b"%d" % cached.age_s)]
        else:
            headers = [*self._headers, _MISS]
        if if_none_match and (if_none_match.strip() == b"*" or self.tag in if_none_match):
            return Reply(304, headers, b"")
        headers += ((b"content-length", b"%d" % len(self.body)), _JSON)
        return Reply(200, headers, self.body)


@lru_cache(maxsize=64)
def _provenance(sharing: Sharing, version: str) -> tuple[tuple[bytes, bytes], ...]:
    """Who may keep an answer, whom it is for and what it was made by, as headers."""
    return (
        (b"cache-control", _SHARING[sharing]),
        (b"vary", b"Accept-Encoding"),
        (b"x-endcap-scope", b"shared" if sharing == "public" else b"personal"),
        (b"x-endcap-version", version.encode("latin-1")),
    )


def batch(results: Sequence[Served | InputError]) -> Response:
    """Each member's answer or problem, with the status it would have had alone."""
    members = [
        {"status": result.status, "body": msgspec.Raw(_problem_of(result))}
        if isinstance(result, InputError)
        else {"status": 200, "body": msgspec.Raw(result.answer.body)}
        for result in results
    ]
    response = json({"results": members})
    response.headers.update(_all_provenance([result for result in results if isinstance(result, Served)]))
    return response


def _all_provenance(answers: Sequence[Served]) -> dict[str, str]:
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


def refused(error: InputError) -> Response:
    """What a caller did wrong; where Shopify has words for it, in these, too."""
    body = _problem_of(error)
    if isinstance(error, DropInError):
        told = {"message": "Invalid parameter error", "description": error.detail}
        body = msgspec.json.encode(msgspec.json.decode(body, type=dict) | told)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return _problem_response(body, error.status, headers)


async def _input_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, InputError):
        raise error
    return refused(error)


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405, in the same shape."""
    if not isinstance(error, HTTPException):
        raise error
    detail = f"{request.method} {request.scope['path'][:200]}: {error.detail}; see /openapi.json"
    return _problem_response(problem(error.status_code, error.detail, detail), error.status_code, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    """The caller went away, or was cut off, before its request was whole; nobody reads this answer."""
    return Response(status_code=400)


def plain(response: Response) -> Reply:
    """A response of Starlette's as a reply; whoever sends it says whether the connection ends."""
    headers = [header for header in response.raw_headers if header[0] != b"connection"]
    return Reply(response.status_code, headers, bytes(response.body))


def unexpected() -> Response:
    """A fault of ours. It is logged; the caller learns only that. The server closes the connection after it."""
    return _problem_response(
        problem(500, "Internal Server Error", "a fault in Endcap; it has been logged"), 500, {"Connection": "close"}
    )


HANDLERS: dict[Any, Any] = {InputError: _input_error, HTTPException: _http_error, ClientDisconnect: _gone}
