"""The commands `facts` and `key`: what is known of customers, and who may ask for it.

In: arguments and settings. Out: facts in the store, keys in the data directory, and a line about each.
"""

from typing import Annotated

import typer
from redis.asyncio import Redis

from backend.cli import bar, console, with_store
from backend.customers.facts import Written, compute, write
from backend.settings import Settings
from edge.core.access import make_key, read_keys, remove_key
from edge.core.keys import load_key
from training.dataset import open_dataset


def register(app: typer.Typer) -> None:
    """Add the commands to the backend's."""
    app.command("facts")(facts_command)
    app.command("key")(key_command)


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


def key_command(
    remove: Annotated[str | None, typer.Option(help="take this key out of force, by its id")] = None,
    list_: Annotated[bool, typer.Option("--list", help="show the keys in force by their ids")] = False,
) -> None:
    """Make a secret key of the shop, for servers that read customers' facts or run the backend. It is shown once."""
    settings = Settings()
    if remove is not None:
        if not remove_key(settings.data_dir, remove):
            raise ValueError(f"there is no key {remove!r}; `python -m backend key --list` shows those in force")
        console.print(f"key {remove} is out of force within a second")
    elif not list_:
        print(make_key(settings.data_dir, settings.shop))  # nothing but the key, so that a script can take it
        console.print(f"key {read_keys(settings.data_dir)[-1].id} of shop {settings.shop!r}; it is not shown again")
    if list_:
        for kept in read_keys(settings.data_dir):
            console.print(f"{kept.id}  {kept.shop}  made {kept.created}", highlight=False)
