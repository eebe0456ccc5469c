"""The command `facts`: what is known of customers.

In: arguments and settings. Out: facts in the store, and a line about them.
"""

from typing import Annotated

import typer
from redis.asyncio import Redis

from backend.cli import bar, console, with_store
from backend.customers.facts import Written, compute, write
from backend.settings import Settings
from edge.core.keys import load_key
from training.dataset import open_dataset


def register(app: typer.Typer) -> None:
    """Add the command to the backend's."""
    app.command("facts")(facts_command)


def facts_command(
    restricted: Annotated[
        list[str] | None, typer.Option(help="a further category that no fact may stand on; may be repeated")
    ] = None,
) -> None:
    """Compute what the history tells of every customer, and write it for the edge to read."""
    settings = Settings()
    dataset = open_dataset(settings.dataset_dir)
    key = load_key(settings.data_dir, settings.pseudonym_key)
    # Here, because no other command should wait for what fits models.
    from training.customers import store as models

    root = settings.data_dir / "customers"
    fitted = models.read(root, settings.shop) if (root / settings.shop / "live.json").exists() else None
    if fitted is None:
        console.print("no models of customers yet, so no forecasts; fit them with `python -m training customers`")
    with bar() as progress:
        counting = progress.add_task("computing facts", total=1)
        named = (*settings.restricted_categories.split(","), *(restricted or ()))
        found = compute(dataset, fitted, settings.shop, key, named)
        progress.advance(counting)
        task = progress.add_task("writing facts", total=len(found))

        async def job(redis: "Redis") -> Written:
            return await write(redis, found, lambda n: progress.advance(task, n))

        done = with_store(settings, job)
    console.print(str(done))
