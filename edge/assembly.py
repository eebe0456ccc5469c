"""What one process serves from, put together in one place."""

from dataclasses import dataclass

from edge.cache import AnswerCache
from edge.collect import Collector
from edge.core.keys import PseudonymKey, load_keys
from edge.core.restricted import Restricted
from edge.doors import AppProxy, Doors
from edge.drain import Drain
from edge.excess import PopularLists
from edge.identify import Identifier
from edge.keyring import KeyRing
from edge.profiles import ShopperStore, connect
from edge.rates import Rate, Rates
from edge.recommend import Recommender
from edge.respond import Ready
from edge.settings import Settings, listed
from edge.tally import Tally
from edge.trials import Trials
from edge.trip import Trip
from edge.webhooks.config import shopper_secrets, webhook_config, worker_secrets
from edge.webhooks.receive import Receiver

_PAGES = 2_000  # of some 8 KB each


@dataclass
class Edge:
    """The parts of one process, and how many recommendations it is at work on."""

    settings: Settings
    identifier: Identifier
    doors: Doors
    store: ShopperStore
    recommender: Recommender
    collector: Collector
    receiver: Receiver
    drain: Drain
    keyring: KeyRing
    tally: Tally
    trials: Trials
    pages: AnswerCache[Ready]
    popular: PopularLists
    in_flight: int = 0


def build_edge(settings: Settings) -> Edge:
    """Put the parts together. Raises ValueError or EndcapError for settings that cannot work."""
    url, connections = store_url(settings), settings.redis_connections
    timeout_s = settings.redis_timeout_ms / 1000
    trip = None if "+cluster://" in url else Trip(url, timeout_s=timeout_s)  # one connection is no cluster
    store = ShopperStore(connect(url, timeout_s=timeout_s, connections=connections), trip=trip)
    # No shopper waits for an event, and a hiccup must not refuse one: the same store, the same breaker, more patience.
    patient = connect(url, timeout_s=settings.redis_write_timeout_ms / 1000, connections=connections)
    key, *former = load_keys(settings.data_dir, settings.pseudonym_key)
    identifier = Identifier(settings.shop, key, tuple(former))
    recommender, tally = Recommender(settings, settings.shop, store), Tally(settings.shop)
    restricted_list = Restricted.of(settings.restricted_categories)

    def restricted(product_id: str) -> bool:
        product = recommender.catalogue.get(product_id) if restricted_list.entries else None
        return product is not None and restricted_list.holds(product.category)

    webhooks, keyring = webhook_config(settings), KeyRing(settings.data_dir)
    doors = Doors(
        settings.shop,
        settings.demo,
        keyring,
        AppProxy(webhooks.shopify.secrets, webhooks.shopify.shop) if webhooks.shopify else None,
        worker_secrets(settings),
        frozenset(listed(settings.origins)),
        shopper_secrets(settings),
        _rates(settings, key),
        settings.proxy_hops,
    )
    patient_trip = trip and Trip(url, timeout_s=settings.redis_write_timeout_ms / 1000)
    patient_store = ShopperStore(patient, store.breaker, patient_trip)
    collector = Collector(patient_store, identifier, settings.stream_max_entries, restricted)
    return Edge(
        settings=settings,
        identifier=identifier,
        doors=doors,
        store=store,
        recommender=recommender,
        collector=collector,
        receiver=Receiver(webhooks, collector, identifier),
        drain=Drain(settings.drain_s),
        keyring=keyring,
        tally=tally,
        trials=Trials(recommender, tally, settings.shadow_percent),
        pages=AnswerCache(ttl_s=settings.cache_ttl_s, entries=min(settings.cache_entries, _PAGES)),
        popular=PopularLists(recommender),
    )


def _rates(settings: Settings, key: PseudonymKey) -> Rates:
    per_key = Rate(settings.key_rate, settings.key_burst) if settings.key_rate else None
    per_client = Rate(settings.client_rate, settings.client_burst) if settings.client_rate else None
    return Rates(settings.shop, key.secret, per_key, per_client, settings.workers)


def store_url(settings: Settings) -> str:
    """Where the store is. Raises ValueError in a worker that was started without its launcher."""
    if settings.redis_url is None:
        raise ValueError("REDIS_URL is not set; start with `python -m edge`, which brings a store of its own")
    return settings.redis_url
