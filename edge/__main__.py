"""`python -m edge`: brings the store if none is named, starts the workers, and sees both to their end.

With `--workers 0` it starts nothing: this process serves, and whoever started it replaces it when it dies.
"""

import logging
import os
import signal
import socket
import sys
import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext

import uvicorn
from pydantic import ValidationError
from pydantic_settings import CliApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from edge.core.keys import KEY_FILE, load_key
from edge.core.signature import bundle_keys
from edge.doors import is_loopback
from edge.errors import EndcapError
from edge.protocol import GuardedProtocol
from edge.settings import Settings
from edge.webhooks.config import shopper_secrets, webhook_config, worker_secrets

_GRACE_S = 10  # for a caller who has sent half a request and then nothing
_START_S = 60  # for a new worker on a busy machine to stand ready, in a rolling restart


def main() -> int:
    """Run until SIGINT or SIGTERM. Returns the exit status: 2 for settings or surroundings that cannot work."""
    try:
        settings = CliApp.run(Settings)
    except ValidationError as error:
        return _complain("\n".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
    if refusal := _refusal(settings):
        return _complain(refusal)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        webhook_config(settings)
        worker_secrets(settings)
        shopper_secrets(settings)
        bundle_keys(settings.bundle_keys)
        load_key(settings.data_dir, settings.pseudonym_key)  # before anything is started with one that is none
        return _serve(settings)
    except (EndcapError, ValueError) as error:
        return _complain(str(error))


def _refusal(settings: Settings) -> str | None:
    """Why these settings cannot work together; None if they can."""
    if settings.demo and not is_loopback(settings.host):
        return (
            f"demo mode needs no keys, so it listens on loopback only, not on {settings.host}; "
            "set ENDCAP_DEMO=0 to ask callers for signatures and keys"
        )
    if not (settings.demo or settings.pseudonym_key or (settings.data_dir / KEY_FILE).exists()):
        return (
            f"no pseudonym key: outside demo mode none is made, as every instance would make another; set "
            f"ENDCAP_PSEUDONYM_KEY to what is in the backend's {KEY_FILE} (a new shop: `openssl rand -hex 32`)"
        )
    if settings.workers == 0 and not settings.redis_url:
        return (
            "without workers there is no embedded store, which must outlive the server; set REDIS_URL, or --workers 1"
        )
    return None


def _serve(settings: Settings) -> int:
    with ExitStack() as stack:
        try:
            listener = _listen(settings.host, settings.port)
        except OSError as error:
            remedy = "stop what uses it, or choose another with --port or ENDCAP_PORT"
            return _complain(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; {remedy}")
        stack.enter_context(listener)
        os.environ |= _as_environment(settings) | {"REDIS_URL": stack.enter_context(_store(settings))}
        config = uvicorn.Config(
            "edge.app:create_app",
            factory=True,
            workers=settings.workers,
            loop="uvloop",
            http=GuardedProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            lifespan="on",
            # The address of a caller counts in demo mode alone, where a proxy on this machine must not make strangers
            # local. So X-Forwarded-For can only shut a caller out, and FORWARDED_ALLOW_IPS has no say.
            proxy_headers=settings.demo,
            forwarded_allow_ips=["127.0.0.1", "::1"],
            timeout_graceful_shutdown=_GRACE_S,
        )
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"Endcap serves shop {settings.shop!r} on http://{host}:{listener.getsockname()[1]}", flush=True)
        if settings.workers == 0:
            return _serve_here(config, listener)
        metrics_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="endcap-metrics-"))
        os.environ |= {"PROMETHEUS_MULTIPROC_DIR": metrics_dir, "ENDCAP_LAUNCHER": str(os.getpid())}
        # Under the supervisor also with one worker: the store belongs to this process, never to a worker.
        supervisor = Supervisor(config, sockets=[listener])
        supervisor.run()
        failed = any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes)
    return _complain("the workers could not start; the reason stands above") if failed else 0


def _serve_here(config: uvicorn.Config, listener: socket.socket) -> int:
    # uvicorn raises the signal that ended it once more, for whoever handled it before; that is no failure of ours.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except SystemExit as end:
        if end.code == STARTUP_FAILURE:
            return _complain("the server could not start; the reason stands above")
        raise
    return 0


def _store(settings: Settings) -> AbstractContextManager[str]:
    if settings.redis_url:
        return nullcontext(settings.redis_url)
    from edge.embedded import store_url  # here, as most of what it takes to load is of no use beside a store elsewhere

    return store_url(None, settings.data_dir / "store")


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which lets go of the port before the workers do.

    Else its copy of the socket would go on taking connections that nobody will ever answer.
    """

    def terminate_all(self) -> None:
        """Tell the workers to go."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def restart_all(self) -> None:
        """Replace the workers one by one; uvicorn's limit for a health check is too short for reading a large model."""
        usual, self.config.timeout_worker_healthcheck = self.config.timeout_worker_healthcheck, _START_S
        try:
            super().restart_all()
        finally:
            self.config.timeout_worker_healthcheck = usual


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as environment: workers are new interpreters and did not see this command line."""
    values = settings.model_dump(mode="json", exclude={"redis_url"}, exclude_none=True)
    return {f"ENDCAP_{name.upper()}": str(value) for name, value in values.items()}


def _complain(message: str) -> int:
    print(f"endcap: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
