"""No wrong shopper: whatever is asked together, cut off, or spelled almost alike, nobody is shown what is another's.

Every shopper has products that nobody else has ever seen. All requests of an example are sent before any answer is
read, over several connections, so that the server works on them at once.
"""

import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from edge.core.snapshot import write_snapshot
from tests.faults.crowd import view
from tests.faults.raw import dial
from tests.faults.shop import marks, plant
from tests.hostile.effort import tries
from tests.hostile.test_sockets import BYE, Said, answers_in, get, post, talk
from tests.serving import Running, Serve
from training.dataset import Dataset

pytestmark = pytest.mark.store
SHOPPERS = 6
CONSENT = "personalization,analytics"
_MARK = re.compile(rb"mark-[vc]-(\d+)")
# Names that look like `{}`, that some layer might take for it, or that some layer might cut or join.
ALIKE = [
    "{} ",
    " {}",
    "{}\u00a0",
    "{}\u200b",
    "{}\ufeff",
    "{}\u0301",
    "{}\u202e",
    "{}%00",
    "{}%20",
    "{}/../{}",
    "./{}",
    "{{demo/{}}}",
    "demo/{}",
    "{},{}",
    "{};{}",
    "{}&visitor_id={}",
    "{}|{}",
    "{}:{}",
    "{}*",
    "?{}",
    "[{}]",
    "{}.",
    "0{}",
]
REFUSED = ["{}\x00", "{}\n", "\x00{}", "{}\r\n{}", "{}\x1f", "{}\x7f"]


class Ask(NamedTuple):
    """One request, and whose products its answer may hold, by number; `own`: it must hold them."""

    data: bytes
    may: frozenset[int]
    own: bool


def named(who: int, id_: str, surface: str = "home", consent: str = CONSENT) -> bytes:
    """A shopper's page."""
    names = f"visitor_id=v{who:03}&customer_id=c{who:03}"
    return get(f"/v1/recommendations/{surface}?{names}&consent={consent}", id_)


def alike(text: str, who: int, id_: str) -> bytes:
    """A page of somebody whose names look like a shopper's."""
    names = [f"{kind}={quote(text.replace('{{', '{').replace('}}', '}').replace('{}', name))}" for kind, name in
             (("visitor_id", f"v{who:03}"), ("customer_id", f"c{who:03}"))]  # fmt: skip
    return get(f"/v1/recommendations/home?{'&'.join(names)}&consent={CONSENT}", id_)


def body_of(who: int, surface: str | None = None) -> dict[str, Any]:
    """The same question as a body."""
    names = {"visitor_id": f"v{who:03}", "customer_id": f"c{who:03}", "consent": CONSENT.split(",")}
    return names | ({"surface": surface} if surface else {})


def posted(target: str, body: object, id_: str) -> bytes:
    """A POST of JSON."""
    data = json.dumps(body).encode()
    return post(f"Content-Length: {len(data)}", body=data, target=target).replace(b"outer", id_.encode())


def ask(kind: str, who: int, other: int, extra: int, id_: str) -> Ask:
    """A request of some kind by one shopper, about whom another one asks, too."""
    own, nobody = frozenset({who}), frozenset[int]()
    if kind == "get":
        return Ask(named(who, id_), own, True)
    if kind == "cart":
        return Ask(named(who, id_, "cart"), own, False)
    if kind == "post":
        return Ask(posted("/v1/recommendations/home", body_of(who), id_), own, True)
    if kind == "batch":  # looked through member by member
        asked = {"requests": [body_of(one, "home") for one in (who, other, who)]}
        return Ask(posted("/v1/recommendations", asked, id_), frozenset({who, other}), True)
    if kind == "event":
        return Ask(posted("/v1/events", view(who, f"{id_}-{who}-{extra}"), id_), nobody, False)
    if kind == "no consent":
        return Ask(named(who, id_, consent=""), nobody, False)
    if kind == "swapped":  # one kind of name in the other's place
        swapped = f"visitor_id=c{who:03}&customer_id=v{who:03}"
        return Ask(get(f"/v1/recommendations/home?{swapped}&consent={CONSENT}", id_), nobody, False)
    if kind == "case":
        swapped = f"visitor_id=V{who:03}&customer_id=C{who:03}"
        return Ask(get(f"/v1/recommendations/home?{swapped}&consent={CONSENT}", id_), nobody, False)
    if kind == "twice":
        twice = f"visitor_id=v{who:03}&visitor_id=v{other:03}"
        return Ask(get(f"/v1/recommendations/home?{twice}&consent={CONSENT}", id_), nobody, False)
    if kind == "refused":
        return Ask(alike(REFUSED[extra % len(REFUSED)], who, id_), nobody, False)
    return Ask(alike(ALIKE[extra % len(ALIKE)], who, id_), nobody, False)


OWN = ["get", "get", "get", "cart", "post", "batch", "event"]
KINDS = [*OWN, "no consent", "swapped", "case", "twice", "refused", "alike"]
ENDS = ["stays", "stays", "stays", "leaves", "resets"]
Step = tuple[str, int, int, int]
steps = st.tuples(
    st.sampled_from(KINDS), st.integers(0, SHOPPERS - 1), st.integers(0, SHOPPERS - 1), st.integers(0, 1_000)
)
lines = st.tuples(st.lists(steps, min_size=1, max_size=6), st.sampled_from(ENDS))


@pytest.fixture
def crowded(serve: Serve, data_dir: Path, shop_dir: Dataset, redis: "Redis") -> Running:
    """An edge whose shoppers each have seen what nobody else has."""
    write_snapshot(data_dir / "catalogue" / "demo.cat", [*shop_dir.catalogue(), *marks(SHOPPERS)], as_of=0)
    plant(redis, SHOPPERS)
    return serve()


def shown(body: bytes) -> set[int]:
    """The numbers of those whose products stand in an answer."""
    return {int(number) for number in _MARK.findall(body)}


def judged(said: Said, asked: Ask) -> None:
    """Only who may be shown is; who must be, is."""
    assert shown(said.body) <= asked.may, (asked.data, said.body[:2_000])
    if asked.own:
        assert said.status == 200
        assert shown(said.body) == asked.may, (asked.data, said.body[:2_000])
    if asked.data.startswith(b"POST /v1/recommendations HTTP"):
        wanted = json.loads(asked.data.partition(b"\r\n\r\n")[2])["requests"]
        for member, result in zip(wanted, json.loads(said.body)["results"], strict=True):
            assert shown(json.dumps(result["body"]).encode()) == {int(member["visitor_id"][1:])}


@tries(60)
@given(st.lists(lines, min_size=2, max_size=5))
def test_nobody_is_shown_what_is_anothers(crowded: Running, plan: list[tuple[list[Step], str]]) -> None:
    """Several connections at once, pipelined, some of which end before their answers came."""
    asked = [[ask(*step, f"id-{line}-{at}") for at, step in enumerate(told)] for line, (told, _) in enumerate(plan)]
    connections = [dial(crowded.url) for _ in plan]
    try:
        for at in range(max(map(len, asked))):
            for line, connection in enumerate(connections):
                if at < len(asked[line]):
                    connection.sendall(asked[line][at].data)
        for connection, (_, end) in zip(connections, plan, strict=True):
            _leave(connection, end)
        for connection, (_, end), own in zip(connections, plan, asked, strict=True):
            if end == "stays":
                compare(_read(connection), own)
    finally:
        for connection in connections:
            connection.close()
    assert crowded.client.get("/healthz").status_code == 200


def _leave(connection: socket.socket, end: str) -> None:
    if end == "stays":
        connection.sendall(BYE)
    elif end == "resets":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
    else:
        connection.close()


def _read(connection: socket.socket) -> list[Said]:
    data = b""
    while part := connection.recv(65_536):
        data += part
    return answers_in(data)


def compare(answers: Iterable[Said], asked: list[Ask]) -> None:
    """As many answers as questions, in their order, each judged."""
    told = [said for said in answers if said.id != "bye"]
    assert len(told) == len(asked)
    for said, one in zip(told, asked, strict=True):
        assert f"X-Request-Id: {said.id}\r\n".encode() in one.data
        assert said.status < 500
        judged(said, one)


def test_names_that_look_alike_are_different_people(crowded: Running) -> None:
    """Each of them, beside the shopper whom it looks like; what cannot be a name is refused."""
    for text in ALIKE:
        asked = [ask("get", 1, 1, 0, "a"), Ask(alike(text, 1, "b"), frozenset(), False), ask("get", 2, 1, 0, "c")]
        compare(talk(crowded.url, *(one.data for one in asked), BYE, half=False), asked)
    for text in REFUSED:
        (said, *_) = talk(crowded.url, alike(text, 1, "b"))
        assert said.status == 400, text


def test_spellings_of_one_letter_are_different_people(crowded: Running, remember: Any, redis: "Redis") -> None:
    """A customer whose name holds an accent as one letter is not the one whose name holds it as two."""
    remember(crowded, redis, "andr\u00e9", "p003", "p004")
    names = {"visitor_id": "x", "consent": CONSENT}
    known = crowded.shelves("home", customer_id="andr\u00e9", **names)
    other = crowded.shelves("home", customer_id="andre\u0301", **names)
    stranger = crowded.shelves("home", customer_id="nobody-at-all", **names)
    assert other == stranger
    assert known != stranger
