"""A store full of made-up shoppers, for the benchmark: as many as asked for, alike the real ones and each different.

In: a data directory whose store holds real profiles, and a directory of its own to fill. Out: a store beside which
`shoppers.txt` has the visitors' ids and `products.json` what they bought, most often bought first. Filled once: with
the same request and codec it is found filled. It needs nothing else of the backend, so that another checkout's codec
can fill a store with it.
"""

import json
import random
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from redis import Redis
from rich.console import Console
from rich.progress import track

from edge.core import codec, keys
from edge.core.errors import EndcapError
from edge.core.keys import PseudonymKey, load_key, pseudonym
from edge.core.profile import Profile
from edge.core.session import Session
from edge.embedded import EmbeddedStore

_RECIPE = 1  # to be raised when what follows makes other shoppers
_KEPT_S = 400 * 86_400  # the sessions, too, else a store kept on disk would be another one after a day
_EXCHANGED = 0.15  # of a shopper's products, for those of somebody else
_VISITING = 0.5  # of the shoppers are in the middle of a visit
_CARTS = 0.2  # of these have a cart
_BATCH = 500
_PRODUCTS = 2_000


@dataclass(frozen=True)
class Recipe:
    """What a store was filled with: where it is the same, so are the shoppers."""

    count: int
    seed: int
    shop: str
    sources: int
    profile_version: int = codec.PROFILE_VERSION
    session_version: int = codec.SESSION_VERSION
    recipe: int = _RECIPE


def read_profiles(redis: "Redis", shop: str) -> list[Profile]:
    """Every profile of a shop that has purchases, in the order of their names."""
    names: Any = sorted(redis.scan_iter(match=f"p:{{{shop}/*", count=1_000))
    found = []
    for start in range(0, len(names), _BATCH):
        values: Any = redis.mget(names[start : start + _BATCH])
        found += [codec.decode_profile(data) for data in values if data]
    return [profile for profile in found if profile.bought]


def resample(source: Profile, donor: Profile, shopper: str, rng: random.Random) -> Profile:
    """Somebody like `source`: as many products and orders, some of the products the donor's, all a few days apart."""
    days = -rng.randint(0, 6)
    others = [id_ for id_ in donor.bought if id_ not in source.bought]
    exchanged = _exchange(list(source.bought), others, rng)
    bought = {}
    for id_, item in zip(exchanged, source.bought.values(), strict=True):
        count = max(1, item.count + rng.choice((0, 0, 0, 0, 1, -1)))
        bought[id_] = type(item)(count, item.first_day + days, item.last_day + days, item.recent)
    seen = _exchange(list(source.viewed), [id_ for id_ in donor.viewed if id_ not in source.viewed], rng)
    return Profile(
        source.shop,
        shopper,
        revision=source.revision,
        updated=source.updated + 86_400 * days,
        orders=source.orders,
        first_order_day=source.first_order_day + days,
        last_order_day=source.last_order_day + days,
        bought=bought,
        viewed={id_: at + 86_400 * days for id_, at in zip(seen, source.viewed.values(), strict=True)},
        order_minutes=[minute + 1_440 * days for minute in source.order_minutes],
        tally=source.tally,
    )


def _exchange(own: list[str], others: list[str], rng: random.Random) -> list[str]:
    rng.shuffle(others)
    return [others.pop() if others and rng.random() < _EXCHANGED else id_ for id_ in own]


def visit(profile: Profile, products: Sequence[str], now: float, rng: random.Random) -> Session | None:
    """What this shopper is doing right now: nothing, or a visit with one to six products, some with a cart."""
    if rng.random() >= _VISITING:
        return None
    viewed = list(dict.fromkeys(rng.choices(products, k=rng.randint(1, 6))))
    cart = dict.fromkeys(viewed[-2:], 1) if rng.random() < _CARTS else {}
    steps = len(viewed) + len(cart)
    return Session(profile.shop, profile.shopper, revision=steps, updated=int(now), viewed=viewed, cart=cart)


def shoppers(
    sources: Sequence[Profile], ids: Sequence[str], key: PseudonymKey, rng: random.Random
) -> Iterator[tuple[Profile, Session | None]]:
    """A profile for each id, and the visit under way."""
    often = Counter(id_ for profile in sources for id_ in profile.bought)
    products = list(often.elements())  # as often in here as it is bought
    now = max(profile.updated for profile in sources)
    for id_ in ids:
        source, donor = rng.choice(sources), rng.choice(sources)
        profile = resample(source, donor, pseudonym(key, source.shop, "visitor", id_), rng)
        yield profile, visit(profile, products, now, rng)


def visitor_ids(count: int, seed: int) -> list[str]:
    """Ids such as a shop's page makes."""
    rng = random.Random(seed)
    return [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]


def fill(source: Path, into: Path, recipe: Recipe, sources: Sequence[Profile], console: Console) -> None:
    """Write the shoppers, unless they are there."""
    noted = into / "crowd.json"
    if noted.exists() and json.loads(noted.read_text()) == asdict(recipe):
        return
    noted.unlink(missing_ok=True)
    key, ids = load_key(into, None), visitor_ids(recipe.count, recipe.seed)
    with EmbeddedStore(into / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
        redis.flushall()
        people = shoppers(sources, ids, key, random.Random(recipe.seed))
        pipe = redis.pipeline(transaction=False)
        for profile, session in track(people, "writing profiles", recipe.count, console=console):
            name = keys.profile_key(profile.shop, profile.shopper)
            pipe.set(name, codec.encode_profile(profile), ex=_KEPT_S)
            if session:
                name = keys.session_key(profile.shop, profile.shopper)
                pipe.set(name, codec.encode_session(session), ex=_KEPT_S)
            if len(pipe) >= _BATCH:
                pipe.execute()
        pipe.execute()
        _compact(redis)
    often = Counter(id_ for profile in sources for id_ in profile.bought)
    (into / "products.json").write_text(json.dumps(often.most_common(_PRODUCTS)))
    (into / "shoppers.txt").write_text("\n".join(ids) + "\n")
    noted.write_text(json.dumps(asdict(recipe)))


def _compact(redis: "Redis") -> None:
    """Have the store's file written anew, so that the next start reads it quickly."""
    redis.bgrewriteaof()
    while True:
        told: Any = redis.info("persistence")
        if not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"]):
            return
        time.sleep(0.1)


def main(
    source: Annotated[Path, typer.Option(help="data directory whose store has the real profiles")],
    into: Annotated[Path, typer.Option(help="data directory to fill")],
    count: Annotated[int, typer.Option(min=1, help="how many shoppers")] = 200_000,
    seed: Annotated[int, typer.Option(help="other shoppers with another")] = 1,
    shop: Annotated[str, typer.Option(help="whose profiles")] = "demo",
    hold: Annotated[Path | None, typer.Option(help="then keep the store up, and write its address here")] = None,
) -> None:
    """Fill a store with made-up shoppers, and keep it up if so told, until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    console = Console(stderr=True)
    try:
        if hold is None:
            with EmbeddedStore(source / "store") as store, Redis.from_url(store.url, protocol=2) as redis:
                real = read_profiles(redis, shop)
            if not real:
                raise EndcapError(f"{source} has no profiles of shop {shop!r}; make them with scripts/demo --prepare")
            fill(source, into, Recipe(count, seed, shop, len(real)), real, console)
            return
        with EmbeddedStore(into / "store") as store:
            hold.write_text(store.url)
            signal.pause()
    except EndcapError as error:
        console.print(f"endcap: {error}", style="red", soft_wrap=True, highlight=False)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
