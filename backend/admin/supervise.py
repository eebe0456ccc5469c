"""Keeps a service's process running: started again after a pause when it ends, ended when it falls silent.

In: the name of a service. Out: a running child process and `Health`, which says how it is. The child dies with this
process, however that goes (see edge.drain).
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import multiprocess

logger = logging.getLogger("endcap.backend")

_FIRST_S, _MOST_S, _HEALTHY_S = 0.5, 30.0, 30.0
_LINE_LIMIT = 1 << 20
_LAST_WORDS_S = 5.0


@dataclass
class Health:
    """How a service is. `error` is the last failure, also after a restart; `since` in unix seconds."""

    name: str
    state: Literal["starting", "running", "waiting", "off", "stopped"] = "starting"
    pid: int | None = None
    since: float = 0.0
    restarts: int = 0
    error: str | None = None
    detail: dict[str, object] = field(default_factory=dict)


class Supervisor:
    """One service and the process it runs in."""

    def __init__(
        self,
        name: str,
        *,
        silent_s: float,
        grace_s: float,
        environment: Mapping[str, str],
        first_pause_s: float = _FIRST_S,
        command: Sequence[str] | None = None,
    ) -> None:
        self.health = Health(name)
        self._off = False  # the settings leave it out
        self._command = command or (sys.executable, "-m", "backend", "service", name)
        self._silent_s, self._grace_s, self._first_pause_s = silent_s, grace_s, first_pause_s
        self._environment = {**os.environ, **environment, "ENDCAP_LAUNCHER": str(os.getpid())}

    async def run(self, stop: asyncio.Event) -> None:
        """Keep it running until `stop` is set; then end it in order."""
        pause = self._first_pause_s
        while not stop.is_set():
            began = time.monotonic()
            self.health.state, self.health.since = "starting", time.time()
            fault = await self._live_once(stop)
            self.health.pid = None
            if stop.is_set() or self._off:
                break
            self.health.state, self.health.error = "waiting", fault
            self.health.restarts += 1
            pause = self._first_pause_s if time.monotonic() - began >= _HEALTHY_S else pause
            logger.warning("service %s: %s; again in %.1f s", self.health.name, fault, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, _MOST_S)
        self.health.state = "off" if self._off else "stopped"

    async def _live_once(self, stop: asyncio.Event) -> str:
        """One life of the process; why it ended."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
                limit=_LINE_LIMIT,
                start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others in order
            )
        except OSError as error:
            return f"it could not be started: {error}"
        self.health.pid = process.pid
        listening = asyncio.create_task(self._listen(process))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            told = listening.result() if listening.done() else None
            if listening.done() and told is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _LAST_WORDS_S)  # its own status tells more than our signal's
        finally:
            stopping.cancel()
            status = await end(process, self._grace_s)
            listening.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)
            if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
                multiprocess.mark_process_dead(process.pid)  # type: ignore[no-untyped-call]  # because prometheus-client leaves it untyped
        return told or (f"ended by signal {-status}" if status < 0 else f"ended with status {status}")

    async def _listen(self, process: asyncio.subprocess.Process) -> str | None:
        """Take in what the child says until it says no more; what it failed of."""
        told: str | None = None
        while process.stdout is not None:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), self._silent_s)
            except TimeoutError:
                return f"silent for {self._silent_s:g} s"
            if not line:
                return told
            try:
                said = json.loads(line)
            except ValueError:
                return f"it says what nobody understands: {line[:100]!r}"
            if "status" in said:
                self.health.state, self.health.detail = "running", said["status"]
            elif "off" in said:
                self._off, self.health.detail = True, {"why": said["off"]}
            else:
                told = str(said.get("error"))
        return told


async def end(process: asyncio.subprocess.Process, grace_s: float) -> int:
    """End a process in order: SIGTERM, and SIGKILL when it takes too long. Returns its status."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            logger.warning("process %d did not end within %g s of SIGTERM and is killed", process.pid, grace_s)
            with suppress(ProcessLookupError):
                process.kill()
    return await process.wait()
