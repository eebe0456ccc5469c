"""What the Python client asks an edge, and how it reads the answers; errors are raised, nothing falls back here.

In: questions, events, decisions. Out: typed results, or ClientError. Belongs to one event loop of asyncio.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote, urlencode

import msgspec

from edge.client.http import Connection, decoded, patiently
from edge.client.types import (
    Answer,
    ClientError,
    Event,
    EventResult,
    EventsNotTakenError,
    Facts,
    Page,
    Query,
    RefusedError,
    UnavailableError,
)
from edge.core import clock
from edge.core.errors import EndcapError
from edge.core.events import Purpose

_MAX_PAGES = 20
_MAX_EVENTS = 100
_LONGEST_URL = 2_000  # beyond it servers in between start to refuse
_PERSONAL = frozenset({"visitor_id", "customer_id"})
_LISTS = frozenset({"product_ids", "session", "consent", "slots", "exclude"})


class _Results(msgspec.Struct):
    results: list[EventResult]


class _Member(msgspec.Struct):
    status: int
    body: msgspec.Raw


class _Members(msgspec.Struct):
    results: list[_Member]


class _Granted(msgspec.Struct):
    consent: tuple[Purpose, ...]


class Calls:
    """The contract's calls. `timeout_s` is for shelves; `patience_s` for what is tried again."""

    def __init__(self, connection: Connection, timeout_s: float, patience_s: float) -> None:
        if not (timeout_s > 0 and patience_s > 0):
            raise EndcapError(f"timeout_s {timeout_s}, patience_s {patience_s}: give both in seconds, above 0")
        self._call = connection.call
        self._timeout_s, self._patience_s = timeout_s, patience_s

    async def shelves(self, surface: str, query: Query) -> Answer:
        """The shelves of one page."""
        path = f"/v1/recommendations/{quote(surface, safe='')}"
        params = in_url(query)
        if params is None:
            return decoded(await self._call("POST", path, self._timeout_s, body=query), Answer)
        return decoded(await self._call("GET", path, self._timeout_s, params=params), Answer)

    async def pages(self, pages: Sequence[Page]) -> list[Answer | ClientError]:
        """The shelves of up to 20 pages in one call; an error in the place of one that failed alone."""
        if len(pages) > _MAX_PAGES:
            raise EndcapError(f"{len(pages)} pages in one call; at most {_MAX_PAGES}, so make several calls")
        if not pages:
            return []
        content = await self._call("POST", "/v1/recommendations", self._timeout_s, body={"requests": pages})
        members = decoded(content, _Members).results
        if len(members) != len(pages):
            raise UnavailableError(f"{len(members)} answers to {len(pages)} questions; not Endcap's")
        return [_read(member) for member in members]

    async def track(self, events: Iterable[Event]) -> list[EventResult]:
        """A result per event; sent in parts of 100. Raises EventsNotTakenError."""
        whole = [completed(event) for event in events]
        results: list[EventResult] = []
        for start in range(0, len(whole), _MAX_EVENTS):
            try:
                results += await patiently(self._sending(whole[start : start + _MAX_EVENTS]), self._patience_s)
            except ClientError as error:
                raise EventsNotTakenError(error, whole[start:], results) from error
        return results

    async def consent(
        self, consent: Iterable[Purpose], visitor_id: str | None, customer_id: str | None, source: str
    ) -> frozenset[Purpose]:
        """Store a decision; what is granted now."""
        people = {"visitor_id": visitor_id, "customer_id": customer_id}
        said = {"id": uuid.uuid4().hex, "consent": list(consent), "source": source}  # the id: sent twice, it acts once
        body = said | {name: id_ for name, id_ in people.items() if id_}
        content = await patiently(lambda s: self._call("POST", "/v1/consent", s, body=body), self._patience_s)
        return frozenset(decoded(content, _Granted).consent)

    async def facts(self, customer_id: str) -> Facts | None:
        """What is known of a customer."""
        path, shown = f"/v1/customers/{quote(customer_id, safe='')}/facts", "/v1/customers/.../facts"
        try:
            content = await patiently(lambda s: self._call("GET", path, s, shown=shown), self._patience_s)
        except RefusedError as error:
            if error.status == 404 and error.parameter == "customer_id":
                return None
            raise
        return decoded(content, Facts)

    def _sending(self, events: Sequence[Event]) -> Callable[[float], Awaitable[list[EventResult]]]:
        async def send(within_s: float) -> list[EventResult]:
            try:
                content = await self._call("POST", "/v1/events", within_s, body={"events": events})
            except RefusedError as error:
                if error.status != 400 or len(events) > 1:
                    raise
                # The edge answers a single event with a problem, where among others it would be a result.
                return [EventResult(events[0]["id"], "rejected", f"{error.parameter}: {error.detail}")]
            results = decoded(content, _Results).results
            if len(results) != len(events):
                raise UnavailableError(f"{len(results)} results for {len(events)} events; not Endcap's")
            return [msgspec.structs.replace(one, id=event["id"]) for one, event in zip(results, events, strict=True)]

        return send


def in_url(query: Query) -> dict[str, str] | None:
    """The query as parameters of a GET, which caches may share; None where it has to be a POST.

    Ids of persons stay out of URLs, which end up in logs; cart lines and ids with commas do not fit into one.
    """
    if _PERSONAL & query.keys() or "lines" in query:
        return None
    params: dict[str, str] = {}
    for name, value in query.items():
        if name in _LISTS:
            parts = as_list(name, value)
            if any("," in part for part in parts):
                return None
            params[name] = ",".join(parts)
        elif name == "filter":
            params[name] = msgspec.json.encode(value).decode()
        elif value is not None:
            params[name] = str(value)
    return params if len(urlencode(params)) <= _LONGEST_URL else None


def as_list(name: str, value: object) -> list[str]:
    """A list as such. Raises EndcapError for a text, whose letters Python would take for its members."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise EndcapError(f"{name}: {value!r} is no list; write [{value!r}]")
    return [str(part) for part in value]


def completed(event: Event) -> Event:
    """The event with an id and a time, once and for all, so that sending it again does not count it again."""
    whole = cast("dict[str, Any]", {"time": datetime.fromtimestamp(clock.now(), UTC), **event})
    return cast("Event", {"id": uuid.uuid4().hex, **whole})


def _read(member: _Member) -> Answer | ClientError:
    try:
        if member.status == 200:
            return decoded(bytes(member.body), Answer)
        return RefusedError(f"status {member.status}: {bytes(member.body).decode(errors='replace')}", member.status)
    except ClientError as error:
        return error
