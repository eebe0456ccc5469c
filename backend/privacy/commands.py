"""`python -m backend erase`, `export-customer`, `unlink`, `retention`, `rotate-key`, `tasks`."""

import asyncio
import logging
import secrets
import signal
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from redis.asyncio import Redis

from backend import audit
from backend.cli import console, with_store
from backend.identity.merge import unlink
from backend.privacy.erase import erase, erase_shop, wash
from backend.privacy.export import export
from backend.privacy.retention import retain
from backend.settings import Settings
from backend.task_table import task_worker
from edge.core import keys, tasks
from edge.core.errors import EndcapError
from edge.core.keys import ShopperKind, load_keys, pseudonym

_Id = Annotated[list[str] | None, typer.Option(help="raw id as the shop knows it; may be given several times")]


class RequestError(EndcapError):
    """What was asked for names nobody, or cannot be read."""


def register(app: typer.Typer) -> None:
    """Add the commands to the backend's."""
    for name, command in (
        ("erase", erase_command), ("erase-shop", erase_shop_command), ("export-customer", export_command),
        ("unlink", unlink_command), ("retention", retention_command), ("rotate-key", rotate_key_command),
        ("tasks", tasks_command),
    ):  # fmt: skip
        app.command(name)(command)


def _names(settings: Settings, **ids: list[str] | None) -> list[str]:
    """The pseudonyms of raw ids, under every key that is kept."""
    kinds: dict[str, ShopperKind] = {"customer": "customer", "visitor": "visitor", "email": "email", "phone": "phone"}
    secrets_kept = load_keys(settings.data_dir, settings.pseudonym_key)
    return [
        pseudonym(key, settings.shop, kinds[kind], id_)
        for key in secrets_kept
        for kind, given in ids.items()
        for id_ in given or ()
    ]


def erase_command(
    customer: _Id = None,
    visitor: _Id = None,
    order: _Id = None,
    request: Annotated[Path | None, typer.Option(help="an Erase task as JSON, in pseudonyms")] = None,
) -> None:
    """Forget a person everywhere; what comes later under their names is refused."""
    settings = Settings()
    names, orders, reason = _names(settings, customer=customer, visitor=visitor), list(order or ()), "command"
    if request is not None:
        task = tasks.decode_task(request.read_bytes())
        if not isinstance(task, tasks.Erase):
            raise RequestError(f"{request} holds a task {type(task).__name__}, not Erase")
        names, orders, reason = [*names, *task.shoppers], [*orders, *task.orders], task.reason
    if not names and not orders:
        raise RequestError("nobody is named; give --customer, --visitor, --order or --request")

    async def job(redis: "Redis") -> dict[str, int]:
        counts = await erase(redis, settings, names, orders, reason=reason, actor="command")
        await wash(redis, settings, actor="command")
        return counts

    _say(with_store(settings, job))


def erase_shop_command(
    yes: Annotated[bool, typer.Option("--yes", help="without this nothing is done")] = False,
) -> None:
    """Forget all shoppers of the shop. Bundles and catalogue stay."""
    settings = Settings()
    if not yes:
        raise RequestError(f"this forgets every shopper of shop {settings.shop!r}; say --yes")

    async def job(redis: "Redis") -> dict[str, int]:
        counts = await erase_shop(redis, settings, actor="command")
        await wash(redis, settings, actor="command")
        return counts

    _say(with_store(settings, job))


def export_command(
    customer: _Id = None,
    visitor: _Id = None,
    request: Annotated[str | None, typer.Option(help="name of the request; unset: one is made up")] = None,
) -> None:
    """Write all that is kept of a person into a file for the shop to hand over."""
    settings = Settings()
    names = _names(settings, customer=customer, visitor=visitor)
    if not names:
        raise RequestError("nobody is named; give --customer or --visitor")

    async def job(redis: "Redis") -> Path:
        return await export(redis, settings, request or secrets.token_hex(8), names, actor="command")

    console.print(str(with_store(settings, job)), soft_wrap=True)


def unlink_command(
    visitor: Annotated[str, typer.Option(help="raw id of the visitor")],
    customer: Annotated[str, typer.Option(help="raw id of the customer")],
) -> None:
    """Take a visitor's history out of a customer's profile again; the two are never merged again by themselves."""
    settings = Settings()

    async def job(redis: "Redis") -> bool:
        done = [
            await unlink(redis, settings.shop, theirs, whose)
            for theirs in _names(settings, visitor=[visitor])
            for whose in _names(settings, customer=[customer])
        ]
        return any(done)

    parted = with_store(settings, job)
    audit.append(settings.data_dir, settings.shop, "unlink", "command", "done" if parted else "fail")
    console.print("parted" if parted else "they were not linked")


def retention_command() -> None:
    """Let go what is older than agreed: days of the event log, exports, dead letters. Run it daily."""
    settings = Settings()
    _say(with_store(settings, lambda redis: retain(redis, settings, actor="command")))


def rotate_key_command(
    drop: Annotated[bool, typer.Option("--drop", help="forget the former keys instead")] = False,
) -> None:
    """Put a new pseudonym key before the former one; shoppers move to their new names as their events come."""
    settings = Settings()
    if settings.pseudonym_key is not None:
        raise RequestError("the key stands in ENDCAP_PSEUDONYM_KEY; put the new one before it there, with a comma")
    kept = keys.drop_former_keys(settings.data_dir) if drop else keys.rotate_key(settings.data_dir)
    action = "drop-key" if drop else "rotate-key"
    audit.append(settings.data_dir, settings.shop, action, "command", "done", keys=[key.id for key in kept])
    console.print(f"keys now, newest first: {', '.join(key.id for key in kept)}; start edge and backend again")
    if drop:
        console.print("what no event has moved to a new name is not found any more and ends by its TTL")


def tasks_command(
    once: Annotated[bool, typer.Option("--once", help="do what stands there now, then end")] = False,
) -> None:
    """Do the shop's tasks (erase, export, part, fetch), until SIGTERM; the one under way is finished first."""
    settings = Settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def job(redis: "Redis") -> int:
        worker = task_worker(redis, settings)
        if once:
            return await worker.once()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await worker.run(stop)
        return 0

    console.print(f"{with_store(settings, job)} tasks done")


def _say(counts: dict[str, int]) -> None:
    console.print(msgspec.json.encode(counts).decode(), soft_wrap=True)
