"""axe-core in a page: what people who do not use a mouse, or do not see the page, would stumble over.

In: a page as it stands. Out: axe's findings in lines to read in a failure, each with its rule, weight and element.
"""

from typing import Any

from playwright.sync_api import Page

from tests.web.conftest import Node

_RUN = """
async (selector) => {
  const { violations } = await axe.run(selector || document, { resultTypes: ['violations'] });
  return violations.flatMap((found) => found.nodes.map((node) => ({
    id: found.id, impact: found.impact, help: found.help, html: node.html.slice(0, 200), summary: node.failureSummary,
  })));
}
"""


def findings(page: Page, node: Node, selector: str | None = None) -> list[str]:
    """All findings of axe's default rules in the page, or in what `selector` names. None is the aim."""
    page.evaluate((node.modules / "axe-core" / "axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate(_RUN, selector)
    return [f"{one['impact']} {one['id']}: {one['help']}: {one['html']} ({one['summary']})" for one in found]
