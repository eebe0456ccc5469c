"""The request path: who asks → what is known → candidates → features → ranker → rules → shelves. Knows no HTTP.

In: a `Query` and a `Caller`. Out: a `Page`, who may keep it, and where it came from. Read `Recommender.answer` from
the top: every stage has something to fall back to, so a failing dependency makes the answer smaller, never an error.
"""

import gc
import hashlib
import math
import time
from importlib.metadata import version
from typing import Literal

import msgspec

from edge.arrange import arrange
from edge.batched import Measured
from edge.cache import AnswerCache, Cached
from edge.catalogue import Catalogue
from edge.core.context import History
from edge.core.errors import BundleError
from edge.core.signature import bundle_keys
from edge.core.switches import Switches, read_switches
from edge.identify import Caller
from edge.listings import Listings
from edge.metrics import CACHE, DEGRADED, SLOTS, STAGE_SECONDS
from edge.overload import Overload
from edge.page import Page
from edge.picks import NO_PICKS, Shelf
from edge.profiles import NOTHING_KNOWN, Known, ShopperStore, StoreUnavailableError
from edge.ranking import Scores, find, gather_evidence, page_products, try_score
from edge.scoring import LiveModel, Model
from edge.settings import Settings
from edge.shelves import Ranking, shelve
from edge.slots import SLOTS as SPECS
from edge.slots import order_for, slots_of
from edge.wire import Query

Sharing = Literal["public", "private", "none"]
_STORE, _RETRIEVE, _RANK, _SHELVE = (STAGE_SECONDS.of(stage) for stage in ("store", "retrieve", "rank", "shelve"))
_REHEARSED = (STAGE_SECONDS.of("shadow_retrieve"), STAGE_SECONDS.of("shadow_rank"))
_PROGRAM = version("endcap")
_LASTING = frozenset({"unknown_product"})  # will still be so in a moment: such an answer may be kept
_FOUND, _MISSED = ("hit",), ("miss",)


class Served(msgspec.Struct, frozen=True):
    """An answer, who may keep it, and the cached ranking it was made from.

    `known`: what the ranking could go by; None where no model was asked, as for a surface switched off.
    """

    answer: Page
    sharing: Sharing
    cached: Cached[Ranking]
    known: Known | None = None
    rules: str = ""

    def marked(self, failed: str) -> "Served":
        """The same, naming one more thing that failed; kept by nobody."""
        return msgspec.structs.replace(self, answer=self.answer.marked(failed), sharing="none")

    @property
    def version(self) -> str:
        """What the answer depends on besides the request and the live catalogue: the model and the rules."""
        return f"{self.answer.model_version or 'none'}.{self.rules}"


class Recommender:
    """Answers for one shop."""

    def __init__(self, settings: Settings, shop: str, store: ShopperStore) -> None:
        self.shop = shop
        self.catalogue = Catalogue(shop, settings.catalogue_path(shop))
        self.live = LiveModel(settings.bundles_dir, shop, self._prepare, bundle_keys(settings.bundle_keys))
        self.listings = Listings(self.catalogue)
        self.switches = Switches()
        self.faults: dict[str, str] = {}
        self._store = store
        self._cache: AnswerCache[Ranking] = AnswerCache(ttl_s=settings.cache_ttl_s, entries=settings.cache_entries)
        self._settings, self._budget_s = settings, settings.deadline_ms / 1_000
        self.rules = self._rules()
        self.overload = Overload(settings.max_in_flight, settings.deadline_ms / 2_000)  # half for waiting, half to work

    async def answer(self, query: Query, caller: Caller, model: Model | None = None) -> Served:
        """The shelves for one request, by the live model if none is given. Never raises for a failing dependency."""
        deadline = time.monotonic() + self._budget_s
        model = model or self.live.current
        if query.surface in self.switches.off:
            return self.popular(query, "switched_off")
        if model is None:
            return self.popular(query, "model")
        if not self.switches.serves(caller.visit):
            return self.popular(query)

        if not caller.personal and not query.session:
            with self.overload:
                return self._shelve(query, self._everybodys(model, query, deadline), "public", NOTHING_KNOWN)

        known, failed = await self._know(caller)
        with self.overload:
            if failed and not query.session:
                # No store: what everybody gets on this page, most likely worked out already.
                cached = self._everybodys(model, query, deadline)
                return self._shelve(query, cached.map(lambda ranking: ranking.marked(*failed)), "none", known)
            if time.monotonic() >= deadline:
                return self.popular(query, *failed, "deadline", model=model, known=known)

            CACHE.add(_MISSED)
            ranking = self._rank(model, query, known, deadline)
            return self._shelve(query, _fresh(ranking.marked(*failed) if failed else ranking), "private", known)

    def rehearse(self, model: Model, query: Query, known: Known) -> Page:
        """What a model would answer: past cache and deadline, and nothing of it is kept or counted as served."""
        ranking = self._rank(model, query, known, math.inf, _REHEARSED)
        return shelve(query, ranking, self.catalogue, self._settings.new_places)

    def popular(self, query: Query, *degraded: str, model: Model | None = None, known: Known | None = None) -> Served:
        """The popular list, ready since the model was loaded: for surfaces off and held-out shoppers."""
        return self._shelve(query, _fresh(_popular(query, model or self.live.current, degraded)), "private", known)

    def excess(self, query: Query, category: str | None) -> Served:
        """The popular list of a category, or of the shop, for what is past the knee; whoever shows it counts it."""
        ranking = _fresh(_popular(query, self.live.current, ("overload",), category))
        return Served(shelve(query, ranking.value, self.catalogue), "none", ranking, None, self.rules)

    @property
    def state(self) -> tuple[object, ...]:
        """All that shapes an answer for everybody besides its question: the same state, the same answer."""
        model = self.live.current
        return (model and model.version, self.rules, self.listings.revision, self.catalogue.revision)

    def _key(self, query: Query, model: Model) -> tuple[object, ...]:
        """Everything a contextual ranking depends on."""
        market, locale = query.market or self._settings.market, query.locale or self._settings.locale
        rules = (
            model.version,
            self.switches,
            query.slots,
            query.limit,
            query.exclude,
            query.filter,
            self.listings.revision,
        )
        return (self.shop, query.surface, query.product_id, query.cart, market, locale, *rules)

    async def _know(self, caller: Caller) -> tuple[Known, tuple[str, ...]]:
        """The one trip to the store; when it fails, nothing is known, and that is said."""
        if not caller.personal:
            return NOTHING_KNOWN, ()
        started = time.perf_counter()
        try:
            return await self._store.read(caller), ()
        except StoreUnavailableError:
            return NOTHING_KNOWN, ("profile",)
        finally:
            _STORE.add(time.perf_counter() - started)

    def _everybodys(self, model: Model, query: Query, deadline: float) -> Cached[Ranking]:
        """The ranking for those nothing is known of, found or made; one that something failed in is not kept.

        A shopper's own is not kept: the same page for the same visit does not come again within seconds, but from the
        browser, which has it. To keep it costs more than what it would save.
        """
        key = self._key(query, model)
        cached = self._cache.find(key)
        CACHE.add(_FOUND if cached else _MISSED)
        if cached:
            return cached
        ranking = self._rank(model, query, NOTHING_KNOWN, deadline)
        return self._cache.keep(key, ranking) if _LASTING.issuperset(ranking.degraded) else _fresh(ranking)

    def _rank(
        self,
        model: Model,
        query: Query,
        known: Known,
        deadline: float,
        stages: tuple[Measured, Measured] = (_RETRIEVE, _RANK),
    ) -> Ranking:
        """Candidates and their order for each shelf: all that may be a few seconds old."""
        began, catalogue, failed = time.perf_counter(), self.catalogue, list[str]()
        if any(id_ not in catalogue and id_ not in model.index.position for id_ in page_products(query, known)):
            failed.append("unknown_product")
        history = History.of(model.index, known.profile)
        evidence = gather_evidence(model, query, known, history, self.listings.of(model.index))
        slots = query.slots or order_for(query.surface, orders=_orders(known), visiting=bool(evidence.visit))
        found = find(model, slots, evidence)
        retrieved = time.perf_counter()
        scores: Scores = {}
        if time.monotonic() < deadline:
            scores = try_score(model, found, evidence.context, failed)
        else:
            failed.append("deadline")
        spread = self._settings.diversity
        shelves = tuple([arrange(model, slot, found, scores, evidence, catalogue, spread) for slot in slots])
        stages[0].add(retrieved - began)
        stages[1].add(time.perf_counter() - retrieved)
        return Ranking(model, shelves, tuple(failed), tuple(known.session.cart) if known.session else ())

    def _shelve(self, query: Query, cached: Cached[Ranking], sharing: Sharing, known: Known | None) -> Served:
        """The live rules, after the cache: prices, stock, and what may not be shown twice."""
        began = time.perf_counter()
        answer = shelve(query, cached.value, self.catalogue, self._settings.new_places)
        _SHELVE.add(time.perf_counter() - began)
        count_shown(answer)
        if answer.degraded and not _LASTING.issuperset(answer.degraded):
            sharing = "none"
        return Served(answer, sharing, cached, known, self.rules)

    def refresh(self) -> None:
        """Look for a new bundle, catalogue and switches, off the request path; what is damaged changes nothing."""
        changed = self.live.refresh()
        for name, step in (("catalogue", self.catalogue.reload), ("switches", self._read_switches)):
            try:
                changed = bool(step()) or changed
                self.faults.pop(name, None)
            except BundleError as error:
                self.faults[name] = str(error)
        if changed:
            # Model and catalogue stay: walking their hundred thousand objects at each full collection would stop all
            # requests for some 30 ms. They still go when nothing refers to them any more.
            gc.freeze()

    def _prepare(self, model: Model) -> None:
        """Have ready what joins a model to the catalogue, before the first request asks it."""
        self.catalogue.live.rows_of(model.index)

    def refresh_listings(self) -> None:
        """Work out who stands in for what was listed or changed, off the request path."""
        models = dict.fromkeys((self.live.current, self.live.canary, self.live.shadow))
        indexes = [model.index for model in models if model is not None]
        self.catalogue.keep(indexes)
        self.listings.refresh(*indexes)

    def _read_switches(self) -> bool:
        switches = read_switches(self._settings.bundles_dir, self.shop)
        if switches != self.switches:
            self.switches = switches
            self.rules = self._rules()
        return False

    def _rules(self) -> str:
        """Eight hex digits of all that shapes answers and is no model: switches, settings, this program's version."""
        settings = self._settings
        said = (settings.diversity, settings.new_places, settings.market, settings.locale, _PROGRAM)
        return hashlib.blake2s(repr((self.switches, *said)).encode(), digest_size=4).hexdigest()


def count_shown(page: Page) -> None:
    """Count a page; once for each time that it is shown."""
    for shelf in page.shelves:
        SLOTS.add(shelf)
    for what in page.degraded:
        DEGRADED.add((what,))


def _fresh(ranking: Ranking) -> Cached[Ranking]:
    """A ranking just made, and kept nowhere."""
    return Cached(ranking, 0, 0, hit=False)


def _popular(query: Query, model: Model | None, degraded: tuple[str, ...], category: str | None = None) -> Ranking:
    """Empty shelves, of those that are filled with what is popular."""
    slots = query.slots or slots_of(query.surface)
    shelves = tuple(Shelf(slot, "popular", NO_PICKS) for slot in slots if SPECS[slot].falls_back)
    return Ranking(model, shelves, degraded, category=category)


def _orders(known: Known) -> int:
    return known.profile.orders if known.profile else 0
