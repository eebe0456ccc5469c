"""What the acceptance tests measure with: the wire that records and stalls, programs that can be killed, axe."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.axe import findings
from tests.web.chromium import Open
from tests.web.conftest import Node
from tests.web.programs import Program, free_port
from tests.web.wire import Wire, wire

_PAGE = """<!doctype html><html lang="en"><head><title>Page</title><link rel="icon" href="data:,"></head>
<body><main><h1>Page</h1><p id="said"></p></main></body></html>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A server of one page, in a process of its own."""
    directory = tmp_path_factory.mktemp("pages")
    (directory / "index.html").write_text(_PAGE)
    port = free_port()
    line = ("http.server", str(port), "--bind", "127.0.0.1", "--directory", str(directory))
    program = Program(line, {}, f"http://127.0.0.1:{port}/", directory.parent / "pages.log")
    program.start()
    yield program
    program.stop()


@pytest.fixture
def line(server: Program) -> Iterator[Wire]:
    """A wire to it."""
    port = httpx.URL(server.ready).port
    assert port
    with wire(port) as made:
        yield made


@pytest.fixture
def page(line: Wire) -> str:
    """The page's address, through the wire."""
    return f"http://127.0.0.1:{line.port}/"


def test_the_wire_writes_down_what_a_browser_sends(
    visit: Open, line: Wire, page: str, until: Callable[..., None]
) -> None:
    """Also beacons with a blob for a body, sent while the page goes away."""
    shopper = visit()
    shopper.open(page)
    assert [one.target for one in line.sent] == ["/"]
    assert "user-agent: " in line.sent[0].text
    shopper.page.evaluate("""() => addEventListener('pagehide', () =>
        navigator.sendBeacon('/said', new Blob([JSON.stringify({a: 1})], {type: 'text/plain'})))""")
    shopper.page.goto("about:blank")
    until(lambda: line.to("/said"))
    (beacon,) = line.to("/said")
    assert (beacon.method, json.loads(beacon.body)) == ("POST", {"a": 1})


def test_the_wire_stalls_what_it_is_told_to_and_lets_it_go(line: Wire, page: str) -> None:
    """Held requests get no answer, others do; what was held is answered in the end."""
    line.stall("/?held")
    assert httpx.get(page, timeout=30).status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{page}?held", timeout=0.3)
    line.delay(0.2)
    began = time.monotonic()
    assert httpx.get(page, timeout=30).status_code == 200
    assert time.monotonic() - began >= 0.2
    line.flow()
    assert httpx.get(f"{page}?held", timeout=30).status_code == 200


def test_a_cut_wire_breaks_connections_and_makes_new_ones(line: Wire, page: str) -> None:
    """As when a server dies with answers under way."""
    with httpx.Client() as client:
        line.stall()
        with pytest.raises(httpx.ReadTimeout):
            client.get(page, timeout=0.3)
        line.cut()
        line.flow()
        assert client.get(page, timeout=30).status_code == 200


def test_a_killed_program_is_gone_and_comes_back(server: Program, page: str) -> None:
    """Nobody answers after the kill; the same address answers after the restart."""
    server.kill()
    with pytest.raises(httpx.TransportError):
        httpx.get(page, timeout=30)
    server.start()
    assert httpx.get(page, timeout=30).status_code == 200


def test_a_program_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Its log is in the failure."""
    program = Program(("no_such_module",), {}, "http://127.0.0.1:9/", tmp_path / "log")
    with pytest.raises(AssertionError, match="No module named"):
        program.start()


def test_axe_finds_what_is_wrong_and_nothing_else(visit: Open, page: str, node: Node) -> None:
    """A plain page is fine; an image without a text for those who do not see it is not."""
    shopper = visit()
    shopper.open(page)
    assert findings(shopper.page, node) == []
    shopper.page.evaluate("() => { document.querySelector('main').append(new Image(10, 10)); }")
    (found,) = findings(shopper.page, node)
    assert found.startswith("critical image-alt")
