"""`python -m loadtests.toxics --upstream 127.0.0.1:6379 --latency-ms 1`: the proxy until SIGTERM or Ctrl-C.

In: an upstream and what shall happen on the way, in each direction (20 ms make a round trip of 40). Out: a line with
the address, then a proxy.
"""

import argparse
import asyncio
import signal
import sys

from loadtests.toxics.kinds import Bandwidth, Latency, Slicer, Toxic
from loadtests.toxics.proxy import Proxy


def toxics_of(options: argparse.Namespace) -> list[Toxic]:
    """What was asked for."""
    found: list[Toxic] = []
    if options.latency_ms or options.jitter_ms:
        found.append(Latency(options.latency_ms, options.jitter_ms))
    if options.bytes_per_s:
        found.append(Bandwidth(options.bytes_per_s))
    if options.slice_bytes:
        found.append(Slicer(options.slice_bytes))
    return found


async def serve(options: argparse.Namespace) -> None:
    """Listen until told to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Proxy(options.upstream, options.listen) as proxy:
        await proxy.set(*toxics_of(options))
        print(f"proxy on {proxy.address} to {options.upstream}", flush=True)
        await stop.wait()


def main() -> int:
    """Run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.toxics", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port; port 0: any that is free")
    parser.add_argument("--upstream", required=True, help="host:port, or unix:/path")
    parser.add_argument("--latency-ms", type=float, default=0, help="later by this much, each way")
    parser.add_argument("--jitter-ms", type=float, default=0, help="more or less by up to this much, each way")
    parser.add_argument("--bytes-per-s", type=float, default=0, help="no faster than this, each way")
    parser.add_argument("--slice-bytes", type=int, default=0, help="in pieces of this size")
    asyncio.run(serve(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
