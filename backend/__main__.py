"""`python -m backend`: the app of the backend; with a command, one of its jobs once."""

import sys
import time
from typing import Annotated

import msgspec
import typer
from pydantic import ValidationError
from redis.asyncio import Redis

from backend import bundle_store, keys
from backend.admin import commands as admin
from backend.cli import bar, console, with_store
from backend.consume.commands import register as register_consume
from backend.customers import commands as customers
from backend.event_log import commands as event_log
from backend.imports import commands as imports
from backend.privacy import commands as privacy
from backend.reconcile import commands as reconcile
from backend.refresh import Refreshed, refresh
from backend.release import commands as release
from backend.release import trial_commands as trial
from backend.restricted import Strip
from backend.settings import Settings
from edge.changes import put_changes
from edge.core.errors import EndcapError
from edge.core.keys import load_key
from edge.core.products import Change, Product
from edge.core.switches import SURFACES, Surface, Switches, read_switches, write_switches
from edge.profiles import STORE_FAILURES
from training.dataset import open_dataset

app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)
admin.register(app)
event_log.register(app)
bundle_store.register(app)
imports.register(app)
reconcile.register(app)
customers.register(app)
keys.register(app)
release.register(app)
trial.register(app)
register_consume(app)
privacy.register(app)


@app.command("refresh")
def refresh_command() -> None:
    """Replay the shop's history and write every shopper's profile."""
    settings = Settings()
    dataset = open_dataset(settings.dataset_dir)
    key = load_key(settings.data_dir, settings.pseudonym_key)
    with bar() as progress:
        task = progress.add_task("writing profiles", total=dataset.summary.shoppers)

        async def job(redis: "Redis") -> Refreshed:
            strip = Strip(redis, settings)
            await strip.refresh()
            return await refresh(redis, dataset, settings.shop, key, lambda n: progress.advance(task, n), strip)

        done = with_store(settings, job)
    console.print(str(done))


@app.command("product")
def product_command(
    product_id: Annotated[str, typer.Argument(help="the product that changed")],
    price: Annotated[float | None, typer.Option(min=0, help="new price")] = None,
    compare_at: Annotated[float | None, typer.Option(min=0, help="price before the reduction, with --price")] = None,
    available: Annotated[bool | None, typer.Option("--available/--sold-out", help="stock")] = None,
) -> None:
    """Change a product's price or stock; every edge shows it within a second."""
    if price is None and available is None:
        raise typer.BadParameter("nothing to change; give --price, --available or --sold-out")
    settings = Settings()
    change = Change(product_id, time.time(), price=price, compare_at_price=compare_at, available=available)
    with_store(settings, lambda redis: put_changes(redis, settings.shop, [change]))
    console.print(f"{product_id} changed")


@app.command("listing")
def listing_command(
    product_id: Annotated[str, typer.Argument(help="the new product")],
    title: Annotated[str, typer.Option(help="its name")],
    price: Annotated[float, typer.Option(min=0, help="its price")],
    category: Annotated[str, typer.Option(help="its path, wide to narrow: 'Drinks > Tea > Green Tea'")] = "",
    brand: Annotated[str, typer.Option(help="its brand")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the price")] = "USD",
    handle: Annotated[str, typer.Option(help="its name in addresses")] = "",
    url: Annotated[str, typer.Option(help="its page")] = "",
    image: Annotated[str | None, typer.Option(help="its picture's address")] = None,
) -> None:
    """List a new product, or give one a new card; shelves may show it within a second, without training."""
    fields = {"id": product_id, "title": title, "price": price, "category": category, "brand": brand}
    fields |= {"currency": currency, "handle": handle, "url": url, "image": image, "listed": int(time.time() // 86_400)}
    try:
        product = msgspec.convert(fields, Product)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{error}; see docs/data-format.md") from error
    settings = Settings()
    change = Change(product.id, time.time(), product=product)
    with_store(settings, lambda redis: put_changes(redis, settings.shop, [change]))
    console.print(f"{product.id} listed")


@app.command("switch")
def switch_command(
    off: Annotated[list[str] | None, typer.Option(help=f"surface to switch off: {', '.join(SURFACES)}")] = None,
    on: Annotated[list[str] | None, typer.Option(help="surface to switch on again")] = None,
    percent: Annotated[int | None, typer.Option(min=0, max=100, help="share of shoppers to serve")] = None,
) -> None:
    """Switch surfaces to the popular answer, or set the share of shoppers served. Without options: show both."""
    settings = Settings()
    switches = read_switches(settings.bundles_dir, settings.shop)
    for name in (*(off or ()), *(on or ())):
        if name not in SURFACES:
            raise typer.BadParameter(f"{name!r} is no surface; surfaces are {', '.join(SURFACES)}")
    gone: tuple[Surface, ...] = tuple(s for s in SURFACES if s in {*switches.off, *(off or ())} - set(on or ()))
    switches = Switches(off=gone, serve_percent=switches.serve_percent if percent is None else percent)
    if off or on or percent is not None:
        write_switches(settings.bundles_dir, settings.shop, switches)
    console.print(f"off: {', '.join(switches.off) or 'none'}; shoppers served: {switches.serve_percent} %")


def main() -> int:
    """Run a command; errors of ours are one plain line, not a traceback."""
    try:
        app()
    except (EndcapError, ValueError, *STORE_FAILURES) as error:
        if isinstance(error, ValidationError):
            error = ValueError("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
        print(f"endcap: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
