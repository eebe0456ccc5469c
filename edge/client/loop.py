"""An event loop in a thread of its own, for callers that have none.

In: coroutines from any thread. Out: their results, in that thread; CancelledError where the loop was closed meanwhile.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

_T = TypeVar("_T")


class BackgroundLoop:
    """Runs from its making until `close`. The thread is a daemon: a caller that forgets to close can still end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endcap-client", daemon=True)
        self._lock = threading.Lock()  # nothing is handed over after the end, where nobody would do it
        self._closed = False
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Wait for the result, or raise what the work raised. Raises CancelledError when the loop is closed."""
        with self._lock:
            if self._closed:
                work.close()
                raise CancelledError
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # nothing where it is done; Ctrl-C in the caller ends the work, too

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """End what is under way, do the last work, end the thread."""
        with self._lock:
            self._closed = True
            future = asyncio.run_coroutine_threadsafe(_end(last), self._loop)
        future.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _end(last: Coroutine[Any, Any, None]) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await last
