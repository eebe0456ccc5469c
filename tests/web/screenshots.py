"""`python -m tests.web.screenshots`: pictures of the running demo shop for docs/, on a desk and on a phone.

In: the shop that `scripts/demo` serves. Out: WebP files of the home page (its top, and its shelves), a product and the
cart, as a household that is logged in and allows everything sees them on its way through the shop; one with the panel.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.web.chromium import REMEDY, executable, launched
from tests.web.visit import DESK, PHONE, Visit, begin

_MOST_BYTES = 250_000
_QUALITY = 82
_TO_SHELVES = """() => {
  const header = document.querySelector('#top').offsetHeight;
  const shelf = document.querySelector('endcap-shelf').getBoundingClientRect();
  window.scrollTo({ top: shelf.top + scrollY - header - 20, behavior: 'instant' });
}"""


def main() -> int:
    """Take them all. Returns the exit status: 2 where there is no browser or no shop."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Pictures of the running demo shop.")
    parser.add_argument("--url", default="http://127.0.0.1:8002", help="the shop (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"), help="directory (%(default)s)")
    parser.add_argument("--household", default="1", help="who is logged in (%(default)s)")
    given = parser.parse_args()
    path = executable()
    if path is None:
        print(f"endcap: chromium is missing: {REMEDY}", file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    with launched(path) as browser:
        for name, viewport in {"desk": DESK, "phone": PHONE}.items():
            _take(browser, given.url.rstrip("/"), given.household, viewport, given.out / name)
    return 0


def _take(browser: Browser, url: str, household: str, viewport: tuple[int, int], stem: Path) -> None:
    shopper = begin(browser, viewport, device_scale_factor=2 if viewport == PHONE else 1)
    for path, form in (
        ("/login", {"household": household}),
        ("/consent", {"personalization": "on", "analytics": "on"}),
    ):
        fields: dict[str, str | float | bool] = {**form}
        shopper.context.request.post(url + path, form=fields)
    shopper.open(url)
    _shelves(shopper)
    links = shopper.page.locator("endcap-shelf [part=link]")
    products = [str(links.nth(at).get_attribute("href")) for at in (0, 1)]
    for address in products:
        shopper.open(address)
        shopper.page.locator("main form button").first.click()
        shopper.page.wait_for_load_state("networkidle")
    for name, address in {"product": products[0], "cart": f"{url}/cart", "home": url}.items():
        shopper.open(address)
        _shelves(shopper)
        if name == "home":
            shopper.page.evaluate("() => window.scrollTo({ top: 0, behavior: 'instant' })")
        _keep(shopper, stem, name)
    shopper.page.evaluate(_TO_SHELVES)
    shopper.settle()
    _keep(shopper, stem, "shelves")
    if viewport == DESK:
        shopper.page.locator("#panel-toggle").click()
        shopper.settle()
        _keep(shopper, stem, "panel")
    shopper.context.close()


def _shelves(shopper: Visit) -> None:
    """Wait for the products of all shelves and for their pictures; the first shelf comes into sight as a whole."""
    shopper.scroll()
    shopper.page.wait_for_selector("endcap-shelf[data-state=ready]")
    shopper.page.evaluate("""async () => {
      const box = document.querySelector('endcap-shelf[data-state=ready]').getBoundingClientRect();
      window.scrollTo({ top: Math.max(0, box.bottom + scrollY - innerHeight + 24), behavior: 'instant' });
      await document.fonts.ready;
    }""")
    shopper.page.wait_for_load_state("networkidle")
    shopper.settle()


def _keep(shopper: Visit, stem: Path, name: str) -> None:
    image = Image.open(io.BytesIO(shopper.page.screenshot(animations="disabled")))
    path = stem.with_name(f"{name}-{stem.name}.webp")
    image.save(path, quality=_QUALITY, method=6)
    size = path.stat().st_size
    print(f"{path}: {image.width}x{image.height}, {size / 1000:.0f} kB")
    if size > _MOST_BYTES:
        raise SystemExit(f"endcap: {path} has {size} bytes, {_MOST_BYTES} are the most; lower the quality")


if __name__ == "__main__":
    sys.exit(main())
