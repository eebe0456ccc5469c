"""The commands `key` and `token`: what opens the shop, and the word of its server on who is logged in.

In: arguments and settings. Out: keys in the data directory, as digests, and what happened on the console.
"""

import time
from typing import Annotated

import typer

from backend.cli import console
from backend.settings import Settings
from edge.core.access import PREFIX, PUBLISHABLE, Key, make_key, read_keys, remove_key, rotate_key
from edge.core.shopper_token import LONGEST_S, make_token


def register(app: typer.Typer) -> None:
    """Add the commands to the backend's."""
    app.command("key")(key_command)
    app.command("token")(token_command)


def key_command(
    origin: Annotated[
        list[str] | None, typer.Option(help="make a publishable key, for pages of this origin; may be repeated")
    ] = None,
    rotate: Annotated[str | None, typer.Option(help="make the successor of this key, which stays in force")] = None,
    remove: Annotated[str | None, typer.Option(help="take this key out of force, by its id")] = None,
    list_: Annotated[bool, typer.Option("--list", help="show the keys in force by their ids")] = False,
) -> None:
    """Make a key of the shop: secret, for servers, or with --origin publishable, for pages. It is shown once."""
    settings = Settings()
    data_dir = settings.data_dir
    if sum((bool(origin), rotate is not None, remove is not None)) > 1:
        raise typer.BadParameter("one thing at a time: --origin, --rotate or --remove")
    if remove is not None:
        if not remove_key(data_dir, remove):
            raise ValueError(f"there is no key {remove!r}; `python -m backend key --list` shows those in force")
        console.print(f"key {remove} is out of force within a second")
    elif rotate is not None:
        _show(settings, rotate_key(data_dir, rotate))
        console.print(f"remove {rotate} once nobody shows it any more", highlight=False)
    elif not list_:
        _show(settings, make_key(data_dir, settings.shop, origin or ()))
    if list_:
        for prefix in (PREFIX, PUBLISHABLE):
            for kept in read_keys(data_dir, prefix):
                console.print(_line(prefix, kept), highlight=False, soft_wrap=True)


def token_command(
    customer_id: Annotated[str, typer.Argument(help="who is logged in")],
    minutes: Annotated[float, typer.Option(min=0.1, max=LONGEST_S / 60, help="how long it lasts")] = 60.0,
) -> None:
    """Make a shopper's token, as the shop's server would, with the first of ENDCAP_SHOPPER_SECRETS."""
    settings = Settings()
    listed = settings.shopper_secrets.get_secret_value() if settings.shopper_secrets else ""
    secret = listed.partition(",")[0].strip()
    print(make_token(secret.encode(), settings.shop, customer_id, int(time.time() + 60 * minutes)))


def _show(settings: Settings, key: str) -> None:
    print(key)  # nothing but the key, so that a script can take it
    made = read_keys(settings.data_dir, key[: len(PREFIX)])[-1]
    console.print(f"key {made.id} of shop {made.shop!r}; it is not shown again")


def _line(prefix: str, key: Key) -> str:
    words = [key.id, f"{prefix}...", key.shop, f"made {key.created}"]
    words += [f"for {', '.join(key.origins)}"] if key.origins else []
    words += [f"in place of {key.replaces}"] if key.replaces else []
    return "  ".join(words)
