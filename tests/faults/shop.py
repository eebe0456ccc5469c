"""A shop as people run it: the server as a process, its store as another, and a fault proxy between them if wanted.

In: a data directory with the trained bundle. Out: an address that serves, and handles on everything that can be broken.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from edge.core.codec import encode_profile, encode_session
from edge.core.events import Event, Line
from edge.core.keys import PROFILE_TTL_S, SESSION_TTL_S, PseudonymKey, events_key, profile_key, session_key
from edge.core.products import Product
from edge.core.profile import Profile, apply
from edge.core.session import Session
from edge.identify import Identifier
from loadtests.toxics import Threaded, in_thread
from tests.faults.crowd import page
from tests.faults.speed import FULL, PATIENT
from tests.faults.store import Store
from tests.serving import KEY, until

SHOPPERS = 40
IDENTIFIER = Identifier("demo", PseudonymKey.from_hex(KEY))


def marks(shoppers: int = SHOPPERS) -> list[Product]:
    """The products by which shoppers are told apart: one of each one's visit, one of each one's profile."""
    return [Product(f"mark-{kind}-{who:03}", f"Mark {kind} {who}", 1.0) for who in range(shoppers) for kind in "vc"]


def names(who: int) -> tuple[str, str]:
    """The pseudonyms under which a shopper's profile and visit lie."""
    caller = IDENTIFIER.caller(f"v{who:03}", f"c{who:03}", ("personalization", "analytics"))
    assert caller.shopper is not None
    assert caller.visit is not None
    return caller.shopper, caller.visit


def plant(store: Any, shoppers: int = SHOPPERS) -> None:
    """Write everybody's profile and visit, each with what only they have seen."""
    for who in range(shoppers):
        shopper, visit = names(who)
        profile = Profile("demo", shopper)
        for week in (3, 2, 1):
            at = datetime.now(UTC) - timedelta(days=7 * week)
            apply(profile, Event("e", "purchase-complete", at, products=(Line(f"p{who % 20:03}"),)), time.time())
        looked = datetime.now(UTC) - timedelta(days=1)
        apply(profile, Event("e", "detail-page-view", looked, products=(Line(f"mark-c-{who:03}"),)), time.time())
        store.set(profile_key("demo", shopper), encode_profile(profile), ex=PROFILE_TTL_S)
        session = Session("demo", visit, viewed=[f"mark-v-{who:03}"], customer=shopper)
        store.set(session_key("demo", visit), encode_session(session), ex=SESSION_TTL_S)


class Shop:
    """A running server; `store` is its store, `way` the fault proxy on the way there, where there is one."""

    def __init__(self, data_dir: Path, log: Path, *, store: Store, way: Threaded | None, **changed: str) -> None:
        self.data_dir, self.store, self._way, self.log = data_dir, store, way, log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENDCAP_")}
        environment = {"REDIS_URL": f"redis://{way.address}" if way else store.url, "PORT": "0", "ENDCAP_WORKERS": "0"}
        environment |= {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_PSEUDONYM_KEY": KEY, "ENDCAP_NEW_PLACES": "0"}
        command, environment = [sys.executable, "-m", "edge"], inherited | environment | changed
        with log.open("wb") as errors:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert " on http://" in line, self.said()
        self.url = line.rpartition(" on ")[2].strip()
        self.client = httpx.Client(base_url=self.url, timeout=30)
        self._ended = False

    @property
    def way(self) -> Threaded:
        """The fault proxy between server and store."""
        assert self._way is not None, "open the shop with proxied=True"
        return self._way

    def ready(self) -> bool:
        """Whether shoppers may come."""
        assert self.process.poll() is None, self.said()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def state(self) -> dict[str, Any]:
        """What /readyz tells."""
        told: dict[str, Any] = self.client.get("/readyz").json()
        return told

    def home(self, who: int) -> dict[str, Any]:
        """A shopper's home page."""
        answer = self.client.get(page("home", who))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def knows(self, who: int = 0) -> bool:
        """Whether this shopper is known again: their own product is shown, and nothing was missing."""
        told = self.home(who)
        return not told["degraded"] and f"mark-v-{who:03}" in json.dumps(told)

    def metric(self, name: str, *labels: str) -> float:
        """The sum of a metric over all label sets that hold these."""
        total = 0.0
        for line in self.client.get("/metrics").text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and all(label in head for label in labels):
                total += float(value)
        return total

    def rss_mb(self) -> float:
        """Resident memory of the process."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def kept(self) -> set[str]:
        """The ids of the events in the stream."""
        return {json.loads(entry[b"e"])["id"] for _, entry in self.store.client.xrange(events_key("demo"))}

    def lost(self, acked: Iterable[str]) -> set[str]:
        """Events that were accepted and are not there."""
        return set(acked) - self.kept()

    def end(self) -> None:
        """Whatever state it is in."""
        self.client.close()
        if not self._ended:
            self._ended = True
            self.process.kill()
            self.process.communicate()


class Shops:
    """Opens shops and closes what is left of them."""

    def __init__(self, stack: ExitStack, data_dir: Path, root: Path) -> None:
        self._stack, self._data_dir, self._root = stack, data_dir, root
        self._opened = 0

    def store(self, *options: str, password: str | None = None) -> Store:
        """A store that answers."""
        self._opened += 1
        store = Store(self._root / f"store{self._opened}", *options, password=password)
        self._stack.callback(store.end)
        return store.start()

    def __call__(
        self,
        *,
        proxied: bool = False,
        patient: bool = False,
        cold: bool = False,
        store: Store | None = None,
        surroundings: Mapping[str, str] | None = None,
        **changed: str,
    ) -> Shop:
        """A server with a store of its own, unless one is given; `changed` and `surroundings` are its environment.

        `patient`: for tests whose fault is not the store's; in the full run all have the usual settings.
        `cold`: it listens, and may not be ready.
        """
        changed = {**(PATIENT if patient and not FULL else {}), **(surroundings or {}), **changed}
        self._opened += 1
        store = store or self.store()
        plant(store.client)
        way = self._stack.enter_context(in_thread(f"unix:{store.socket}")) if proxied else None
        shop = Shop(self._data_dir, self._root / f"edge{self._opened}.log", store=store, way=way, **changed)
        self._stack.callback(shop.end)
        if not cold:
            until(shop.ready)
        return shop

    def other(self, store: Store) -> Shop:
        """Another shop's server on the same store, with the same model and products; nobody has been there yet."""
        shutil.copytree(self._data_dir / "bundles" / "demo", self._data_dir / "bundles" / "other")
        shutil.copy(self._data_dir / "catalogue" / "demo.cat", self._data_dir / "catalogue" / "other.cat")
        return self(patient=True, store=store, ENDCAP_SHOP="other")
