"""The shelves of an open page, as a shopper sees them.

In: a page. Out: `Shelf` for each `<endcap-shelf>`, with its cards, and what the server answered.
"""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.web.visit import Visit

SHOWN = "endcap-shelf:not([data-state=loading])"
_READ = """
() => [...document.querySelectorAll('endcap-shelf')].map((shelf) => ({
  slot: shelf.getAttribute('slot'),
  state: shelf.dataset.state || 'undefined',
  heading: shelf.shadowRoot?.querySelector('[part=heading]')?.textContent || '',
  fallback: shelf.innerText.trim(),
  own: [...shelf.querySelectorAll('a')].filter((link) => link.checkVisibility({ visibilityProperty: true })).length,
  cards: shelf.dataset.state !== 'ready' ? [] : [...shelf.shadowRoot.querySelectorAll('[part=item]')].map((item) => ({
    href: item.querySelector('a').href,
    title: item.querySelector('[part=title]').textContent,
    price: item.querySelector('[part=price]').textContent,
    compare: item.querySelector('[part=compare]')?.lastChild.textContent || '',
    drawn: (item.querySelector('img')?.naturalWidth || 0) > 0,
  })),
}))
"""


@dataclass(frozen=True)
class Card:
    """One product of a shelf. `drawn`: its picture has come."""

    href: str
    title: str
    price: str
    compare: str
    drawn: bool


@dataclass(frozen=True)
class Shelf:
    """One shelf. `state`: loading, ready, fallback, or undefined without the script; `own`: links of the theme seen."""

    slot: str
    state: str
    heading: str
    own: int
    cards: tuple[Card, ...]


def shelves(page: Page) -> dict[str, Shelf]:
    """All shelves of the page, by slot."""
    return {
        one["slot"]: Shelf(
            one["slot"], one["state"], one["heading"], one["own"], tuple(Card(**card) for card in one["cards"])
        )
        for one in page.evaluate(_READ)
    }


def answers(shopper: Visit) -> list[dict[str, Any]]:
    """The bodies of all answers that shelves were made of, on all pages, oldest first."""
    return [one.body for one in shopper.watch.answers if not one.failed]


def slots(shopper: Visit) -> dict[str, dict[str, Any]]:
    """The newest answer's slots, by id."""
    return {slot["id"]: slot for slot in answers(shopper)[-1]["slots"]}


def wait(shopper: Visit) -> None:
    """Until every shelf of the page is ready or has fallen back."""
    shopper.page.wait_for_function(
        "() => [...document.querySelectorAll('endcap-shelf')].every((one) => /ready|fallback/.test(one.dataset.state))"
    )
    shopper.settle()
