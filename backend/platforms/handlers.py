"""Which function does which of the tasks about platforms."""

from backend.platforms.fetch import handle_fetch, handle_uninstalled
from backend.tasks import Context, Handler
from edge.core import tasks


async def _fetch(context: Context, task: tasks.Fetch) -> str:
    await handle_fetch(task, context.redis, context.settings)
    return f"{task.platform} {task.kind} taken in"


async def _uninstalled(context: Context, task: tasks.Uninstalled) -> str:
    await handle_uninstalled(task, context.redis, context.settings)
    return f"no more calls to {task.platform}"


HANDLERS: dict[type[tasks.Task], Handler] = {tasks.Fetch: _fetch, tasks.Uninstalled: _uninstalled}
