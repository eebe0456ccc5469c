"""One shopper in one browser: the page, and everything it did that a shop would mind.

In: a Playwright context. Out: `Visit`, with what was logged, asked for, stored and moved since it began.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

DESK = (1440, 900)
PHONE = (390, 844)
VIEWPORTS = {"desk": DESK, "phone": PHONE}

# Runs before any script of a page, in each of its documents. Shifts are kept with what moved, to be read in a failure.
_METERS = """
(() => {
  const name = (node) => node && node.nodeType === 1
    ? node.tagName.toLowerCase() + (node.id ? '#' + node.id : '') + (node.className ? '.' + node.className : '')
    : String(node && node.nodeName);
  const box = (rect) => [rect.x, rect.y, rect.width, rect.height].map(Math.round).join(',');
  window.__shifts = [];
  window.__violations = [];
  const note = (entry) => window.__shifts.push({
    value: entry.value, input: entry.hadRecentInput, at: Math.round(entry.startTime),
    moved: entry.sources.map((one) => `${name(one.node)} ${box(one.previousRect)} -> ${box(one.currentRect)}`),
  });
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  observer.observe({ type: 'layout-shift', buffered: true });
  window.__takeShifts = () => { observer.takeRecords().forEach(note); return window.__shifts; };
  document.addEventListener('securitypolicyviolation', (event) =>
    window.__violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
  document.addEventListener('endcap:answer', ({ detail: { surface, answer, ms, failed } }) =>
    window.__answered(surface, answer, ms, Boolean(failed)));
})();
"""
_STORED = """
async () => ({
  local: { ...localStorage },
  session: { ...sessionStorage },
  databases: (await indexedDB.databases()).map((one) => one.name),
  caches: window.caches ? await caches.keys() : [],
})
"""
# Two frames: what a script has just changed is laid out after the first and its shift reported by the second.
_SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"
_SCROLL = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const step = Math.max(200, window.innerHeight / 2);
  for (let y = 0; y <= document.documentElement.scrollHeight; y += step) {
    window.scrollTo({ top: y, behavior: 'instant' });
    await frame(); await frame();
    await new Promise((done) => setTimeout(done, 60));
  }
}
"""


@dataclass(frozen=True)
class Answer:
    """What the theme script tells panels and shops: shelves of a surface, after so long, and whether none came."""

    surface: str
    body: dict[str, Any]
    ms: float
    failed: bool


class Watch:
    """Collects what a browser context says and asks for, on all its pages."""

    def __init__(self, context: BrowserContext) -> None:
        self.console: list[str] = []
        self.errors: list[str] = []
        self.requests: list[Request] = []
        self.failed: list[Request] = []
        self.responses: list[Response] = []
        self.answers: list[Answer] = []
        context.expose_function("__answered", lambda *told: self.answers.append(Answer(*told)))
        context.add_init_script(_METERS)
        context.on("console", self._logged)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", lambda request: self.requests.append(request))
        context.on("requestfailed", lambda request: self.failed.append(request))
        context.on("response", lambda response: self.responses.append(response))

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error", "assert"}:
            self.console.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    @staticmethod
    def options(viewport: tuple[int, int]) -> dict[str, Any]:
        """The options of a context: a phone has a touch screen; nothing depends on where the tests run."""
        width, height = viewport
        phone = width < 600
        size = {"width": width, "height": height}
        return {"viewport": size, "locale": "en-US", "timezone_id": "UTC", "has_touch": phone, "is_mobile": phone}


def begin(browser: Browser, viewport: tuple[int, int] = DESK, **options: Any) -> "Visit":
    """A new shopper with a blank page. `options` are those of Playwright's `new_context`."""
    context = browser.new_context(**Watch.options(viewport) | options)
    return Visit(context, Watch(context), context.new_page())


@dataclass
class Visit:
    """A shopper's browser. `page` is Playwright's own; a test may open more in `context`."""

    context: BrowserContext
    watch: Watch
    page: Page

    def open(self, url: str) -> None:
        """Go to a page and wait until nothing is under way."""
        self.page.goto(url, wait_until="networkidle")
        self.settle()

    def settle(self) -> None:
        """Wait until what has changed is laid out."""
        self.page.evaluate(_SETTLE)

    def scroll(self) -> None:
        """Go down the whole page, as fast as one can look, so that all that loads when it comes near does."""
        self.page.evaluate(_SCROLL)
        self.page.wait_for_load_state("networkidle")
        self.settle()

    def shifts(self) -> list[dict[str, Any]]:
        """The layout shifts of the present document that nobody's hand caused: value, moment (ms) and what moved."""
        self.settle()
        found: list[dict[str, Any]] = self.page.evaluate("() => window.__takeShifts()")
        return [one for one in found if not one["input"]]

    def stored(self) -> dict[str, Any]:
        """What the browser keeps for the page: local, session, databases, caches, cookies; empty ones left out."""
        kept: dict[str, Any] = self.page.evaluate(_STORED)
        kept["cookies"] = [cookie["name"] for cookie in self.context.cookies()]
        return {name: value for name, value in kept.items() if value}

    def violations(self) -> list[str]:
        """What the present document's content security policy forbade."""
        found: list[str] = self.page.evaluate("() => window.__violations")
        return found

    def asked(self, part: str) -> list[str]:
        """The addresses asked for so far whose path contains `part`."""
        return [request.url for request in self.watch.requests if part in urlsplit(request.url).path]

    def hosts(self) -> set[str]:
        """The hosts and ports that anything was asked of."""
        web = (urlsplit(request.url) for request in self.watch.requests)
        return {parts.netloc for parts in web if parts.scheme not in {"data", "blob"}}

    def faults(self) -> list[str]:
        """Warnings and errors on the console, uncaught errors, forbidden loads: all that a page should not have."""
        return [*self.watch.console, *self.watch.errors, *self.violations()]
