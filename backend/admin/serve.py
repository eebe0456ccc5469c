"""The backend app as a process: the store if none is named, the services, the scheduler, the API; all ended in order.

In: the settings. Out: an exit status. On SIGTERM or SIGINT the API stops taking requests, the jobs at work and then the
services are ended, and the store last. A launcher named in ENDCAP_LAUNCHER that dies takes this process along.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator

import uvicorn

from backend.admin.app import create_app
from backend.admin.jobs import for_children
from backend.admin.scheduler import Scheduler
from backend.admin.services import SERVICES
from backend.admin.state import Backend, assemble
from backend.admin.supervise import Supervisor
from backend.settings import Settings
from edge.core.access import read_keys
from edge.core.errors import EndcapError
from edge.embedded import store_url
from edge.profiles import connect

logger = logging.getLogger("endcap.backend")

_METRICS, _OURS = "PROMETHEUS_MULTIPROC_DIR", "ENDCAP_METRICS_OURS"
_GRACE_S = 5
_CONNECTIONS = 16


class ServeError(EndcapError):
    """The app cannot run here."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: who ends when is decided here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def serve(settings: Settings) -> int:
    """Run the app until SIGTERM or SIGINT. Raises ServeError, StoreError."""
    _with_shared_metrics()
    try:
        listener = _listen(settings.admin_host, settings.admin_port)
    except OSError as error:
        where = f"{settings.admin_host}:{settings.admin_port}"
        raise ServeError(
            f"cannot listen on {where}: {error.strerror}; choose another with ENDCAP_ADMIN_PORT"
        ) from error
    try:
        with listener, store_url(settings.redis_url, settings.data_dir / "store") as url:
            port = listener.getsockname()[1]
            print(f"Endcap backend of shop {settings.shop!r} on http://{settings.admin_host}:{port}", flush=True)
            if not any(key.shop == settings.shop for key in read_keys(settings.data_dir)):
                print("no secret key opens it yet; `python -m backend key` makes one", flush=True)
            asyncio.run(_run(settings.model_copy(update={"redis_url": url}), listener))
    finally:
        if _OURS in os.environ:
            shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
    return 0


async def _run(settings: Settings, listener: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redis = connect(str(settings.redis_url), timeout_s=settings.store_timeout_s, connections=_CONNECTIONS)
    supervisors = [
        Supervisor(
            name,
            silent_s=settings.service_silent_s,
            grace_s=settings.service_grace_s,
            environment=for_children(settings),
        )
        for name in SERVICES
    ]
    backend = assemble(settings, redis, supervisors, Scheduler(settings, redis))
    server = Server(
        uvicorn.Config(
            create_app(backend),
            http="httptools",
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    try:
        await _together(backend, server, listener, stop)
    finally:
        await redis.aclose()


async def _together(backend: Backend, server: Server, listener: socket.socket, stop: asyncio.Event) -> None:
    """Run all parts until `stop` is set or one of them, which none should, ends; then end them in order."""
    services_stop, jobs_stop = asyncio.Event(), asyncio.Event()
    services = [asyncio.create_task(one.run(services_stop)) for one in backend.supervisors]
    jobs = asyncio.create_task(backend.scheduler.run(jobs_stop))
    watching = asyncio.create_task(backend.watch(stop))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, serving, jobs}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        logger.info("ending")
        stop.set()
        server.should_exit = True
        await asyncio.gather(serving, watching, stopping, return_exceptions=True)
        jobs_stop.set()
        ended = await asyncio.gather(jobs, return_exceptions=True)
        services_stop.set()
        for fault in (*ended, *await asyncio.gather(*services, return_exceptions=True)):
            if isinstance(fault, BaseException):
                logger.error("a part of the backend failed", exc_info=fault)
        logger.info("ended")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _with_shared_metrics() -> None:
    """Begin this program anew with a directory in which its processes share their metrics.

    The library decides when it is first imported, which it was long before this is asked for.
    """
    if _METRICS in os.environ:
        return
    os.environ[_METRICS] = tempfile.mkdtemp(prefix="endcap-metrics-")
    os.environ[_OURS] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "backend", "serve"])  # noqa: S606 -- this very program
