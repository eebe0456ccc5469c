"""`python -m edge.storefront.check ADDRESS`: whether a running demo shop is whole. Exit status 0 or 1.

In: the shop's address, a household. Out: a line for each page, and for one shelf asked through the app proxy.
"""

import argparse
import re
import sys

import httpx

_TIMEOUT_S = 20.0
_PAGES = ("/", "/departments/fruit", "/search?q=coffee", "/cart", "/account")


class CheckError(Exception):
    """What is wrong, in words."""


def main(arguments: list[str] | None = None) -> int:
    """Ask a shop for everything once."""
    parser = argparse.ArgumentParser(prog="python -m edge.storefront.check", description=__doc__)
    parser.add_argument("address", help="of the shop, such as http://127.0.0.1:8002")
    parser.add_argument("--household", default="1", help="who looks at the shelf")
    given = parser.parse_args(arguments)
    cookies = {"household": given.household, "consent": "personalization"}
    with httpx.Client(base_url=given.address, cookies=cookies, timeout=_TIMEOUT_S, trust_env=False) as client:
        try:
            check(client)
        except (CheckError, httpx.HTTPError, ValueError) as error:
            print(f"the demo shop at {given.address}: {error}", file=sys.stderr)
            return 1
    return 0


def check(client: httpx.Client) -> None:
    """All pages, a product with its picture, the theme script, a personal shelf. Raises CheckError."""
    for path in _PAGES:
        _page(client, path)
    home = _page(client, "/")
    _page(client, _first(r'href="(/products/[^"]+)"', home, "product"))
    _text(client, _first(r'src="(/tiles/[^"]+)"', home, "picture"), "image/svg+xml")
    _text(client, "/apps/endcap/endcap.js", "text/javascript")
    answer = client.get("/apps/endcap/v1/recommendations/home", params={"consent": "personalization"})
    if answer.status_code != httpx.codes.OK:
        raise CheckError(f"the app proxy answered {answer.status_code}: {answer.text[:200]}")
    told = answer.json()
    served = {slot["id"]: slot["served_by"] for slot in told["slots"]}
    if told["degraded"] or "personal" not in served.values():
        raise CheckError(f"no personal shelf through the app proxy: degraded {told['degraded']}, slots {served}")
    print(f"shop: shelves through the app proxy: {', '.join(f'{slot} ({by})' for slot, by in served.items())}")


def _page(client: httpx.Client, path: str) -> str:
    text = _text(client, path, "text/html")
    print(f"shop: {path}: {_first('<title>([^<]*)</title>', text, 'title')}, {len(text)} characters")
    return text


def _text(client: httpx.Client, path: str, kind: str) -> str:
    answer = client.get(path)
    if answer.status_code != httpx.codes.OK or not answer.headers["content-type"].startswith(kind):
        raise CheckError(f"{path} answered {answer.status_code}, {answer.headers.get('content-type')}")
    return answer.text


def _first(pattern: str, text: str, what: str) -> str:
    if found := re.search(pattern, text):
        return found[1]
    raise CheckError(f"no {what} on the page")


if __name__ == "__main__":
    sys.exit(main())
