"""The whole demo for the tests: the edge and the shop as processes, with a wire before each.

In: the sample shop's bundle, catalogue and history. Out: fixtures `demo_shop` (one for all tests that leave it whole)
and `own_shop` (a module's own, to kill and to stall). The browser talks to the shop through `front`, the shop to the
edge through `back`; what went over either is in its `sent`.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from backend.refresh import refresh
from edge.core import keys
from edge.core.codec import decode_profile, encode_profile
from edge.core.events import Event
from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from edge.embedded import EmbeddedStore
from tests.serving import KEY
from tests.web.chromium import Open
from tests.web.programs import Program, free_port
from tests.web.visit import DESK, Visit
from tests.web.wire import Wire, wire
from training.completejourney.tiles import tile
from training.dataset import Dataset

SECRET = "a-shopify-client-secret"
DOMAIN = "demo.myshopify.com"
SHOP = "demo"
_FIRST = 1001  # Shopify's customer ids are numbers, those of the sample shop are not
_REGULAR = 6  # orders of a household that has something to buy again
_KEY = keys.PseudonymKey.from_hex(KEY)
# A busy machine must not turn a test about something else into one about timeouts.
_PATIENT = {"ENDCAP_REDIS_TIMEOUT_MS": "2000", "ENDCAP_REDIS_WRITE_TIMEOUT_MS": "2000", "ENDCAP_DEADLINE_MS": "10000"}


@dataclass(frozen=True)
class DemoShop:
    """A running shop. `url` leads to its home page, through the wire."""

    url: str
    front: Wire
    back: Wire
    edge: Program
    storefront: Program
    store: "Redis"
    catalogue: Mapping[str, Product]
    households: list[str]

    def household(self) -> str:
        """A household with a history, that no other test has had."""
        return self.households.pop()

    def product_url(self, product_id: str) -> str:
        """The address of a product's page."""
        return f"{self.url}{self.catalogue[product_id].url}"

    def log_in(self, shopper: Visit, household: str) -> None:
        """Be a household, as the picker's form does it."""
        self._post(shopper, "/login", household=household)

    def allow(self, shopper: Visit, *purposes: str) -> None:
        """Answer the question of consent before any page is opened, as its form does without scripts."""
        self._post(shopper, "/consent", **dict.fromkeys(purposes, "on"))

    def put_in_cart(self, shopper: Visit, *product_ids: str) -> None:
        """Put one of each in the cart, as the product pages' form does it."""
        for product_id in product_ids:
            self._post(shopper, "/cart/lines", product=product_id, quantity="1")

    def _post(self, shopper: Visit, path: str, **form: str) -> None:
        fields: dict[str, str | float | bool] = {**form}
        answer = shopper.context.request.post(self.url + path, form=fields, max_redirects=0)
        assert answer.status == 303, answer.text()

    def bought(self, household: str) -> set[str]:
        """The titles of all that a household bought, by its profile."""
        stored = self.store.get(keys.profile_key(SHOP, self.name("customer", household)))
        assert isinstance(stored, bytes)
        return {self.catalogue[id_].title for id_ in decode_profile(stored).bought if id_ in self.catalogue}

    def events(self) -> list[Event]:
        """What lies in the shop's stream, oldest first: the events that were taken and kept."""
        entries: Any = self.store.xrange(keys.events_key(SHOP))
        return [msgspec.json.decode(fields[b"e"], type=Event) for _, fields in entries]

    def name(self, kind: keys.ShopperKind, id_: str) -> str:
        """The pseudonym under which the store knows somebody."""
        return keys.pseudonym(_KEY, SHOP, kind, id_)

    def keys_of(self, kind: keys.ShopperKind, id_: str) -> set[str]:
        """What the store holds about somebody: `p` profile, `s` session, `c` consent, `t` trail, ..."""
        found: Any = self.store.keys(f"*{self.name(kind, id_)}*")
        return {key.decode().partition(":")[0] for key in found}


@pytest.fixture(scope="session")
def demo_shop(shop_dir: Dataset, bundle_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    """The demo shop over the sample shop's catalogue. Its tests use shoppers of their own and leave it running."""
    with _running(shop_dir, bundle_root, tmp_path_factory.mktemp("demo")) as shop:
        yield shop


@pytest.fixture(scope="module")
def own_shop(shop_dir: Dataset, bundle_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    """Another one, to be stopped, stalled and killed."""
    with _running(shop_dir, bundle_root, tmp_path_factory.mktemp("own")) as shop:
        yield shop


@pytest.fixture
def enter(visit: Open) -> Open:
    """`visit`, for shoppers whose browsers wait for shelves however long a busy machine takes."""

    def start(viewport: tuple[int, int] = DESK, **options: Any) -> Visit:
        shopper = visit(viewport, **options)
        be_patient(shopper)
        return shopper

    return start


def be_patient(shopper: Visit) -> None:
    """Let the theme script's own deadline be half a minute: a test about something else is not about that second."""
    shopper.context.add_init_script("""(() => {
      const set = window.setTimeout;
      window.setTimeout = (act, ms, ...rest) => set(act, /no answer within/.test(act) ? 30 * ms : ms, ...rest);
    })();""")


@contextlib.contextmanager
def _running(shop_dir: Dataset, bundles: Path, directory: Path) -> Iterator[DemoShop]:
    data_dir = directory / "data"
    catalogue, households = _fill(data_dir, shop_dir, bundles)
    edge_port, shop_port = free_port(), free_port()
    with wire(edge_port) as back, wire(shop_port) as front:
        own = {"ENDCAP_DATA_DIR": str(data_dir), "ENDCAP_PSEUDONYM_KEY": KEY, "ENDCAP_SHOP": SHOP}
        signing = {"ENDCAP_SHOPIFY_SECRETS": SECRET, "ENDCAP_SHOPIFY_DOMAIN": DOMAIN}
        url = f"http://127.0.0.1:{front.port}"
        serving = {"ENDCAP_PORT": str(edge_port), "ENDCAP_ORIGINS": url, "ENDCAP_DRAIN_S": "0", **_PATIENT}
        ready = f"http://127.0.0.1:{edge_port}/readyz"
        edge = Program(("edge",), own | signing | serving, ready, directory / "edge.log")
        asking = {"ENDCAP_STOREFRONT_PORT": str(shop_port), "ENDCAP_STOREFRONT_EDGE": f"http://127.0.0.1:{back.port}"}
        ready = f"http://127.0.0.1:{shop_port}/"
        storefront = Program(("edge.storefront",), own | signing | asking, ready, directory / "shop.log")
        store: Redis = Redis.from_url(EmbeddedStore(data_dir / "store").url, protocol=2)
        try:
            edge.start()
            storefront.start()
            yield DemoShop(url, front, back, edge, storefront, store, catalogue, households)
        finally:
            store.close()
            storefront.stop()
            edge.stop()


def _fill(data_dir: Path, shop_dir: Dataset, bundles: Path) -> tuple[dict[str, Product], list[str]]:
    """What the demo prepares: bundle, catalogue with pictures, profiles in the store. Products by id; households."""
    shutil.copytree(bundles, data_dir / "bundles")
    products = [
        msgspec.structs.replace(one, image=tile(one.category, one.brand, one.title)) for one in shop_dir.catalogue()
    ]
    write_snapshot(data_dir / "catalogue" / f"{SHOP}.cat", products, as_of=0)
    # In a thread of its own: Playwright may keep an event loop running in this one.
    with EmbeddedStore(data_dir / "store") as store, ThreadPoolExecutor(1) as pool:
        households = pool.submit(asyncio.run, _write_profiles(store.url, shop_dir)).result()
    return {one.id: one for one in products}, households


async def _write_profiles(url: str, shop_dir: Dataset) -> list[str]:
    """Profiles of the sample shop's customers, and copies under numbers; returns these."""
    redis: AsyncRedis = AsyncRedis.from_url(url, protocol=2)
    await refresh(redis, shop_dir, SHOP, _KEY)
    households: list[str] = []
    async for key in redis.scan_iter(match="p:*"):
        stored = await redis.get(key)
        assert isinstance(stored, bytes)
        profile = decode_profile(stored)
        if profile.orders >= _REGULAR:
            households.append(str(_FIRST + len(households)))
            profile.shopper = keys.pseudonym(_KEY, SHOP, "customer", households[-1])
            await redis.set(keys.profile_key(SHOP, profile.shopper), encode_profile(profile))
    await redis.aclose()
    return households
