"""A real browser for the tests: headless Chromium through Playwright, with an eye on all that a page does.

In: Debian's `chromium`, or the one that the environment variable CHROMIUM names. Out: fixtures `chromium` (a browser)
and `visit` (opens a page as a new shopper and watches it; see `tests.web.visit`).

A Playwright that runs keeps an event loop running in its thread, in which pytest-asyncio can start no other: so browser
and Playwright live as long as a module does, and a module with tests of the browser has no async tests.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web.needs import missing
from tests.web.visit import DESK, Visit, begin

_FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers give it 64 MB
)
REMEDY = "on Debian and Ubuntu `apt-get install chromium`, or name one in CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class Open(Protocol):
    """What the fixture `visit` gives: each call is another shopper, with a browser profile of its own."""

    def __call__(self, viewport: tuple[int, int] = ..., **options: Any) -> Visit:
        """Open a blank page. `options` are those of Playwright's `new_context`."""


def executable() -> str | None:
    """The path of a Chromium, or None."""
    names = [named] if (named := os.environ.get("CHROMIUM")) else _NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


@contextlib.contextmanager
def launched(path: str) -> Iterator[Browser]:
    """The Chromium at `path`, headless, until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = executable()
    if path is None:
        missing("chromium", REMEDY)
    with launched(path) as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """`visit()` opens a page as a new shopper on a desk, `visit(PHONE)` on a phone; all are closed at the end."""
    opened: list[Visit] = []

    def start(viewport: tuple[int, int] = DESK, **options: Any) -> Visit:
        opened.append(begin(chromium, viewport, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.context.close()
