"""Shelves to read: what customers see, as tables, so that somebody who shops can say whether they make sense.

In: a server's address and customers. Out: tables of the homepage, a product page and the cart, with the customer's last
baskets above them if a prepared data set is named; and what the answers lack, for the check.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.answers import Answer, Item, Slot
from loadtests.ask import Asker, Reply
from loadtests.server import RunError
from loadtests.traffic import CONSENT

_BASKETS = 3
_TITLES = 12  # of a basket; the rest is counted
_CART_SIZE = 2
_WIDTH = 80


@dataclass(frozen=True)
class Wanted:
    """Whose shelves, and of what."""

    customers: tuple[str, ...]
    product: str | None = None
    cart: tuple[str, ...] = ()
    limit: int = 6
    baskets: Path | None = None


def show_shelves(url: str, wanted: Wanted, console: Console) -> list[str]:
    """Print all shelves; return what the answers lack, one line each."""
    lacking = []
    with Asker(url) as asker:
        for customer in wanted.customers:
            console.rule(f"[bold]Customer {escape(customer)}")
            if wanted.baskets:
                _show_baskets(wanted.baskets, customer, console)
            lacking += _show_customer(asker, wanted, customer, console)
    for line in lacking:
        console.print(f"[red]lacking[/] {escape(line)}", soft_wrap=True)
    if not lacking:
        console.print("[green]Every surface answered, nothing degraded, each with something personal.[/]")
    return lacking


def _show_customer(asker: Asker, wanted: Wanted, customer: str, console: Console) -> list[str]:
    lacking: list[str] = []
    home = _show_page(asker, "home", {}, wanted, customer, console, lacking)
    shown = home.product_ids() if home else ()
    product = wanted.product or next(iter(shown), None)
    cart = wanted.cart or shown[:_CART_SIZE]
    titles = {item.id: item.product.title for slot in home.slots for item in slot.items} if home else {}
    for surface, parameters in (
        ("pdp", {"product_id": product} if product else None),
        ("cart", {"product_ids": ",".join(cart)} if cart else None),
    ):
        if parameters is None:
            lacking.append(f"{surface} of customer {customer}: the homepage showed no product to ask about")
            continue
        (ids,) = parameters.values()
        named = ", ".join(titles.get(id_, id_) for id_ in ids.split(","))
        _show_page(asker, surface, parameters, wanted, customer, console, lacking, about=named)
    return lacking


def _show_page(
    asker: Asker,
    surface: str,
    parameters: dict[str, str],
    wanted: Wanted,
    customer: str,
    console: Console,
    lacking: list[str],
    about: str = "",
) -> Answer | None:
    """Ask for one page and print it; what it lacks is added to `lacking`."""
    who = {"customer_id": customer, "consent": ",".join(CONSENT), "limit": str(wanted.limit)}
    path = f"/v1/recommendations/{surface}?{urlencode(parameters | who, safe=',')}"
    place = f"{surface} of customer {customer}"
    reply = asker.get(path)
    answer = _read(reply)
    if answer and answer.degraded:  # a cold or busy moment passes; what stays degraded is said
        reply = asker.get(path)
        answer = _read(reply)
    if answer is None:
        lacking.append(f"{place}: status {reply.status}, {reply.body[:200].decode(errors='replace')}")
        return None
    lacking += [f"{place}: {fault}" for fault in faults(answer)]
    heading = f"\n[bold]{surface}[/]" + (f" for {escape(about)}" if about else "")
    console.print(f"{heading}  [dim]model {answer.model_version}, {reply.took_ms:.1f} ms, degraded: "
                  f"{', '.join(answer.degraded) or 'nothing'}[/]")  # fmt: skip
    for slot in answer.slots:
        console.print(_table(slot))
    return answer


def _read(reply: Reply) -> Answer | None:
    if reply.status != 200:
        return None
    try:
        return reply.answer()
    except msgspec.DecodeError:
        return None


def faults(answer: Answer) -> list[str]:
    """What keeps an answer to a known customer from being whole."""
    found = []
    if answer.degraded:
        found.append(f"degraded: {', '.join(answer.degraded)}")
    if not answer.model_version:
        found.append("no model version")
    if not answer.personal:
        served = ", ".join(f"{slot.id} {slot.served_by}" for slot in answer.slots) or "no shelves"
        found.append(f"nothing personal ({served})")
    return found


def _table(slot: Slot) -> Table:
    heading = f"{escape(slot.title)}  [dim]{slot.id}, {slot.served_by}[/]"
    # All equally wide, and no wider than 80 columns: a page of shelves then reads as one table.
    table = Table(title=heading, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, width=_WIDTH)
    table.add_column("product", ratio=1)
    table.add_column("price", justify="right", width=13)
    table.add_column("reason", width=18)
    table.add_column("score", justify="right", width=5)
    for item in slot.items:
        table.add_row(escape(item.product.title), _price(item), item.reason, f"{item.score:.2f}")
    return table


def _price(item: Item) -> str:
    now, before = item.product.price, item.product.compare_at_price
    reduced = f"[strike dim]{before.amount}[/] " if before else ""
    return f"{reduced}{now.amount} {now.currency_code}"


def _show_baskets(lines: Path, customer: str, console: Console) -> None:
    baskets = last_baskets(lines, customer)
    if not baskets:
        console.print("no baskets in the data set")
    for day, titles in baskets:
        more = f" and {len(titles) - _TITLES} more" if len(titles) > _TITLES else ""
        console.print(f"[bold]{day}[/] {escape(', '.join(titles[:_TITLES]))}{more}", soft_wrap=False)


def last_baskets(lines: Path, customer: str) -> list[tuple[str, list[str]]]:
    """The day and the product titles of a customer's last baskets, oldest first. Raises RunError."""
    import duckdb  # here, because it comes with the training extra, which loading a server does not need

    query = """
        SELECT strftime(min(l.time), '%Y-%m-%d'), list(coalesce(p.title, l.product_id) ORDER BY l.line)
        FROM read_parquet(?) AS l LEFT JOIN read_parquet(?) AS p ON p.id = l.product_id
        WHERE l.shopper = ? AND l.type = 'purchase-complete' AND l.product_id IS NOT NULL
        GROUP BY coalesce(l.order_id, l.event_id) ORDER BY min(l.time) DESC LIMIT ?
    """
    files = [str(lines), str(lines.with_name("products.parquet"))]
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(query, [*files, f"c:{customer}", _BASKETS]).fetchall()
    except duckdb.Error as error:
        raise RunError(f"cannot read the baskets in {lines}: {error}") from error
    return [(day, titles) for day, titles in reversed(rows)]
