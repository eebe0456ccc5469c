"""The answers in the OpenAPI document: what a success looks like, and every refusal, which is a problem.

In: names of schemas, and which of the refusals an operation knows. Out: OpenAPI response objects by status.
"""

from typing import Any

_JSON = "application/json"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TEXT = {"type": "string"}
_OF_SHELVES = {
    "X-Endcap-Scope": "`shared`, or `personal` where the request or the shopper shaped it",
    "X-Endcap-Version": "the model's version, a dot, and a digest of the rules",
}
_OF_ANSWERS = {"Cache-Status": "whether the ranking was found in the answer cache"}
_OF_PAGES = {"Server-Timing": "`app;dur=` milliseconds"}
_OF_ALL = {"X-Request-Id": "the caller's, or one of ours"}
_LATER = {"Retry-After": {"description": "seconds", "required": True, "schema": {"type": "integer", "minimum": 1}}}
_SCHEME = {"WWW-Authenticate": {"description": "how to show a key", "required": True, "schema": _TEXT}}
REFUSALS = {
    "400": "Something to mend; `parameter` says where",
    "401": "No key, no signature, or none in force; in demo mode never",
    "403": "Not from here, or not with this key; in demo mode from anywhere but loopback",
    "408": "The request did not come in time",
    "413": "The body is too large",
    "414": "The address is too long; ask with POST and a JSON body",
    "415": "The body is compressed",
    "429": "Asked too often with a publishable key; Retry-After says when to come back",
    "431": "The head of the request is too large",
    "503": "The store does not answer; nothing was accepted, Retry-After says when",
}
_ALWAYS = ("400", "408", "414", "431")  # the server's own limits; 400 also for what is no request of HTTP
BODY = ("413", "415")


def success(name: str, description: str) -> dict[str, Any]:
    """The 200 of an operation that gives this schema, with the headers it always has."""
    headers = {**_OF_ALL}
    if name in ("Answer", "BatchResults", "ShopifyAnswer"):
        headers |= _OF_PAGES
    always = dict.fromkeys(headers, True)
    if name in ("Answer", "ShopifyAnswer"):
        headers |= _OF_SHELVES | _OF_ANSWERS
        always = dict.fromkeys(headers, True)
    elif name == "BatchResults":
        headers |= _OF_SHELVES  # only where there is a shelf among the results
    return {
        "description": description,
        "headers": {
            header: {"description": about, "schema": _TEXT, **({"required": True} if header in always else {})}
            for header, about in headers.items()
        },
        "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }


def unchanged() -> dict[str, Any]:
    """The answer to who has these bytes already."""
    about = "Nothing changed since the answer whose ETag came in If-None-Match"
    return {"304": {"description": about}}


def refusals(*statuses: str, **told: str) -> dict[str, Any]:
    """The refusals that every operation knows, these, and some in words of their own: `_404="..."`."""
    said = {status: REFUSALS[status] for status in (*_ALWAYS, *statuses)}
    said |= {name.removeprefix("_"): text for name, text in told.items()}
    return {status: _problem(status, text) for status, text in sorted(said.items())}


def _problem(status: str, description: str) -> dict[str, Any]:
    headers = {"401": _SCHEME, "429": _LATER, "503": _LATER}.get(status)
    return {"description": description, "content": _PROBLEM, **({"headers": headers} if headers else {})}


def body(*names: str) -> dict[str, Any]:
    """A JSON body in one of these shapes."""
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    return {"required": True, "content": {_JSON: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}}}
