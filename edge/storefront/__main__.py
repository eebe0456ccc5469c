"""`python -m edge.storefront`: the demo shop, on loopback, in front of an edge."""

import argparse
import logging
import sys
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from edge.errors import EndcapError
from edge.storefront.app import create_app
from edge.storefront.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit status: 2 for settings or surroundings that cannot work."""
    parser = argparse.ArgumentParser(prog="python -m edge.storefront", description="A demo shop in front of an edge.")
    parser.add_argument("--port", dest="storefront_port", help="port to listen on (8002)")
    parser.add_argument("--edge", dest="storefront_edge", help="the edge's address (http://127.0.0.1:8000)")
    parser.add_argument("--data-dir", type=Path, help="where the catalogue lives (data)")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings(**given)
        app = create_app(settings)
    except ValidationError as error:
        return _complain("\n".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
    except EndcapError as error:
        return _complain(str(error))
    print(f"The demo shop is at http://127.0.0.1:{settings.storefront_port}", flush=True)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.storefront_port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nothing stands before it, so a shopper's X-Forwarded-For is a claim
        timeout_graceful_shutdown=2,
    )
    return 0


def _complain(message: str) -> int:
    print(f"endcap: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
