"""Which function does which of the tasks about persons; what they say names nobody."""

from collections.abc import Awaitable, Callable

from backend import audit
from backend.identity.merge import unlink
from backend.privacy.erase import erase, erase_shop, wash
from backend.privacy.export import export
from backend.privacy.withdraw import withdraw
from backend.tasks import Context, Handler
from edge.core import tasks


async def _erase(context: Context, task: tasks.Erase) -> str:
    counts = await erase(context.redis, context.settings, task.shoppers, task.orders, reason=task.reason)
    return ", ".join(f"{what} {number}" for what, number in counts.items())


async def _erase_shop(context: Context, task: tasks.EraseShop) -> str:
    counts = await erase_shop(context.redis, context.settings)
    return ", ".join(f"{what} {number}" for what, number in counts.items())


async def _withdraw(context: Context, task: tasks.Withdraw) -> str:
    counts = await withdraw(context.redis, context.settings, task.shoppers, task.granted)
    return ", ".join(f"{what} {number}" for what, number in counts.items())


async def _export(context: Context, task: tasks.Export) -> str:
    return f"{(await export(context.redis, context.settings, task.id, task.shoppers)).name} written"


async def _unlink(context: Context, task: tasks.Unlink) -> str:
    parted = await unlink(context.redis, context.shop, task.visitor, task.customer)
    audit.append(context.settings.data_dir, context.shop, "unlink", "worker", "done" if parted else "fail")
    return "parted" if parted else "they were not linked"


async def _wash(context: Context) -> None:
    await wash(context.redis, context.settings)


AFTERWARDS: dict[type[tasks.Task], Callable[[Context], Awaitable[None]]] = {tasks.Erase: _wash, tasks.EraseShop: _wash}
HANDLERS: dict[type[tasks.Task], Handler] = {
    tasks.Withdraw: _withdraw,
    tasks.Erase: _erase,
    tasks.EraseShop: _erase_shop,
    tasks.Export: _export,
    tasks.Unlink: _unlink,
}
