"""The browser that the other tests look through sees what it should see."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.web import chromium as module
from tests.web.chromium import Open
from tests.web.needs import missing
from tests.web.visit import PHONE

_PAGE = b"""<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,">
<body style="margin: 0"><p>Text</p><div id="late"></div><p id="below">Below</p></body></html>"""


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", "img-src data:")
        self.end_headers()
        self.wfile.write(_PAGE if found else b"")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of a server with one page."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_quiet_page_has_no_findings(visit: Open, pages: str) -> None:
    """Nothing logged, stored, moved or asked of others."""
    shopper = visit()
    shopper.open(pages)
    shopper.scroll()
    assert shopper.faults() == []
    assert shopper.shifts() == []
    assert shopper.stored() == {}
    assert shopper.hosts() == {pages.split("/")[2]}


def test_everything_a_page_should_not_do_is_seen(visit: Open, pages: str) -> None:
    """Console, uncaught errors, missing files, forbidden loads, storage of each kind."""
    shopper = visit(PHONE)
    shopper.open(pages)
    shopper.page.evaluate("""async () => {
      console.warn('careful');
      setTimeout(() => { throw new Error('uncaught'); });
      await fetch('/missing');
      localStorage.a = 1; sessionStorage.b = 2; document.cookie = 'c=3';
      await new Promise((done) => { indexedDB.open('d').onsuccess = done; });
      await caches.open('e');
      const image = new Image(); image.src = '/forbidden.png'; document.body.append(image);
    }""")
    shopper.settle()
    faults = "\n".join(shopper.faults())
    for wanted in ("careful", "uncaught", "404", "img-src"):
        assert wanted in faults
    assert shopper.stored() == {
        "local": {"a": "1"}, "session": {"b": "2"}, "databases": ["d"], "caches": ["e"], "cookies": ["c"]
    }  # fmt: skip
    assert shopper.asked("/missing") == [f"{pages}missing"]


def test_a_shift_is_measured_and_says_what_moved(visit: Open, pages: str) -> None:
    """Content that pushes the rest down counts, though nobody touched anything."""
    shopper = visit()
    shopper.open(pages)
    shopper.page.evaluate("() => { document.getElementById('late').style.height = '300px'; }")
    (shift,) = shopper.shifts()
    assert shift["value"] > 0
    assert any("#below" in moved for moved in shift["moved"])


def test_two_visits_share_nothing(visit: Open, pages: str) -> None:
    """Each is another browser profile."""
    one, other = visit(), visit()
    for shopper in (one, other):
        shopper.open(pages)
    one.page.evaluate("() => { localStorage.a = 1; document.cookie = 'c=3'; }")
    assert one.stored()
    assert other.stored() == {}


def test_what_is_missing_skips_or_fails_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser: a skip that says what to install; a failure where ENDCAP_REQUIRE names it."""
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert module.executable() is None
    monkeypatch.setenv("ENDCAP_REQUIRE", "")
    with pytest.raises(pytest.skip.Exception, match="install chromium"):
        missing("chromium", "install chromium")
    monkeypatch.setenv("ENDCAP_REQUIRE", "node, chromium")
    with pytest.raises(pytest.fail.Exception, match="install chromium"):
        missing("chromium", "install chromium")
