/**
 * Endcap on the page. One file without dependencies, at most 10 kB compressed; docs/theme-script.md is its manual.
 *
 * The data layer (`getShelves`, `getPages`, `track`, `setConsent`) needs no DOM: Node 20 and browsers. Browsers also get
 * the element `<endcap-shelf>`, which asks once for all shelves of a page and leaves its own content where nothing comes.
 */

// --- data layer ------------------------------------------------------------------------------------------------------

const LISTS = ["product_ids", "session", "consent", "slots", "exclude"];
const MAX_PAGES = 20; // questions per batch; the server's limit, as are the next two
const MAX_EVENTS = 100;
const MAX_BODY = 60_000; // bytes; browsers refuse beacons of more than 64 kB
const MAX_URL = 4_000;
const HOME = /^https?:/.test(import.meta.url) ? new URL(".", import.meta.url).href : undefined;
const filled = new WeakMap(); // id and time of events sent without, so that sending them again counts once

const config = () => globalThis.endcap ?? {};
const list = (value) => (Array.isArray(value) ? value : `${value ?? ""}`.split(",")).map((one) => `${one}`.trim()).filter(Boolean);
const uuid = () =>
  crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * One page's shelves. Never rejects because of the server: then it is `options.fallback`, by default an empty answer.
 * @param {"pdp" | "cart" | "home"} surface
 * @param {object} query names of the wire: product_id, product_ids, visitor_id, session, consent, slots, limit, ...
 * @param {object} options endpoint, key, timeout (ms, 1000), signal, fallback (Answer or function of the error), fetch
 * @returns {Promise<object>} Answer; rejects with the reason when the caller's own signal aborts
 */
export async function getShelves(surface, query = {}, options = {}) {
  const [{ answer }] = await ask([{ ...query, surface }], options);
  return answer;
}

/** Several pages in one request; each query names its `surface`. Answers come in the same order, each with its fallback. */
export async function getPages(queries, options = {}) {
  return (await ask(queries, options)).map(({ answer }) => answer);
}

/**
 * Says what a shopper did. `id`, `time` and `source` are filled in; the same objects sent again count once.
 * @param {object | object[]} events
 * @param {object} options as above (timeout 5000); `beacon` hands them to the browser, which tells no results
 * @returns {Promise<object[] | null>} a result per event, none for beacons; null when they could not be sent
 */
export async function track(events, options = {}) {
  const results = [];
  for (const part of parts([events].flat().map(complete))) {
    const said = await post("/v1/events", { events: part }, options);
    if (!said) return null;
    results.push(...(said.results ?? []));
  }
  return results;
}

/**
 * Stores a shopper's whole decision: purposes not named are denied, and what they allowed is deleted on the server.
 * @returns {Promise<string[] | null>} the purposes in force; null when it could not be sent
 */
export async function setConsent({ consent, id = uuid(), ...who }, options = {}) {
  const said = await post("/v1/consent", { id, ...who, consent: list(consent) }, options);
  return said && (said.consent ?? list(consent));
}

/** @returns {Promise<{answer, error?, headers?}[]>} one for each query; rejects only for the caller's own faults. */
async function ask(queries, options) {
  if (queries.length > MAX_PAGES) {
    return [...(await ask(queries.slice(0, MAX_PAGES), options)), ...(await ask(queries.slice(MAX_PAGES), options))];
  }
  if (!queries.length) return [];
  const [path, init] = question(queries.map(clean), options.key);
  let members, headers;
  try {
    const said = await request(path, init, options);
    headers = said.headers;
    members = queries.length === 1 ? [{ status: 200, body: said.body }] : said.body.results;
  } catch (error) {
    if (options.signal?.aborted || error instanceof Misuse) throw error;
    members = queries.map(() => ({ error }));
  }
  return queries.map((query, place) => {
    const { status, body, error = refusal(status, body) } = members?.[place] ?? {};
    if (status === 200 && Array.isArray(body?.slots)) return { answer: body, headers };
    return { answer: instead(options.fallback, error, query), error, headers };
  });
}

class Misuse extends TypeError {}

const refusal = (status, body) => Object.assign(new Error(`answered ${status}: ${body?.detail ?? "no shelves"}`), { status, body });

function instead(fallback, error, query) {
  const given = typeof fallback === "function" ? fallback(error, query) : fallback;
  return given ?? { surface: query.surface, model_version: null, degraded: ["client"], slots: [] };
}

/** What is said of a query, in the wire's types: lists split, ids and numbers as such, nothing that is empty. */
function clean(query) {
  const fields = {};
  for (const [name, value] of Object.entries(query)) {
    const said = LISTS.includes(name) ? list(value) : /_id$/.test(name) ? `${value ?? ""}` : value;
    if (said == null || said.length === 0) continue;
    fields[name] = name === "limit" || name === "min_score" ? Number(said) : said;
  }
  return fields;
}

/** GET where a URL can hold it. Never both product names in one: Shopify's two signers sort them differently. */
function question(queries, key) {
  const named = key && !secret(key) ? { key } : {};
  const bodies = queries.map((query) => ({ ...query, ...named }));
  if (bodies.length > 1) return ["/v1/recommendations", write({ requests: bodies })];
  const { surface, ...fields } = bodies[0];
  const path = `/v1/recommendations/${encodeURIComponent(surface)}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    search.set(name, Array.isArray(value) ? value : typeof value === "object" ? JSON.stringify(value) : value);
  }
  const both = fields.product_id && fields.product_ids;
  const commas = LISTS.some((name) => fields[name]?.some((one) => one.includes(",")));
  if (both || commas || fields.lines || `${search}`.length > MAX_URL) return [path, write(fields)];
  return [`${search}` ? `${path}?${search}` : path, {}];
}

// Strings go out as text/plain, which asks no other origin for leave first.
const write = (body) => ({ method: "POST", body: JSON.stringify(body) });
const secret = (key) => key.startsWith("sk_"); // belongs in a header: URLs and bodies are logged

/** Sends what must arrive. Returns the answer, {} for a beacon that the browser took, null when it could not be sent. */
async function post(path, body, options) {
  const { key, beacon, timeout = 5_000 } = options;
  const init = write(key && !secret(key) ? { ...body, key } : body);
  const url = address(path, options.endpoint);
  if (beacon && !(key && secret(key)) && globalThis.navigator?.sendBeacon?.(url, init.body)) return {};
  try {
    return (await request(path, { ...init, keepalive: true }, { ...options, timeout })).body;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return null;
  }
}

function address(path, endpoint = config().endpoint ?? HOME) {
  if (!endpoint) throw new Misuse("endpoint: name where Endcap is, such as https://edge.example.com or /apps/endcap");
  return endpoint.replace(/\/+$/, "") + path;
}

/** One request under one deadline, which also cuts a body that stops halfway. Throws what went wrong. */
async function request(path, init, { endpoint, key, timeout = 1_000, signal, fetch = globalThis.fetch }) {
  const url = address(path, endpoint);
  signal?.throwIfAborted();
  const stop = new AbortController();
  const cut = () => stop.abort(signal.reason);
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  signal?.addEventListener("abort", cut);
  const stopped = new Promise((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason)));
  const headers = key && secret(key) ? { Authorization: `Bearer ${key}` } : {};
  const answered = async () => {
    const response = await fetch(url, { ...init, headers, signal: stop.signal });
    const body = await response.json();
    if (!response.ok) throw refusal(response.status, body);
    return { body, headers: response.headers };
  };
  try {
    return await Promise.race([stopped, answered()]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cut);
  }
}

function complete(event) {
  if (!filled.has(event)) filled.set(event, { id: uuid(), time: new Date().toISOString(), source: "web" });
  return { ...filled.get(event), ...event };
}

/** Cuts events into bodies that server and beacons take. */
function parts(events) {
  const made = [];
  let size = MAX_BODY;
  for (const event of events) {
    const bytes = new TextEncoder().encode(JSON.stringify(event)).length + 1;
    if (size + bytes > MAX_BODY || made.at(-1).length === MAX_EVENTS) made.push((size = 0) || []);
    made.at(-1).push(event);
    size += bytes;
  }
  return made;
}

// --- consent, and what is kept of the shopper ------------------------------------------------------------------------

const PERSONAL = "personalization";
const ANALYTICS = "analytics";
const VISITOR = "endcap.visitor"; // the id alone; all else lies in VISIT
const VISIT = "endcap.visit";
const LIFETIME_MS = 395 * 86_400_000; // thirteen months, whatever happens in them
const VISIT_MS = 30 * 60_000;
const CONSENT_API_MS = 1_000;
const VIEWED = 10;

let granted = []; // the purposes in force on this page
let mine; // what is kept of this shopper, for browsers that refuse to store anything
const decisions = []; // not heard by the server yet

const allows = (...purposes) => purposes.some((purpose) => granted.includes(purpose));

const shopify = () => globalThis.Shopify;

/** What platform or shop say now; undefined where nobody says anything, which allows nothing and withdraws nothing. */
function stated() {
  const api = shopify()?.customerPrivacy;
  if (!api) return shopify()?.loadFeatures || config().consent === undefined ? undefined : list(config().consent);
  const may = { [PERSONAL]: "preferencesProcessingAllowed", [ANALYTICS]: "analyticsProcessingAllowed", marketing: "marketingAllowed" };
  return Object.keys(may).filter((purpose) => api[may[purpose]]?.());
}

/** Storage may be forbidden, full, or hold what others wrote. */
function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    return value === null ? localStorage.removeItem(name) : localStorage.setItem(name, value);
  } catch {
    return null;
  }
}

function kept() {
  try {
    const id = stored(VISITOR);
    return id ? { ...JSON.parse(stored(VISIT)), id } : mine;
  } catch {
    return mine;
  }
}

/** This shopper as far as consent allows: {id, born, rev, session}; made at the first need, {} where nothing may be. */
function me(change) {
  if (!allows(PERSONAL, ANALYTICS)) return {};
  const now = Date.now();
  const { id, ...old } = kept() ?? {};
  const young = id && now - old.born < LIFETIME_MS;
  const visit = { born: young ? old.born : now, consent: granted, noted: young && old.noted };
  if (allows(PERSONAL)) {
    const viewed = young && now - old.at < VISIT_MS ? list(old.session) : [];
    Object.assign(visit, { at: now, rev: (young && +old.rev) || 0, session: viewed });
  }
  mine = { ...visit, ...change?.(visit), id: young ? id : uuid() };
  const { id: name, ...rest } = mine;
  stored(VISITOR, name);
  stored(VISIT, JSON.stringify(rest));
  return mine;
}

/** Acts on what is allowed from now on; `acted` where the shopper has just decided. True when that changed something. */
function decide(acted) {
  const said = stated();
  const old = kept();
  const before = old ? list(old.consent) : granted;
  granted = (said ?? []).filter((purpose) => [PERSONAL, ANALYTICS, "marketing"].includes(purpose)).sort();
  const changed = `${granted}` !== `${before}`;
  if (!said || !changed || !(acted || old)) return changed;
  const lost = before.some((purpose) => purpose !== "marketing" && !allows(purpose));
  const forgotten = lost && (before.includes(PERSONAL) > allows(PERSONAL) || !allows(ANALYTICS));
  if (lost) queue.length = 0;
  if (forgotten) forget(old);
  tell(forgotten ? old?.id : me().id);
  return true;
}

function forget(old) {
  mine = undefined;
  stored(VISITOR, null);
  stored(VISIT, null);
  if (old?.noted) noteInCart("");
}

/** Tells the server of a decision, until it has heard it or the page is gone. */
function tell(visitor) {
  const who = { visitor_id: visitor, customer_id: config().customerId };
  if (who.visitor_id || who.customer_id) decisions.push({ ...who, id: uuid(), consent: granted });
  return deliver();
}

async function deliver(beacon = false) {
  for (const decision of [...decisions]) {
    if (await setConsent(decision, { ...settings(), beacon })) decisions.splice(decisions.indexOf(decision), 1);
  }
}

const settings = () => ({ endpoint: config().endpoint, key: config().key });

/** On Shopify, orders carry the cart's attributes: by this one they find the visit. Only where a cart surely exists. */
function noteInCart(id) {
  return shopCall("cart/update.js", { attributes: { _recs_sid: id } }).catch(() => {});
}

async function shopCall(path, body) {
  const url = (shopify().routes?.root ?? "/") + path;
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), keepalive: true });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

function joinOrders() {
  if (!shopify()?.routes || !allows(PERSONAL, ANALYTICS)) return;
  const { id, noted } = me();
  if (noted !== id) noteInCart(id).then(() => me(() => ({ noted: id })));
}

// --- what happens on the page ----------------------------------------------------------------------------------------

const FLUSH_MS = 1_000;
const SEEN_MS = 1_000;
const IMPRESSION = "recommendation-impression";

const queue = [];
const counted = new Set(); // impressions of this page
let flushing;
let viewed;

function note(type, fields) {
  if (!allows(PERSONAL, ANALYTICS)) return;
  const viewing = type === "detail-page-view" ? fields.products[0].product_id : undefined;
  const { id } = me(({ rev, session }) => {
    if (!allows(PERSONAL) || type === IMPRESSION) return {};
    return { rev: rev + 1, session: viewing ? [...session.filter((one) => one !== viewing), viewing].slice(-VIEWED) : session };
  });
  queue.push(complete({ type, visitor_id: id, customer_id: config().customerId, consent: granted, ...fields }));
  flushing ??= setTimeout(flush, FLUSH_MS);
}

async function flush() {
  clearTimeout(flushing);
  flushing = undefined;
  const sent = queue.splice(0);
  if ((await track(sent, { ...settings(), beacon: true })) || !allows(PERSONAL, ANALYTICS)) return;
  queue.unshift(...sent.slice(-MAX_EVENTS));
}

/** The page's own event, told once, by the shelf that says most about the page. */
function viewPage() {
  if (config().pageViews === false || !allows(PERSONAL, ANALYTICS)) return;
  const pages = [...shelves].map((shelf) => shelf.page()).filter(Boolean);
  const page = ["pdp", "home", "cart"].map((surface) => pages.find((one) => one.surface === surface)).find(Boolean);
  const key = page && [page.surface, page.product_id, location.pathname, location.search].join();
  if (!page || key === viewed) return;
  viewed = key;
  const type = { pdp: "detail-page-view", home: "home-page-view", cart: "shopping-cart-page-view" }[page.surface];
  const ids = page.surface === "pdp" ? [page.product_id] : (page.product_ids ?? []);
  note(type, { products: ids.map((id) => ({ product_id: id })) });
  if (page.surface === "cart" && ids.length) joinOrders();
}

// --- asking: once for all shelves of the page ------------------------------------------------------------------------

const shelves = new Set();
const waiting = new Set(); // shelves not asked for yet
let decided; // settles once it is known what the shopper allows
let asking;
let near;

function whenNear(entries) {
  if (entries.some((entry) => entry.isIntersecting)) asking ??= decided.then(askAll);
}

function askAll() {
  asking = undefined;
  const places = new Map();
  for (const shelf of waiting) {
    near.unobserve(shelf);
    const page = shelf.page();
    if (!page) {
      shelf.show();
      continue;
    }
    const place = shelf.getAttribute("endpoint") ?? "";
    const pages = places.get(place) ?? places.set(place, new Map()).get(place);
    const group = pages.get(JSON.stringify(page)) ?? { page, shelves: [] };
    group.shelves.push([shelf, (shelf.turn = {})]);
    pages.set(JSON.stringify(page), group);
  }
  waiting.clear();
  for (const [endpoint, pages] of places) fetchPages([...pages.values()], endpoint);
}

async function fetchPages(groups, endpoint) {
  const queries = groups.map(({ page, shelves: asked }) => {
    const slots = asked.map(([shelf]) => shelf.getAttribute("slot"));
    const limit = Math.max(...asked.map(([shelf]) => shelf.limit));
    return { ...page, ...identity(), limit, ...(slots.every(Boolean) && { slots: [...new Set(slots)] }) };
  });
  const started = performance.now();
  const options = settings();
  const said = await ask(queries, endpoint ? { ...options, endpoint } : options).catch((error) => queries.map(() => ({ answer: { slots: [] }, error })));
  const ms = performance.now() - started;
  said.forEach(({ answer, error, headers }, place) => {
    const read = (name) => headers?.get(name) ?? null;
    const told = { timing: read("server-timing"), cache: read("cache-status"), version: read("x-endcap-version"), requestId: read("x-request-id") };
    const query = queries[place];
    const detail = { surface: query.surface, query, answer, ms, failed: Boolean(error), error, headers: told };
    document.dispatchEvent(new CustomEvent("endcap:answer", { detail }));
    deal(groups[place].shelves, answer);
  });
}

function identity() {
  const { id, rev, session } = me();
  return { consent: granted, ...(allows(PERSONAL) && { visitor_id: id, customer_id: config().customerId, rev, session }) };
}

/** Each shelf gets its slot; those that name none get what is left, in the answer's order. */
function deal(asked, { slots }) {
  const named = asked.map(([shelf]) => shelf.getAttribute("slot"));
  const left = slots.filter((slot) => !named.includes(slot.id));
  for (const [shelf, turn] of asked) {
    const name = shelf.getAttribute("slot");
    const slot = name ? slots.find((one) => one.id === name) : left.shift();
    if (shelf.turn === turn) shelf.show(slot);
  }
}

function refresh() {
  for (const shelf of shelves) shelf.ask();
  viewPage();
}

// --- the element -----------------------------------------------------------------------------------------------------

const LABELS = { add: "Add to cart", added: "Added to cart", failed: "Could not be added to the cart", previous: "Previous", next: "Next", was: "was" };

const STYLE = `
:host{display:block;min-inline-size:0;--c:var(--endcap-columns,2.2);--g:var(--endcap-gap,1rem)}
:host([hidden]){display:none}
@media (min-width:48rem){:host{--c:var(--endcap-columns,4)}}
@media (min-width:75rem){:host{--c:var(--endcap-columns,5)}}
.stack{display:grid}
.stack>*{grid-area:1/1;min-inline-size:0}
slot{display:block}
.away{visibility:hidden}
.gone{display:none}
.head{display:flex;align-items:center;justify-content:space-between;gap:1rem;min-block-size:2.75rem;margin-block-end:.75rem}
[part=heading]{margin:0;font-size:1.35em;line-height:1.3;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.nav{display:flex;gap:.5rem;flex:none}
.nav button{inline-size:2.75rem;block-size:2.75rem;border-radius:50%;font-size:1.25em;line-height:1}
.nav.off{visibility:hidden}
button{font:inherit;color:inherit;background:none;border:1px solid;border-radius:var(--endcap-radius,.5rem);cursor:pointer;padding:0}
button[aria-disabled=true]{opacity:.4;cursor:default}
[part=list]{display:grid;grid-auto-flow:column;grid-auto-columns:var(--endcap-card-width,calc((100% - (var(--c) - 1)*var(--g))/var(--c)));gap:var(--g);
list-style:none;margin:-4px;padding:4px;overflow-x:auto;overscroll-behavior-x:contain;scroll-snap-type:x proximity;scroll-padding-inline:4px;scrollbar-width:none}
[part=item]{scroll-snap-align:start;min-inline-size:0}
[part=card]{display:flex;flex-direction:column;gap:.4rem;block-size:100%}
a{display:block;color:inherit;text-decoration:none}
a:hover [part=title]{text-decoration:underline}
.frame{display:block;aspect-ratio:var(--endcap-image-ratio,1);overflow:hidden;border-radius:var(--endcap-radius,.5rem);background:rgb(128 128 128/.12)}
img{display:block;inline-size:100%;block-size:100%;object-fit:cover}
[part=title]{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden;line-height:1.35;block-size:2.7em;margin-block-start:.5rem;overflow-wrap:anywhere}
.cost{display:flex;flex-wrap:wrap;gap:0 .5em;line-height:1.5;block-size:1.5em;overflow:hidden}
[part=price]{font-weight:600}
[part=button]{min-block-size:2.75rem;margin-block-start:auto}
:focus-visible{outline:2px solid;outline-offset:2px}
.v{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (prefers-reduced-motion:no-preference){[part=list]{scroll-behavior:smooth}}`;

let sheet;
let seeing;
let calm;
const timers = new WeakMap();
const impressions = new WeakMap();

const BLANK = "\u00a0";

/** An element with attributes and children; texts become text nodes, so no data ever becomes markup. */
function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A link or image address, if it leads to the web; anything else, such as `javascript:`, is dropped. */
function safe(url) {
  try {
    const { protocol, href } = new URL(url || "x:", document.baseURI);
    return /^https?:$/.test(protocol) ? href : null;
  } catch {
    return null;
  }
}

const label = (name) => config().labels?.[name] ?? LABELS[name];

const canAdd = () => Boolean(config().onAdd || shopify()?.routes);

class Shelf extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["surface", "slot", "product-id", "product-ids", "limit", "heading", "heading-level", "locale", "market", "endpoint"];

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.own = make("slot", {});
    this.own.addEventListener("slotchange", () => this.settle());
    this.stack = make("div", { class: "stack" }, this.own);
    root.append(this.stack);
  }

  connectedCallback() {
    if (!this.section) this.draw();
    this.ask();
    decided.then(viewPage);
  }

  disconnectedCallback() {
    shelves.delete(this);
    waiting.delete(this);
    near.unobserve(this);
    calm.unobserve(this);
  }

  attributeChangedCallback(name, before, after) {
    if (!this.section || !this.isConnected || before === after) return;
    this.ask();
    decided.then(viewPage);
  }

  /** What to ask for; undefined where the attributes do not say enough. */
  page() {
    const said = (name) => this.getAttribute(name) || undefined;
    const surface = said("surface");
    const page = { surface, locale: said("locale") ?? config().locale, market: said("market") ?? config().market };
    if (surface === "pdp") page.product_id = said("product-id");
    else if (surface === "cart") page.product_ids = list(said("product-ids"));
    return surface && (surface !== "pdp" || page.product_id) ? page : undefined;
  }

  get limit() {
    return Math.min(Math.max(Math.trunc(this.getAttribute("limit")) || 8, 1), 50);
  }

  ask() {
    shelves.add(this);
    waiting.add(this);
    near.unobserve(this); // so that one that stands there already is told of again
    near.observe(this);
  }

  /** Shows a slot of the answer; without one the element's own content stays. */
  show(slot) {
    const items = (slot?.items ?? []).slice(0, this.limit);
    this.state = items.length ? "ready" : "fallback";
    if (items.length || this.section.dataset.full) this.draw(items.length ? { ...slot, items } : undefined);
    this.settle();
  }

  /** One of shelf and own content is seen; the other keeps its space until that can go without moving anything. */
  settle() {
    const own = this.own.assignedNodes().some((node) => node.nodeType === 1 || node.data?.trim());
    const ready = this.state === "ready";
    const waits = !this.state && !own;
    this.own.className = ready ? "away" : "";
    this.section.className = ready || waits ? "" : "away";
    this.section.inert = !ready;
    this.dataset.state = this.state ?? "loading";
    calm.unobserve(this);
    if (this.state) calm.observe(this);
  }

  tighten() {
    calm.unobserve(this);
    (this.state === "ready" ? this.own : this.section).classList.add("gone");
  }

  draw(slot) {
    const level = Math.min(Math.max(Math.trunc(this.getAttribute("heading-level")) || 2, 1), 6);
    const title = this.getAttribute("heading") ?? slot?.title ?? BLANK;
    const cards = slot ? slot.items : Array.from({ length: Math.min(this.limit, 6) });
    const rows = make("ul", { part: "list", role: "list" }, ...cards.map((item) => this.card(item, slot)));
    const [first, second] = getComputedStyle(this).direction === "rtl" ? "›‹" : "‹›";
    const nav = make("div", { class: "nav" }, this.mover(rows, -1, "previous", first, title), this.mover(rows, 1, "next", second, title));
    this.status = make("p", { class: "v", role: "status" });
    const head = make("div", { class: "head" }, make(`h${level}`, { part: "heading", id: "h" }, title), nav);
    const section = make("section", { part: "shelf", "aria-labelledby": "h" }, head, rows, this.status);
    if (slot) section.dataset.full = "1";
    this.section?.remove();
    this.stack.append(section);
    this.section = section;
    this.move(rows, nav);
    if (slot) for (const item of rows.children) seeing.observe(item);
    if (!slot) this.settle();
  }

  card(item, slot) {
    const product = item?.product ?? {};
    const title = product.title || item?.id || BLANK;
    const image = safe(product.image);
    // The title beside the picture says it all: the same text once more would be read out twice.
    const picture = image && make("img", { part: "image", src: image, alt: "", loading: "lazy", decoding: "async" });
    picture?.addEventListener("error", () => picture.remove());
    const frame = make("span", { class: "frame", part: "frame" }, ...(picture ? [picture] : []));
    const link = make("a", { part: "link", href: item && safe(product.url) }, frame, make("span", { part: "title" }, title));
    const card = make("div", { part: "card" }, link, this.cost(product));
    const row = make("li", { part: "item" }, card);
    if (item) {
      const did = { slot: slot.id, attribution_token: slot.attribution_token };
      const clicked = () => (note("recommendation-click", { ...did, products: [line(item)] }), flush());
      link.addEventListener("click", clicked);
      link.addEventListener("auxclick", clicked);
      impressions.set(row, { ...did, products: [line(item)] });
    }
    if (canAdd()) card.append(this.button(item, slot, title));
    return row;
  }

  cost({ price, compare_at_price: compare }) {
    const cost = make("span", { class: "cost" }, make("span", { part: "price" }, price ? this.money(price) : BLANK));
    if (price && compare && Number(compare.amount) > Number(price.amount)) {
      cost.append(make("s", { part: "compare" }, make("span", { class: "v" }, `${label("was")} `), this.money(compare)));
    }
    return cost;
  }

  money({ amount, currency_code: currency }) {
    const locale = this.getAttribute("locale") || config().locale || document.documentElement.lang || undefined;
    for (const one of [locale, undefined]) {
      try {
        return new Intl.NumberFormat(one, { style: "currency", currency }).format(amount);
      } catch {
        // not a locale, or not a currency
      }
    }
    return `${amount} ${currency}`;
  }

  button(item, slot, title) {
    const button = make("button", { type: "button", part: "button", "aria-label": `${label("add")}: ${title}` }, label("add"));
    if (!item || !(config().onAdd || item.product.variant_id)) button.className = "away";
    else button.addEventListener("click", () => this.add(item, slot, button));
    return button;
  }

  async add(item, slot, button) {
    const { product } = item;
    const detail = { product: { id: item.id, ...product }, variant: product.variant_id, token: slot.attribution_token, slot: slot.id };
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true";
    try {
      if (this.dispatchEvent(new CustomEvent("endcap:add", { bubbles: true, composed: true, cancelable: true, detail }))) {
        await (config().onAdd ?? addToShopify)(detail);
        this.status.textContent = `${label("added")}: ${product.title}`;
      }
      const price = product.price && { price: Number(product.price.amount) };
      const products = [{ ...line(item), quantity: 1, ...price }];
      note("add-to-cart", { slot: slot.id, attribution_token: slot.attribution_token, currency: product.price?.currency_code, products });
      flush();
    } catch {
      this.status.textContent = label("failed");
    } finally {
      button.ariaDisabled = null;
    }
  }

  mover(rows, way, name, glyph, title) {
    const button = make("button", { type: "button", part: name, "aria-label": `${label(name)}: ${title}` }, glyph);
    button.addEventListener("click", () => {
      const turn = getComputedStyle(rows).direction === "rtl" ? -1 : 1;
      rows.scrollBy({ left: way * turn * rows.clientWidth * 0.9 });
    });
    return button;
  }

  /** Arrow keys, Home and End walk along the cards; the buttons show what is left to see. */
  move(rows, nav) {
    const update = () => {
      const at = Math.abs(rows.scrollLeft);
      const rest = rows.scrollWidth - rows.clientWidth;
      nav.classList.toggle("off", rest < 2);
      nav.firstChild.ariaDisabled = at < 2;
      nav.lastChild.ariaDisabled = at > rest - 2;
    };
    rows.addEventListener("scroll", update, { passive: true });
    new ResizeObserver(update).observe(rows);
    rows.addEventListener("keydown", (event) => {
      const links = [...rows.querySelectorAll("a[href]")];
      const at = links.indexOf(event.target.closest("li")?.querySelector("a[href]"));
      const ahead = getComputedStyle(rows).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
      const to = { Home: 0, End: links.length - 1, ArrowLeft: at - 1, ArrowRight: at - 1, [ahead]: at + 1 }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      links[Math.min(Math.max(to, 0), links.length - 1)]?.focus();
    });
  }
}

const line = ({ id, product }) => ({ product_id: id, ...(product.variant_id && { variant_id: product.variant_id }) });

async function addToShopify({ variant }) {
  const cart = await shopCall("cart/add.js", { items: [{ id: variant.split("/").pop(), quantity: 1 }] });
  document.dispatchEvent(new CustomEvent("endcap:added", { detail: cart }));
  joinOrders();
}

/** Half a card seen for a second, on a page that is looked at. */
function whenSeen(entries) {
  for (const { target, isIntersecting } of entries) {
    clearTimeout(timers.get(target));
    if (isIntersecting) timers.set(target, setTimeout(() => seen(target), SEEN_MS));
  }
}

function seen(row) {
  seeing.unobserve(row);
  if (document.hidden) return seeing.observe(row); // told of again when the page is drawn again
  const did = impressions.get(row);
  const key = did.attribution_token + did.products[0].product_id;
  if (counted.has(key) || !allows(PERSONAL, ANALYTICS)) return undefined;
  counted.add(key);
  const same = queue.find((one) => one.type === IMPRESSION && one.attribution_token === did.attribution_token);
  return same ? void same.products.push(...did.products) : note(IMPRESSION, did);
}

// --- starting --------------------------------------------------------------------------------------------------------

function whenDecided() {
  if (shopify()?.customerPrivacy || !shopify()?.loadFeatures) return Promise.resolve(decide());
  return new Promise((done) => {
    const loaded = () => done(decide() && refresh());
    shopify().loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], loaded);
    setTimeout(done, CONSENT_API_MS);
  });
}

async function act() {
  if (!decide(true)) return;
  if (allows(PERSONAL, ANALYTICS)) await deliver();
  refresh();
}

/** What another tab, or this one while it slept, has lost: the shopper withdrew there. */
function lostElsewhere() {
  granted = [];
  queue.length = 0;
  mine = undefined;
  refresh();
}

function start() {
  sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  near = new IntersectionObserver(whenNear, { rootMargin: "400px" });
  seeing = new IntersectionObserver(whenSeen, { threshold: 0.5 });
  calm = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting, boundingClientRect: box } of entries) {
      if (!isIntersecting && (box.top >= innerHeight || !box.width)) target.tighten();
    }
  });
  const shop = (globalThis.endcap ??= {});
  shop.setConsent = (purposes) => {
    shop.consent = list(purposes);
    return act();
  };
  decided = whenDecided();
  document.addEventListener("visitorConsentCollected", act);
  document.addEventListener("visibilitychange", () => document.hidden && leave());
  addEventListener("pagehide", leave);
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    viewed = undefined;
    if (mine && !stored(VISITOR)) lostElsewhere();
    else refresh();
  });
  addEventListener("storage", ({ key, newValue }) => {
    if ((key === VISITOR || key === null) && !newValue && mine) lostElsewhere();
  });
  customElements.define("endcap-shelf", Shelf);
}

function leave() {
  flush();
  deliver(true);
}

if (globalThis.customElements && globalThis.CSSStyleSheet && !customElements.get("endcap-shelf")) start();
