"""The shop that is measured: a copy of the demo's bundle and catalogue beside a store full of made-up shoppers.

In: the demo's data directory. Out: a data directory of the benchmark's own, kept between runs, its store held up on the
client's core, and the paths that are asked for.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path

from loadtests.bench.machine import pinned
from loadtests.bench.servers import ended_whole
from loadtests.server import ROOT, RunError, tail

_STORE_TIMEOUT_S = 120.0
_CROWD = ROOT / "backend" / "crowd.py"  # run as a file, so that it can fill another checkout's store in its codec
_POLL_S = 0.05
_CART = 3


@dataclass(frozen=True)
class Shop:
    """A data directory that is ready, and what its shoppers bought, with how often."""

    data: Path
    name: str
    version: str
    shoppers: tuple[str, ...]
    products: tuple[tuple[str, int], ...]
    pages: tuple[tuple[str, str], ...]  # a shopper, and the product whose page that shopper asks for

    @property
    def bundle(self) -> Path:
        """The live bundle."""
        return self.data / "bundles" / self.name / self.version


def prepare(source: Path, data: Path, shop: str, count: int, root: Path = ROOT, candidates: int = 100) -> Shop:
    """Copy what the edge reads, and have the store filled by `root`'s codec. Raises RunError.

    Pages that rank so many candidates are chosen by our own retrieval, which reads no other checkout's store: for
    such a one there are none.
    """
    bundles = source / "bundles" / shop
    try:
        version = json.loads((bundles / "live.json").read_bytes())["live"]
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{bundles} has no live model ({error}); prepare the demo with scripts/demo --prepare, or name another "
            "--data-dir"
        ) from None
    kept = data / "bundles" / shop
    kept.mkdir(parents=True, exist_ok=True)
    for old in kept.iterdir():
        if old.is_dir() and old.name != version:
            shutil.rmtree(old)
    if not (kept / version / "manifest.json").exists():
        shutil.copytree(bundles / version, kept / version, dirs_exist_ok=True)
    name_live(data, shop, version)
    (data / "catalogue").mkdir(exist_ok=True)
    shutil.copy(source / "catalogue" / f"{shop}.cat", data / "catalogue")
    fill(source, data, shop, count, root)
    if root == ROOT:
        choose = ["--data", data, "--shop", shop, "--candidates", candidates]
        _made(_python(_CROWD.with_name("crowd_pages.py"), *choose), ROOT)
    ids = tuple((data / "shoppers.txt").read_text().split())
    products = tuple((id_, often) for id_, often in json.loads((data / "products.json").read_bytes()))
    chosen = (data / "pages.txt").read_text().strip().splitlines() if root == ROOT else []
    pages = (line.split() for line in chosen)
    return Shop(data, shop, version, ids, products, tuple((who, product) for who, product in pages))


def fill(source: Path, data: Path, shop: str, count: int, root: Path) -> None:
    """Have the store filled by a checkout's codec, unless it is. Raises RunError."""
    arguments = ["--source", source, "--into", data, "--count", count, "--shop", shop]
    _made(_python(_CROWD, *arguments), root)


def _made(command: list[str], root: Path) -> None:
    if subprocess.run(command, env=_environment(root), check=False).returncode:
        raise RunError("the made-up shoppers could not be made; the reason stands above")


def name_live(data: Path, shop: str, version: str) -> None:
    """Say which bundle serves: `live.json`, replaced in one step, as the backend does."""
    path = data / "bundles" / shop / "live.json"
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"live": version}))
    temporary.replace(path)


def twin(shop: Shop) -> str:
    """The same bundle under another version, to swap to and fro; its version."""
    version = f"{shop.version}-twin"
    place = shop.bundle.with_name(version)
    if not (place / "manifest.json").exists():
        shutil.copytree(shop.bundle, place, dirs_exist_ok=True)
        manifest = json.loads((place / "manifest.json").read_bytes())
        (place / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
    return version


@contextmanager
def store(shop: Shop, core: int, root: Path = ROOT) -> Iterator[str]:
    """The store, up for as long as the block lasts; its address."""
    log, told = shop.data / "logs" / "store.log", shop.data / "store.url"
    log.parent.mkdir(exist_ok=True)
    told.unlink(missing_ok=True)
    command = pinned(core, *_python(_CROWD, "--source", shop.data, "--into", shop.data, "--hold", told))
    with ended_whole(command, _environment(root), log) as process:
        deadline_s = time.monotonic() + _STORE_TIMEOUT_S
        while not (told.exists() and told.read_text()):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise RunError(f"the store did not start{tail(log)}")
            time.sleep(_POLL_S)
        yield told.read_text()


def _python(file: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-P", str(file), *map(str, arguments)]


def _environment(root: Path) -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(root)}


@dataclass(frozen=True)
class Pages:
    """What is asked for, in an order in which nobody comes twice: products as often as they are bought."""

    shop: Shop
    seed: int = 1

    def personal(self, surface: str) -> list[str]:
        """A page for every shopper; on product pages for those, and those products, that a hundred are ranked for."""
        rng = random.Random(f"{self.seed} {surface}")
        if surface == "pdp":
            pages = rng.sample(self.shop.pages, len(self.shop.pages))
            return [f"/v1/recommendations/pdp?product_id={product}&{_who(shopper)}" for shopper, product in pages]
        people = rng.sample(self.shop.shoppers, len(self.shop.shoppers))
        if surface == "home":
            return [f"/v1/recommendations/home?{_who(shopper)}" for shopper in people]
        carts = iter(self._draw(rng, _CART * len(people)))
        return [
            f"/v1/recommendations/cart?product_ids={','.join(dict.fromkeys(islice(carts, _CART)))}&{_who(shopper)}"
            for shopper in people
        ]

    def contextual(self, count: int) -> list[str]:
        """The product pages of the products bought most, for nobody in particular."""
        return [f"/v1/recommendations/pdp?product_id={id_}" for id_, _ in self.shop.products[:count]]

    def _draw(self, rng: random.Random, count: int) -> list[str]:
        ids = [id_ for id_, _ in self.shop.products]
        weights = list(accumulate(often for _, often in self.shop.products))
        return rng.choices(ids, cum_weights=weights, k=count)


def _who(shopper: str) -> str:
    return f"visitor_id={shopper}&consent=personalization"
