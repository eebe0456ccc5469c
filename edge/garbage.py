"""When Python looks for cycles of garbage: between requests, and over what is young.

A full collection walks every object there is and stops all requests meanwhile. By default it comes when enough objects
have been made, so it comes while requests are at work, and the more of them, the sooner. Requests leave hardly a cycle
behind; almost all they make goes when its last reference does. So the full one waits for a quiet moment, and what lives
as long as the process (models, catalogue) is taken out of it by `gc.freeze` where it is loaded.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_YOUNG = 20_000  # objects made and not yet gone before the young are looked over: some ten answers' worth, not one's
_NEVER = 1_000_000
_EVERY_S = 60.0
_PATIENCE_S = 5.0  # for a quiet moment; on a server that has none, it must be done all the same
_LOOK_S = 0.01


@contextmanager
def on_demand() -> Iterator[None]:
    """Leave full collections to `run`; the young are looked over as ever, only seldomer."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, 20, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def run(at_work: Callable[[], int], every_s: float = _EVERY_S, patience_s: float = _PATIENCE_S) -> None:
    """Collect everything now and then, for ever, when nothing is at work or `patience_s` have passed."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(every_s)
        ends = loop.time() + patience_s
        while at_work() and loop.time() < ends:  # noqa: ASYNC110 -- requests need not announce their end to this
            await asyncio.sleep(_LOOK_S)
        gc.collect()
