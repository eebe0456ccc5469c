"""`python -m edge`: brings the store if none is named, starts the workers, and sees both to their end."""

import logging
import os
import socket
import sys
import tempfile
from contextlib import ExitStack

import uvicorn
from pydantic import ValidationError
from pydantic_settings import CliApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from edge.core.keys import load_key
from edge.embedded import store_url
from edge.errors import EndcapError
from edge.identify import is_loopback
from edge.settings import Settings
from edge.webhooks.config import webhook_config, worker_secrets

_GRACE_S = 10  # for a caller who has sent half a request and then nothing


def main() -> int:
    """Run until SIGINT or SIGTERM. Returns the exit status: 2 for settings or surroundings that cannot work."""
    try:
        settings = CliApp.run(Settings)
    except ValidationError as error:
        return _complain("\n".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
    if settings.demo and not is_loopback(settings.host):
        return _complain(
            f"demo mode needs no keys, so it listens on loopback only, not on {settings.host}; set ENDCAP_DEMO=0"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        webhook_config(settings)
        worker_secrets(settings)
        load_key(settings.data_dir, settings.pseudonym_key)  # before anything is started with one that is none
        return _serve(settings)
    except (EndcapError, ValueError) as error:
        return _complain(str(error))


def _serve(settings: Settings) -> int:
    with ExitStack() as stack:
        try:
            listener = _listen(settings.host, settings.port)
        except OSError as error:
            remedy = "stop what uses it, or choose another with --port or ENDCAP_PORT"
            return _complain(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; {remedy}")
        stack.enter_context(listener)
        url = stack.enter_context(store_url(settings.redis_url, settings.data_dir / "store"))
        metrics_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="endcap-metrics-"))
        os.environ |= _for_workers(settings) | {"REDIS_URL": url, "PROMETHEUS_MULTIPROC_DIR": metrics_dir}
        config = uvicorn.Config(
            "edge.app:create_app",
            factory=True,
            workers=settings.workers,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_level="warning",
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_S,
        )
        port = listener.getsockname()[1]
        print(f"Endcap serves shop {settings.shop!r} on http://{settings.host}:{port}", flush=True)
        # Always under the supervisor, also with one worker: the store belongs to this process, never to a worker.
        supervisor = Supervisor(config, sockets=[listener])
        supervisor.run()
        failed = any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes)
    return _complain("the workers could not start; the reason stands above") if failed else 0


class Supervisor(Multiprocess):
    """uvicorn's supervisor, which lets go of the port before the workers do.

    Else its copy of the socket would go on taking connections that nobody will ever answer.
    """

    def terminate_all(self) -> None:
        """Tell the workers to go."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


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


def _for_workers(settings: Settings) -> dict[str, str]:
    """The settings as environment: workers are new interpreters and did not see this command line."""
    values = settings.model_dump(mode="json", exclude={"redis_url"}, exclude_none=True)
    return {f"ENDCAP_{name.upper()}": str(value) for name, value in values.items()} | {
        "ENDCAP_LAUNCHER": str(os.getpid())
    }


def _complain(message: str) -> int:
    print(f"endcap: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
