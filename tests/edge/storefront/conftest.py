"""A running demo shop: the real app on a real port, over the sample shop's catalogue."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from edge.core.products import Product
from edge.core.snapshot import write_snapshot
from edge.storefront.app import create_app
from edge.storefront.goods import Goods, arrange
from edge.storefront.settings import Settings
from tests.serving import Serve, until
from training.dataset import Dataset

SECRET, DOMAIN = "hush-hush", "demo.myshopify.com"
NOBODY = {"consent": "none"}  # cookies of a shopper who has been asked and allows nothing
HOUSEHOLDS = {"ids": ["7", "12"], "suggested": [{"id": "7", "orders": 81, "buys": ["Coffee", "Tea & <Cakes>"]}]}


@dataclass
class Shop:
    """A shop under test. `client` keeps cookies, as a browser does, and follows nothing."""

    url: str
    client: httpx.Client
    goods: Goods

    def page(self, path: str, **cookies: str) -> str:
        """The HTML of a page, which must be there."""
        answer = self.client.get(path, headers={"Cookie": "; ".join(f"{name}={cookies[name]}" for name in cookies)})
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form, as one of the shop's own pages."""
        return self.client.post(path, data=form, headers={"Origin": self.url})

    def asks(self, path: str, **form: str) -> dict[str, Any]:
        """Send a form, as one of the shop's scripts: the answer is JSON."""
        answer = self.client.post(path, data=form, headers={"Origin": self.url, "Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextlib.contextmanager
def running(settings: Settings, goods: Goods | None = None) -> Iterator[Shop]:
    """A shop on a free port, until the end of the block."""
    app = create_app(settings, goods)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="on", proxy_headers=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        assert server.started, "the shop did not start; see its log"
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with httpx.Client(base_url=url, trust_env=False) as client:
            yield Shop(url, client, app.state.goods)
    finally:
        server.should_exit = True
        thread.join()


def settings_of(data_dir: Path, edge: str = "http://127.0.0.1:9") -> Settings:
    """Settings of a shop before this edge; port 9 is nobody's."""
    return Settings(data_dir=data_dir, shopify_secrets=SECRET, shopify_domain=DOMAIN, storefront_edge=edge)


def add_households(data_dir: Path) -> None:
    """As the importer of the demo data does."""
    plain = data_dir / "plain" / "demo"
    plain.mkdir(parents=True)
    (plain / "households.json").write_bytes(msgspec.json.encode(HOUSEHOLDS))


@pytest.fixture(scope="session")
def shop_data(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the sample shop's catalogue and two households, but no bundle."""
    data_dir = tmp_path_factory.mktemp("storefront")
    write_snapshot(data_dir / "catalogue" / "demo.cat", shop_dir.catalogue(), as_of=0)
    add_households(data_dir)
    return data_dir


@pytest.fixture(scope="session")
def served(shop_data: Path) -> Iterator[Shop]:
    """One shop for all tests that only look at its pages; its edge is away."""
    with running(settings_of(shop_data)) as shop:
        yield shop


@pytest.fixture
def shop(served: Shop) -> Shop:
    """The shop, before a shopper without cookies."""
    served.client.cookies.clear()
    return served


Before = Callable[[str], Shop]


@pytest.fixture
def before(shop_data: Path) -> Iterator[Before]:
    """`before(url)`: a shop in front of that app."""
    with contextlib.ExitStack() as stack:
        yield lambda url: stack.enter_context(running(settings_of(shop_data, url)))


@pytest.fixture
def front(serve: Serve, before: Before) -> Shop:
    """A shop in front of a real edge that shares its secret."""
    return before(serve(shopify_secrets=SECRET, shopify_domain=DOMAIN).url)


def product(id_: str, title: str = "", **fields: Any) -> Product:
    """A product of a hand-made range."""
    return Product(id=id_, title=title or id_, price=2.5, **{"category": "Drinks > Tea > Tea", "handle": id_, **fields})


def hand_made(*products: Product, **sold: float) -> Goods:
    """A range of these products, sold so often."""
    return arrange(products, sold)


def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
