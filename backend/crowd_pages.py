"""Product pages for the benchmark's made-up shoppers: for each a product on whose page a hundred candidates are ranked.

In: a data directory that `backend.crowd` has filled, with a bundle. Out: `pages.txt`, a line `shopper product` for each
who has such a page, products drawn as often as they are bought. What is ranked is asked of the retrieval that serves.
Made once for a bundle.
"""

import json
import random
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Annotated, Any

import typer
from redis import Redis
from rich.console import Console
from rich.progress import track

from edge.core import clock, codec, keys
from edge.core.bundle import read_arrays, read_live
from edge.core.columns import ProfileColumns
from edge.core.index import Index
from edge.core.keys import load_key, pseudonym
from edge.core.retrieval import Context, History, candidates
from edge.core.session import Session
from edge.embedded import EmbeddedStore

_DRAWS = 12  # of products, before a shopper is left out: whoever bought little has no such page
_BATCH = 500
_SLOT = "bought_together"

Person = tuple[str, ProfileColumns, Session | None]


def people(redis: "Redis", data: Path, shop: str) -> Iterator[Person]:
    """Every made-up shopper with what the store has of them."""
    key, ids = load_key(data, None), iter((data / "shoppers.txt").read_text().split())
    while batch := list(islice(ids, _BATCH)):
        names = [pseudonym(key, shop, "visitor", id_) for id_ in batch]
        profiles: Any = redis.mget([keys.profile_key(shop, name) for name in names])
        sessions: Any = redis.mget([keys.session_key(shop, name) for name in names])
        for id_, profile, session in zip(batch, profiles, sessions, strict=True):
            yield id_, codec.decode_columns(profile), codec.decode_session(session) if session else None


def page(index: Index, person: Person, draw: Iterator[str], least: int) -> str | None:
    """The first of some products on whose page at least so many are ranked for this shopper; None without one."""
    _, profile, session = person
    history = History.of(index, profile)
    visit = tuple(dict.fromkeys((*session.cart, *session.viewed))) if session else ()
    for product in islice(draw, _DRAWS):
        recent = index.positions(id_ for id_ in visit if id_ != product)
        context = Context(index.positions([product]), recent, history, clock.now() / 86_400)
        if len(candidates(index, _SLOT, context).items) >= least:
            return product
    return None


def draws(data: Path, index: Index, seed: int) -> Iterator[str]:
    """Products of the index as often as they are bought, without end."""
    often = [(id_, count) for id_, count in json.loads((data / "products.json").read_bytes()) if id_ in index.position]
    ids, weights = [id_ for id_, _ in often], list(accumulate(count for _, count in often))
    rng = random.Random(seed)
    while True:
        yield from rng.choices(ids, cum_weights=weights, k=10_000)


def main(
    data: Annotated[Path, typer.Option(help="data directory with bundle, store and shoppers")],
    shop: Annotated[str, typer.Option(help="whose")] = "demo",
    least: Annotated[int, typer.Option("--candidates", help="that must be ranked on each page")] = 100,
    most: Annotated[int, typer.Option(min=1, help="shoppers to choose for")] = 80_000,
) -> None:
    """Choose a page for each shopper, unless that was done for this bundle and these shoppers."""
    version = read_live(data / "bundles", shop).live
    recipe = {"bundle": version, "crowd": json.loads((data / "crowd.json").read_bytes()), "most": most, "least": least}
    noted = data / "pages.json"
    if noted.exists() and json.loads(noted.read_text())["recipe"] == recipe:
        return
    noted.unlink(missing_ok=True)
    index = Index.from_arrays(read_arrays(data / "bundles" / shop / version))
    draw, found, lines = draws(data, index, 1), 0, []
    total = min(most, recipe["crowd"]["count"])
    with EmbeddedStore(data / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        for person in track(
            islice(people(redis, data, shop), total), "choosing pages", total, console=Console(stderr=True)
        ):
            if product := page(index, person, draw, least):
                lines.append(f"{person[0]} {product}")
                found += 1
    (data / "pages.txt").write_text("".join(f"{line}\n" for line in lines))
    noted.write_text(json.dumps({"recipe": recipe, "pages": found}))


if __name__ == "__main__":
    typer.run(main)
