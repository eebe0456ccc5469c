"""The same bundle behind the real server: page latency over HTTP, and the memory of one and of several workers.

In: a data directory made by `training.growth`, how many pages, how many workers. Out: JSON on standard output. Pages
are asked one after the other over one kept connection, each for another shopper, whose profile lies in a real store.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import numpy as np
from redis import Redis

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it is started by its path

from edge.core.bundle import read_arrays, read_live  # noqa: E402 -- likewise
from edge.core.codec import decode_profile, encode_profile  # noqa: E402 -- after the path
from edge.core.index import Index  # noqa: E402 -- likewise
from edge.core.keys import PROFILE_TTL_S, load_key, profile_key, pseudonym  # noqa: E402 -- likewise
from edge.embedded import EmbeddedStore  # noqa: E402 -- likewise
from edge.wire import Query  # noqa: E402 -- likewise
from scripts.growth_probe import SHOP, Visitor, questions  # noqa: E402 -- likewise

_PATIENCE_S = 120.0
_MEMORY = ("Rss", "Pss", "Private_Clean", "Private_Dirty", "Anonymous")


def main(directory: Path, pages: int, workers: Sequence[int]) -> None:
    """Fill the store, then serve with each number of workers."""
    visitors: list[Visitor] = msgspec.msgpack.decode((directory / "shoppers.msgpack").read_bytes(), type=list[Visitor])
    index = Index.from_arrays(read_arrays(directory / "bundles" / SHOP / read_live(directory / "bundles", SHOP).live))
    asked = [query for query, _ in questions(visitors, index.ids, pages)]
    del index
    with EmbeddedStore(directory / "store") as store:
        _fill(store.url, directory, visitors)
        found = [_serve(directory, store.url, asked, count) for count in workers]
    print(json.dumps(found))


def _fill(url: str, directory: Path, visitors: Sequence[Visitor]) -> None:
    """The profiles as the consumer would have written them."""
    key = load_key(directory, None)
    with Redis.from_url(url) as redis:
        pipe = redis.pipeline(transaction=False)
        for customer, data, _, _ in visitors:
            profile = decode_profile(data)
            profile.shopper = pseudonym(key, SHOP, "customer", customer)
            pipe.set(profile_key(SHOP, profile.shopper), encode_profile(profile), ex=PROFILE_TTL_S)
        pipe.execute()


def _serve(directory: Path, store: str, asked: Sequence[Query], workers: int) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    began = time.monotonic()
    with _running(directory, store, port, workers) as process:
        _await_ready(port, process)
        ready_s = time.monotonic() - began
        values, personal = _ask(port, asked)
        # The other workers must have read their pages, too, before memory is compared: connections spread over them.
        for _ in range(3 * workers if workers > 1 else 0):
            _ask(port, asked[:200])
        memory = [_memory(pid) for pid in _workers(process.pid)]
    return {
        "workers": workers,
        "ready_s": round(ready_s, 3),
        "personal": personal,
        **{f"p{at}_ms": round(float(np.percentile(values, at)), 3) for at in (50, 95, 99)},
        "memory_mib": memory,
    }


@contextlib.contextmanager
def _running(directory: Path, store: str, port: int, workers: int) -> Iterator["subprocess.Popen[bytes]"]:
    settings = {
        "ENDCAP_DATA_DIR": str(directory),
        "ENDCAP_SHOP": SHOP,
        "REDIS_URL": store,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "edge", "--port", str(port), "--workers", str(workers)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log, cwd=ROOT)
        measured = False
        try:
            yield process
            measured = True
        finally:
            if not measured:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace")[-3_000:])
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException), _connected(port) as connection:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise SystemExit("the server did not become ready; its words stand above")


@contextlib.contextmanager
def _connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        yield connection
    finally:
        connection.close()


def _ask(port: int, asked: Sequence[Query]) -> tuple[list[float], float]:
    """Milliseconds of every page after the first fifty, and the share that had a personal shelf."""
    values, personal = [], 0
    with _connected(port) as connection:
        for number, query in enumerate(asked):
            target = f"/v1/recommendations/{query.surface}?{urlencode(_parameters(query, number))}"
            began = time.perf_counter_ns()
            connection.request("GET", target)
            answer = connection.getresponse()
            body = answer.read()
            values.append((time.perf_counter_ns() - began) / 1e6)
            if answer.status != 200:
                raise SystemExit(f"{target} was answered with {answer.status}: {body[:500]!r}")
            personal += b'"personal"' in body
    return values[50:] or values, round(personal / len(asked), 3)


def _parameters(query: Query, number: int) -> dict[str, str]:
    named = {
        "product_id": query.product_id or "",
        "product_ids": ",".join(query.product_ids),
        "session": ",".join(query.session),
        "customer_id": query.customer_id or "",
        "visitor_id": f"device-{number}",  # no two pages alike: nothing comes from the cache of answers
        "consent": "personalization",
    }
    return {name: value for name, value in named.items() if value}


def _workers(launcher: int) -> list[int]:
    """The launcher's children that serve; another of them only watches shared resources."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _memory(pid: int) -> dict[str, float]:
    """Mebibytes by kind; `Pss` counts a page that n processes share for an nth."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    told = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return {name.lower(): round(told[name], 1) for name in _MEMORY}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(one) for one in sys.argv[3:]])
