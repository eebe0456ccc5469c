"""A crowd: shoppers who ask for pages and say what they do, at a steady pace, from a thread beside the test.

In: the address of a shop whose shoppers were `planted`. Out: a record of every request: when it was due, how long it
took from then, what came. Each shopper has products that no other one has ever seen, so whoever is shown another's is
noticed: `foreign`.
"""

import asyncio
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlencode

from tests.faults.http import Answer, Caller, Lost

CONSENT = "personalization,analytics"
PATIENCE_S = 30.0
_MARK = re.compile(r"mark-([a-z])-(\d+)")


@dataclass(frozen=True)
class Reply:
    """What became of one request. `status` 0: lost. `own`: the shopper's own mark was shown."""

    due: float
    took_s: float
    what: str
    status: int
    degraded: tuple[str, ...] = ()
    version: str = ""
    own: bool = False
    foreign: tuple[str, ...] = ()
    retry_after: bool = False
    detail: str = ""


class Crowd:
    """`with Crowd(url) as crowd: ...`; afterwards `replies` and `acked`, the ids of the events that were accepted."""

    def __init__(
        self,
        url: str,
        *,
        shoppers: int = 40,
        callers: int = 6,
        per_s: float = 60,
        events: float = 0.25,
        probes: float = 0.0,
        home: float = 1.0,
        letters: str = "vc",
    ) -> None:
        """`events`, `probes`: shares of requests that are events, or ask /healthz; `home`: of pages, the home page.

        `letters`: the kinds of marks that shoppers of this shop have; those of other kinds are another shop's.
        """
        host, _, port = url.removeprefix("http://").partition(":")
        self.replies: list[Reply] = []
        self.acked: list[str] = []
        self._at = host, int(port)
        self._shoppers, self._callers, self._every_s = shoppers, callers, callers / per_s
        self._events, self._probes, self._home = events, probes, home
        self._letters = letters
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Let everybody have their answer, and go home."""
        self._stop.set()
        self._thread.join()

    def pages(self, since: float = 0.0, until: float = float("inf")) -> list[Reply]:
        """Recommendations that were due within this time (monotonic)."""
        return [one for one in self.replies if one.what in ("home", "cart") and since <= one.due < until]

    def told(self, since: float = 0.0, until: float = float("inf")) -> list[Reply]:
        """Events that were due within this time."""
        return [one for one in self.replies if one.what == "events" and since <= one.due < until]

    def probed(self, since: float = 0.0, until: float = float("inf")) -> list[Reply]:
        """Looks at /healthz that were due within this time."""
        return [one for one in self.replies if one.what == "healthz" and since <= one.due < until]

    async def _run(self) -> None:
        await asyncio.gather(*(self._call(number) for number in range(self._callers)))

    async def _call(self, number: int) -> None:
        rng, caller = random.Random(number), Caller(*self._at)
        telling = set[asyncio.Task[None]]()
        due = time.monotonic() + number * self._every_s / self._callers
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            lot = rng.random()
            if lot < self._events:
                telling.add(asyncio.create_task(self._tell(due, rng.randrange(self._shoppers))))
            elif lot < self._events + self._probes:
                self.replies.append(await ask(caller, due, "healthz", "GET", "/healthz"))
            else:
                who, surface = rng.randrange(self._shoppers), "home" if rng.random() < self._home else "cart"
                path = page(surface, who)
                self.replies.append(await ask(caller, due, surface, "GET", path, who=who, letters=self._letters))
            # Who was kept waiting does not come back all the more often.
            due = max(due + self._every_s, time.monotonic() - self._every_s)
        await asyncio.gather(*telling)
        caller.close()

    async def _tell(self, due: float, who: int) -> None:
        """An event, on a connection of its own: no page waits for a beacon."""
        id_, caller = uuid.uuid4().hex, Caller(*self._at)
        reply = await ask(caller, due, "events", "POST", "/v1/events", json.dumps(view(who, id_)).encode())
        caller.close()
        if reply.status == 200 and '"accepted"' in reply.detail:
            self.acked.append(id_)
        self.replies.append(reply)


def page(surface: str, who: int) -> str:
    """Where a shopper's page is."""
    names = {"visitor_id": f"v{who:03}", "customer_id": f"c{who:03}", "consent": CONSENT}
    return f"/v1/recommendations/{surface}?{urlencode(names)}"


def view(who: int, id_: str) -> dict[str, object]:
    """A shopper looks at their own product once more."""
    return {
        "id": id_,
        "type": "detail-page-view",
        "time": datetime.now(UTC).isoformat(),
        "visitor_id": f"v{who:03}",
        "customer_id": f"c{who:03}",
        "products": [{"product_id": f"mark-v-{who:03}"}],
        "consent": CONSENT.split(","),
    }


async def ask(
    caller: Caller,
    due: float,
    what: str,
    method: str,
    target: str,
    body: bytes = b"",
    who: int | None = None,
    letters: str = "vc",
) -> Reply:
    """One request and what became of it."""
    try:
        answer = await asyncio.wait_for(caller.ask(method, target, body), PATIENCE_S)
    except (Lost, OSError) as error:
        return Reply(due, time.monotonic() - due, what, 0, detail=f"{type(error).__name__}: {error}")
    return judged(answer, due, what, who, letters)


def judged(answer: Answer, due: float, what: str, who: int | None, letters: str) -> Reply:
    """An answer, looked through for whose it is."""
    took, retry = time.monotonic() - due, "retry-after" in answer.headers
    if what not in ("home", "cart") or answer.status != 200:
        return Reply(due, took, what, answer.status, retry_after=retry, detail=answer.body[:300].decode())
    told = json.loads(answer.body)
    marks = {(letter, int(mark)) for letter, mark in _MARK.findall(answer.body.decode())}
    own = {(letter, who) for letter in letters}
    foreign = tuple(f"shopper {who} saw {mark}" for mark in sorted(marks - own))
    degraded, version = tuple(told["degraded"]), told["model_version"] or ""
    return Reply(due, took, what, 200, degraded, version, bool(marks & own), foreign)


def fine(replies: Iterable[Reply]) -> list[Reply]:
    """Those of them, all answered with 200 and to the right shopper; asserts that they are, and that there are any."""
    found = list(replies)
    assert found
    bad = [one for one in found if one.status != 200 or one.foreign]
    assert not bad, f"{len(bad)} of {len(found)}: {bad[:3]}"
    return found


def honest(replies: Iterable[Reply]) -> list[Reply]:
    """Events: taken, or refused with 503 and Retry-After; asserts that, and returns the refused ones."""
    refused = [one for one in replies if one.status != 200]
    odd = [one for one in refused if one.status != 503 or not one.retry_after]
    assert not odd, f"{len(odd)}: {odd[:3]}"
    return refused
