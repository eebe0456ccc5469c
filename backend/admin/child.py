"""A service's own process: `python -m backend service NAME`.

In: the name of a service. Out: JSON lines on standard output, one a second: how the service is, why it is off, or what
it failed of. The supervisor reads them; whatever else is printed goes to standard error.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable

from redis.asyncio import Redis

from backend.admin.services import Off, Service, make
from backend.settings import Settings

logger = logging.getLogger("endcap.service")

_EVERY_S = 1.0
_Say = Callable[[dict[str, object]], None]


async def run_service(name: str, settings: Settings, redis: "Redis") -> int:
    """Run one service until SIGTERM; returns the exit status, 1 when it failed."""
    say = _speaker()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = await make(name, settings, redis)
    if isinstance(service, Off):
        say({"off": service.why})
        return 0
    beat = asyncio.create_task(_beat(service, say))
    try:
        await service.run(stop)
    except Exception as error:  # whatever it is, the supervisor must hear of it; a new process begins afresh
        logger.exception("service %s failed", name)
        say({"error": f"{type(error).__name__}: {error}"[:500]})
        return 1
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
    if not stop.is_set():
        say({"error": "it ended by itself"})
        return 1
    return 0


async def _beat(service: Service, say: _Say) -> None:
    while True:
        say({"status": dict(service.status())})
        await asyncio.sleep(_EVERY_S)


def _speaker() -> _Say:
    """A function that writes one JSON line to what standard output was; prints go to standard error from now on."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(what: dict[str, object]) -> None:
        channel.write(json.dumps(what) + "\n")
        channel.flush()

    return say
