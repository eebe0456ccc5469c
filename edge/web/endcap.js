/**
 * Endcap on a page: the data layer, and in browsers `<endcap-shelf>`. Terse, since shoppers load every byte:
 * docs/theme-script.md explains it, endcap.d.ts has the types.
 */

// --- data layer

const LISTS = ["product_ids", "session", "consent", "slots", "exclude"];
const MAX_EVENTS = 100;
const MAX_BODY = 60_000;
const HOME = /^http/.test(import.meta.url) ? new URL(".", import.meta.url).href : undefined;
const filled = new WeakMap(); // ids given to events: sent again they count once

const config = () => globalThis.endcap ?? {};
const secret = (key) => key?.startsWith("sk_"); // URLs are logged
const shown = ({ key, shopper_token }) => ({ ...(key && !secret(key) && { key }), ...(shopper_token && { shopper_token }) });
const list = (value) =>
  (Array.isArray(value) ? value : `${value ?? ""}`.split(",")).map((one) => `${one}`.trim()).filter(Boolean);
const uuid = () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36);

/** One page's shelves; never rejects because of the server. */
export async function getShelves(surface, query = {}, options = {}) {
  return (await ask([{ ...query, surface }], options))[0].answer;
}

export async function getPages(queries, options = {}) {
  return (await ask(queries, options)).map(({ answer }) => answer);
}

/** Null when it could not be sent. */
export async function track(events, options = {}) {
  const results = [];
  for (let rest = [events].flat().map(complete), count; rest.length; rest = rest.slice(count)) {
    count = MAX_EVENTS;
    while (count > 1 && new Blob([JSON.stringify(rest.slice(0, count))]).size > MAX_BODY) count >>= 1;
    const said = await post("/v1/events", { events: rest.slice(0, count) }, options);
    if (!said) return null;
    results.push(...(said.results ?? []));
  }
  return results;
}

/** Null when it could not be sent. */
export async function setConsent({ consent, id = uuid(), ...who }, options = {}) {
  const said = await post("/v1/consent", { id, ...who, consent: list(consent) }, options);
  return said && (said.consent ?? list(consent));
}

async function ask(queries, options) {
  if (queries.length > 20) {
    return [...(await ask(queries.slice(0, 20), options)), ...(await ask(queries.slice(20), options))];
  }
  if (!queries.length) return [];
  const [path, init] = question(queries.map((query) => ({ ...clean(query), ...shown(options) })));
  const url = address(path, options);
  let members, headers;
  try {
    const said = await request(url, init, options);
    headers = said.headers;
    members = queries.length > 1 ? said.body.results : [{ status: 200, body: said.body }];
  } catch (error) {
    if (options.signal?.aborted) throw error;
    members = queries.map(() => ({ error }));
  }
  return queries.map((query, place) => {
    const { status, body, error = refusal(status, body) } = members?.[place] ?? {};
    if (status === 200 && Array.isArray(body?.slots)) return { answer: body, headers };
    const { fallback } = options;
    const instead = typeof fallback === "function" ? fallback(error, query) : fallback;
    const empty = { surface: query.surface, model_version: null, degraded: ["client"], slots: [] };
    return { answer: instead ?? empty, error, headers };
  });
}

const refusal = (status, body) => Object.assign(new Error(`${status}: ${body?.detail ?? "no shelves"}`), { status });

function clean(query) {
  const fields = {};
  for (const [name, value] of Object.entries(query)) {
    const said = LISTS.includes(name) ? list(value) : /_id$/.test(name) ? `${value ?? ""}` : value;
    if (said != null && said.length !== 0) fields[name] = said;
  }
  return fields;
}

/** Never both product names in a URL: Shopify's two signers sort them differently. */
function question(bodies) {
  if (bodies.length > 1) return ["/v1/recommendations", write({ requests: bodies })];
  const { surface, ...fields } = bodies[0];
  const path = `/v1/recommendations/${encodeURIComponent(surface)}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    search.set(name, value.constructor === Object ? JSON.stringify(value) : value);
  }
  if ((fields.product_id && fields.product_ids) || fields.lines || fields.shopper_token || `${search}`.length > 4_000) {
    return [path, write(fields)];
  }
  return [`${path}?${search}`, {}];
}

// Sent as text/plain: no preflight.
const write = (body) => ({ method: "POST", body: JSON.stringify(body) });

async function post(path, body, options) {
  const { key, beacon, timeout = 5_000 } = options;
  const init = write({ ...body, ...shown(options) });
  const url = address(path, options);
  if (beacon && !secret(key) && globalThis.navigator?.sendBeacon?.(url, init.body)) return {};
  try {
    return (await request(url, { ...init, keepalive: true }, { ...options, timeout })).body;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    return null;
  }
}

function address(path, { endpoint = config().endpoint ?? HOME }) {
  if (!endpoint) throw new TypeError("endpoint: name where Endcap is");
  return endpoint.replace(/\/+$/, "") + path;
}

/** The deadline also cuts a body that stops halfway. */
async function request(url, init, { key, timeout = 1_000, signal, fetch = globalThis.fetch }) {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const cut = () => stop.abort(signal.reason);
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeout} ms`)), timeout);
  signal?.addEventListener("abort", cut);
  const headers = secret(key) ? { Authorization: `Bearer ${key}` } : {};
  try {
    const response = await fetch(url, { ...init, headers, signal: stop.signal });
    const body = await response.json();
    if (!response.ok) throw refusal(response.status, body);
    return { body, headers: response.headers };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cut);
  }
}

function complete(event) {
  if (!filled.has(event)) filled.set(event, { id: uuid(), time: new Date().toISOString(), source: "web" });
  return { ...filled.get(event), ...event };
}

// --- consent

const PURPOSES = {
  personalization: "preferencesProcessingAllowed",
  analytics: "analyticsProcessingAllowed",
  marketing: "marketingAllowed",
};
const VISITOR = "endcap.visitor";
const VISIT = "endcap.visit";
const LIFETIME_MS = 395 * 86_400_000;
const VISIT_MS = 30 * 60_000;

let granted = []; // purposes in force
let mine; // where nothing can be stored
let decisions = []; // not heard yet

const personal = () => granted.includes("personalization");
const known = () => personal() || granted.includes("analytics");
const shopify = () => globalThis.Shopify;
const settings = (more) => ({ endpoint: config().endpoint, key: config().key, shopper_token: config().shopperToken, ...more });

/** Undefined, where nobody says anything, allows nothing and withdraws nothing. */
function stated() {
  const api = shopify()?.customerPrivacy;
  if (api) return Object.keys(PURPOSES).filter((purpose) => api[PURPOSES[purpose]]?.());
  return shopify()?.loadFeatures || config().consent === undefined ? undefined : list(config().consent);
}

/** Storage may be forbidden or full. */
function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    return value === null ? localStorage.removeItem(name) : localStorage.setItem(name, value);
  } catch {
    return null;
  }
}

function kept() {
  const id = stored(VISITOR);
  try {
    return id ? { ...JSON.parse(stored(VISIT)), id } : mine;
  } catch {
    return { id };
  }
}

/** This shopper, as far as consent allows; made at the first need. */
function me(change) {
  if (!known()) return {};
  const now = Date.now();
  const old = kept();
  const young = now - old?.born < LIFETIME_MS;
  const id = young ? old.id : uuid();
  const visit = { born: young ? old.born : now, consent: granted, noted: young && old.noted };
  if (personal()) {
    visit.at = now;
    visit.rev = (young && +old.rev) || 0;
    visit.session = young && now - old.at < VISIT_MS ? list(old.session) : [];
  }
  change?.(visit);
  stored(VISITOR, id);
  stored(VISIT, JSON.stringify(visit));
  return (mine = { ...visit, id });
}

/** Whether what is allowed has changed; `acted`: the shopper has just decided. */
function decide(acted) {
  const said = stated();
  const old = kept();
  const before = old ? list(old.consent) : granted;
  granted = (said ?? []).filter((purpose) => PURPOSES[purpose]).sort();
  const changed = `${granted}` !== `${before}` || (old && !known());
  if (!said || !changed || !(acted || old)) return changed;
  const forgotten = !known() || (!personal() && before.includes("personalization"));
  if (before.some((purpose) => !granted.includes(purpose))) queue = [];
  if (forgotten) {
    mine = undefined;
    stored(VISITOR, null);
    stored(VISIT, null);
    if (old?.noted) noteInCart("");
  }
  const who = { visitor_id: forgotten ? old?.id : me().id, customer_id: config().customerId };
  if (who.visitor_id || who.customer_id) decisions.push({ ...who, id: uuid(), consent: granted });
  return true;
}

async function deliver(beacon) {
  const told = decisions;
  decisions = [];
  for (const one of told) if (!(await setConsent(one, settings({ beacon })))) decisions.push(one);
}

// Orders find the visit by it.
const noteInCart = (id) => cartCall("update", { attributes: { _recs_sid: id } }).catch(() => {});

async function cartCall(name, body) {
  const headers = { "Content-Type": "application/json" };
  const url = `${shopify().routes.root}cart/${name}.js`;
  const response = await fetch(url, { ...write(body), headers, keepalive: true });
  if (!response.ok) throw refusal(response.status);
  return response.json();
}

/** Only where a cart exists: two first writes at once would make two. */
function joinOrders() {
  const { id, noted } = me();
  if (!id || id === noted || !shopify()?.routes) return;
  me((visit) => (visit.noted = id));
  noteInCart(id);
}

// --- events

const SOON_MS = 1_000;
const IMPRESSION = "recommendation-impression";
const VIEWS = { pdp: "detail-page-view", home: "home-page-view", cart: "shopping-cart-page-view" };

let queue = [];
let flushing;
let viewed;

function note(type, fields, now) {
  if (!known()) return;
  const { id } = me((visit) => {
    if (!personal() || type === IMPRESSION) return;
    visit.rev += 1;
    const [{ product_id: viewing } = {}] = type === VIEWS.pdp ? fields.products : [];
    if (viewing) visit.session = [...visit.session.filter((one) => one !== viewing), viewing].slice(-10);
  });
  queue.push(complete({ type, visitor_id: id, customer_id: config().customerId, consent: granted, ...fields }));
  if (now) flush();
  else flushing ??= setTimeout(flush, SOON_MS);
}

async function flush() {
  clearTimeout(flushing);
  flushing = undefined;
  const sent = queue;
  queue = [];
  if (!(await track(sent, settings({ beacon: true }))) && known()) queue = [...sent, ...queue].slice(-MAX_EVENTS);
}

// Of the shelf that says most.
function viewPage() {
  if (config().pageViews === false || !known()) return;
  const pages = [...shelves].map((shelf) => shelf.page());
  const [page] = Object.keys(VIEWS).flatMap((surface) => pages.find((one) => one?.surface === surface) ?? []);
  if (!page) return;
  const { surface, product_id, product_ids = [] } = page;
  const key = [surface, product_id, location.pathname, location.search].join();
  if (key === viewed) return;
  viewed = key;
  const ids = product_id ? [product_id] : product_ids;
  note(VIEWS[surface], { products: ids.map((id) => ({ product_id: id })) });
  if (product_ids.length) joinOrders();
}

// --- asking, once for all shelves of a page

const shelves = new Set();
const waiting = new Set(); // not asked for yet
let decided; // once it is known what is allowed
let asking, near;

function whenNear(entries) {
  if (entries.some((entry) => entry.isIntersecting)) asking ??= decided.then(askAll);
}

function askAll() {
  asking = undefined;
  const places = {};
  for (const shelf of waiting) {
    near.unobserve(shelf);
    const page = shelf.page();
    if (!page) shelf.show();
    else {
      const groups = (places[shelf.getAttribute("endpoint") ?? ""] ??= {});
      const group = (groups[JSON.stringify(page)] ??= { page, asked: [] });
      group.asked.push([shelf, (shelf.turn = {})]);
    }
  }
  waiting.clear();
  for (const [endpoint, groups] of Object.entries(places)) fetchPages(Object.values(groups), endpoint);
}

async function fetchPages(groups, endpoint) {
  const { id, rev, session } = me();
  const who = personal() && { visitor_id: id, customer_id: config().customerId, rev, session };
  const queries = groups.map(({ page, asked }) => {
    const slots = asked.map(([shelf]) => shelf.getAttribute("slot"));
    const limit = Math.max(...asked.map(([shelf]) => shelf.limit));
    return clean({ ...page, consent: granted, ...who, limit, slots: slots.every(Boolean) ? [...new Set(slots)] : [] });
  });
  const started = performance.now();
  const said = await ask(queries, settings({ ...(endpoint && { endpoint }), ...(!who && { shopper_token: 0 }) }));
  const ms = performance.now() - started;
  said.forEach(({ answer, error, headers }, place) => {
    const told = {
      timing: "server-timing",
      cache: "cache-status",
      version: "x-endcap-version",
      requestId: "x-request-id",
    };
    for (const name in told) told[name] = headers?.get(told[name]) ?? null;
    const query = queries[place];
    tell("endcap:answer", { surface: query.surface, query, answer, ms, failed: !!error, error, headers: told });
    deal(groups[place].asked, answer.slots);
  });
}

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** Shelves that name no slot get what is left, in the answer's order. */
function deal(asked, slots) {
  const names = asked.map(([shelf]) => shelf.getAttribute("slot"));
  const left = slots.filter((slot) => !names.includes(slot.id));
  asked.forEach(([shelf, turn], place) => {
    const slot = names[place] ? slots.find((one) => one.id === names[place]) : left.shift();
    if (shelf.turn === turn) shelf.show(slot);
  });
}

const refresh = () => shelves.forEach((shelf) => shelf.ask());

// --- the element

const LABELS = {
  add: "Add to cart",
  added: "Added to cart",
  failed: "Could not be added",
  previous: "Previous",
  next: "Next",
  was: "was",
};
const BLANK = "\u00a0";
// No height depends on what comes: a placeholder is as tall as the shelf.
const STYLE = `
:host{display:flow-root;min-inline-size:0;--g:var(--endcap-gap,1rem);--r:var(--endcap-radius,.5rem);
--w:calc((100% - (var(--endcap-columns) - 1)*var(--g))/var(--endcap-columns))}
:host([hidden]),.gone{display:none}
.stack,ul{display:grid}
.stack>*{grid-area:1/1;min-inline-size:0}
.away{visibility:hidden}
.head,.nav,.cost{display:flex;gap:.5rem}
.head{align-items:center;justify-content:space-between;padding-inline:4px;margin-block-end:.5rem}
[part=heading]{margin:0;font-size:clamp(1em,4.4vw,1.35em);line-height:1.5;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
button{font:inherit;color:inherit;background:none;border:1px solid;
border-radius:var(--r);cursor:pointer;padding:0;min-block-size:2.75rem}
.nav button{inline-size:2.75rem;border-radius:50%}
[aria-disabled=true]{opacity:.4}
ul{grid-auto-flow:column;grid-auto-columns:var(--endcap-card-width,var(--w,clamp(9rem,42vw,14rem)));gap:var(--g);
list-style:none;margin:-4px 0;padding:4px;overflow-x:auto;scroll-snap-type:x proximity;
scroll-padding-inline:4px;scrollbar-width:none}
li,section{position:relative}
li{scroll-snap-align:start}
[part=card]{display:flex;flex-direction:column;gap:.5rem;block-size:100%}
a{display:grid;gap:.5rem;color:inherit;text-decoration:none}
[part=frame]{aspect-ratio:var(--endcap-image-ratio,1);overflow:hidden;border-radius:var(--r);
background:rgb(128 128 128/.12)}
img{inline-size:100%;block-size:100%;object-fit:cover}
[part=title]{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;
overflow:hidden;line-height:1.5;block-size:2lh}
.cost{white-space:nowrap}
s{overflow:hidden;text-overflow:ellipsis}
[part=button]{margin-block-start:auto}
:focus-visible{outline:2px solid;outline-offset:2px}
.heard{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%)}
@media (prefers-reduced-motion:no-preference){ul{scroll-behavior:smooth}}`;

let sheet, seeing, calm;

/** Texts become text nodes: no data ever becomes markup. */
function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Drops `javascript:` and the like. */
function safe(url) {
  const { protocol, href } = make("a", { href: url || "x:" });
  return /^https?:$/.test(protocol) ? href : null;
}

const label = (name) => config().labels?.[name] ?? LABELS[name];
const bounded = (text, usual, most) => Math.min(Math.max(Math.trunc(text) || usual, 1), most);

class Shelf extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes =
    "surface slot product-id product-ids limit heading heading-level locale market endpoint".split(" ");

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.own = make("div", {}, make("slot", {}));
    this.own.addEventListener("slotchange", () => this.settle());
    this.stack = make("div", { class: "stack" }, this.own);
    root.append(this.stack);
  }

  connectedCallback() {
    if (!this.section) this.draw();
    this.settle();
    this.ask();
  }

  disconnectedCallback() {
    shelves.delete(this);
    waiting.delete(this);
    near.unobserve(this);
    calm.unobserve(this);
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && before !== after) this.ask();
  }

  ask() {
    this.turn = 0;
    shelves.add(this);
    waiting.add(this);
    near.unobserve(this);
    near.observe(this);
    decided.then(viewPage);
  }

  page() {
    const said = (name) => this.getAttribute(name) || undefined;
    const page = { surface: said("surface") };
    for (const name of ["locale", "market"]) page[name] = said(name) ?? config()[name];
    if (page.surface === "cart") page.product_ids = list(said("product-ids"));
    if (page.surface === "pdp") page.product_id = said("product-id");
    return page.surface && (page.surface !== "pdp" || page.product_id) ? page : undefined;
  }

  get limit() {
    return bounded(this.getAttribute("limit"), 8, 50);
  }

  show(slot) {
    const items = slot?.items?.filter((item) => item?.product).slice(0, this.limit) ?? [];
    if (items.length) this.draw({ ...slot, items });
    this.state = items.length ? "ready" : "fallback";
    this.settle();
  }

  /** What is not seen keeps its space until that can go without moving anything. */
  settle() {
    if (!this.section) return;
    const own = this.own.firstChild.assignedNodes().some((node) => node.nodeType === 1 || node.data?.trim());
    const ready = this.state === "ready";
    this.own.className = ready ? this.own.className || "away" : "";
    this.section.className = ready || !(this.state || own) ? "" : this.section.className || "away";
    this.section.inert = !ready;
    this.dataset.state = this.state ?? "loading";
    calm.unobserve(this);
    if (this.state) calm.observe(this);
  }

  tighten() {
    (this.state === "ready" ? this.own : this.section).className = "gone";
    this.style.minHeight = 0;
  }

  draw(slot) {
    const title = this.getAttribute("heading") || slot?.title || BLANK;
    const items = slot?.items ?? Array.from({ length: Math.min(this.limit, 6) });
    const rows = make("ul", { part: "list", role: "list" }, ...items.map((item) => this.card(item, slot)));
    const nav = make("div", { class: "nav" }, ...this.movers(rows, title));
    const level = bounded(this.getAttribute("heading-level"), 2, 6);
    const head = make("div", { class: "head" }, make(`h${level}`, { part: "heading", id: "h" }, title), nav);
    this.status = make("p", { class: "heard", role: "status" });
    this.section?.remove();
    this.section = make("section", { part: "shelf", "aria-labelledby": "h" }, head, rows, this.status);
    this.stack.append(this.section);
    if (slot) for (const row of rows.children) seeing.observe(row);
  }

  /** Without an item: a placeholder of the same size. */
  card(item, slot) {
    const product = item?.product ?? {};
    const title = product.title || item?.id || BLANK;
    const frame = make("span", { part: "frame" });
    const image = safe(product.image);
    // No alt: the title stands beside it.
    if (image) frame.append(make("img", { part: "image", src: image, alt: "", loading: "lazy" }));
    frame.firstChild?.addEventListener("error", () => frame.replaceChildren());
    const text = make("span", { part: "title" }, title);
    const link = make("a", { part: "link", href: item && safe(product.url) }, frame, text);
    const card = make("div", { part: "card" }, link, this.cost(product));
    const row = make("li", { part: "item" }, card);
    if (item) {
      const products = [{ product_id: item.id, variant_id: product.variant_id }];
      row.did = { slot: slot.id, attribution_token: slot.attribution_token, products };
      const clicked = () => note("recommendation-click", row.did, true);
      for (const type of ["click", "auxclick"]) link.addEventListener(type, clicked);
    }
    if (config().onAdd || shopify()?.routes) card.append(this.button(item, row.did, title));
    return row;
  }

  cost({ price, compare_at_price: former }) {
    const cost = make("span", { class: "cost" }, make("span", { part: "price" }, price ? this.money(price) : BLANK));
    if (+former?.amount > +price?.amount) {
      const was = make("span", { class: "heard" }, `${label("was")} `);
      cost.append(make("s", { part: "compare" }, was, this.money(former)));
    }
    return cost;
  }

  money({ amount, currency_code: currency }) {
    const locale = this.getAttribute("locale") || config().locale || document.documentElement.lang || undefined;
    const written = (as) => new Intl.NumberFormat(as, { style: "currency", currency }).format(amount);
    try {
      return written(locale);
    } catch {
      return written();
    }
  }

  button(item, did, title) {
    const text = label("add");
    const button = make("button", { type: "button", part: "button", "aria-label": `${text}: ${title}` }, text);
    if (item && (config().onAdd || item.product.variant_id)) {
      button.addEventListener("click", () => this.add(item, did, button));
    } else button.className = "away";
    return button;
  }

  async add({ id, product }, did, button) {
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true";
    const { slot, attribution_token: token } = did;
    const detail = { product: { id, ...product }, variant: product.variant_id, token, slot };
    const asked = new CustomEvent("endcap:add", { bubbles: true, composed: true, cancelable: true, detail });
    try {
      if (this.dispatchEvent(asked)) {
        await (config().onAdd ?? addToShopify)(detail);
        this.status.textContent = `${label("added")}: ${product.title}`;
      }
      const { amount, currency_code: currency } = product.price ?? {};
      note("add-to-cart", { ...did, currency, products: [{ ...did.products[0], price: amount && +amount }] }, true);
    } catch {
      this.status.textContent = label("failed");
    }
    button.ariaDisabled = null;
  }

  movers(rows, title) {
    const rtl = getComputedStyle(this).direction === "rtl";
    const buttons = ["previous", "next"].map((name, place) => {
      const right = rtl !== !!place;
      const named = { type: "button", part: name, "aria-label": `${label(name)}: ${title}` };
      const button = make("button", named, right ? "›" : "‹");
      button.addEventListener("click", () => rows.scrollBy({ left: rows.clientWidth * (right ? 0.9 : -0.9) }));
      return button;
    });
    const update = () => {
      const rest = rows.scrollWidth - rows.clientWidth;
      const at = Math.abs(rows.scrollLeft);
      [at < 2, at > rest - 2].forEach((end, place) => {
        buttons[place].ariaDisabled = end;
        buttons[place].className = rest < 2 ? "away" : "";
      });
    };
    rows.addEventListener("scroll", update, { passive: true });
    new ResizeObserver(update).observe(rows);
    rows.addEventListener("keydown", (event) => {
      const links = [...rows.querySelectorAll("a[href]")];
      const at = links.indexOf(event.target.closest("li")?.querySelector("a"));
      const [back, ahead] = rtl ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
      const to = { Home: 0, End: links.length - 1, [back]: at - 1, [ahead]: at + 1 }[event.key];
      if (to === undefined || !links[0] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const link = links[Math.min(Math.max(to, 0), links.length - 1)];
      link.focus();
      link.scrollIntoView({ block: "nearest", inline: "start" });
    });
    return buttons;
  }
}

async function addToShopify({ variant }) {
  tell("endcap:added", await cartCall("add", { items: [{ id: variant.split("/").pop(), quantity: 1 }] }));
  joinOrders();
}

function whenSeen(entries) {
  for (const { target, intersectionRatio } of entries) {
    clearTimeout(target.timer);
    if (intersectionRatio >= 0.5) target.timer = setTimeout(seen, SOON_MS, target);
  }
}

function seen(row) {
  seeing.unobserve(row);
  if (document.hidden) return seeing.observe(row);
  const { did } = row;
  const same = queue.find((one) => one.type === IMPRESSION && one.attribution_token === did.attribution_token);
  return same ? same.products.push(...did.products) : note(IMPRESSION, { ...did, products: [...did.products] });
}

/** What Shopify's API says after a second still counts. */
function whenDecided() {
  if (shopify()?.customerPrivacy || !shopify()?.loadFeatures) return act();
  return new Promise((done) => {
    shopify().loadFeatures([{ name: "consent-tracking-api", version: "0.1" }], () => done(act()));
    setTimeout(done, 1_000);
  });
}

async function act(event) {
  if (!decide(event)) return;
  const told = deliver();
  if (event && known()) await told; // a denial held there would win
  refresh();
}

function lostElsewhere() {
  granted = [];
  queue = [];
  mine = undefined;
  refresh();
}

function leave() {
  flush();
  deliver(true);
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
    return act(true);
  };
  const after = (waits, type) => new Promise((done) => (waits ? document.addEventListener(type, done) : done()));
  const parsed = after(document.readyState === "loading", "DOMContentLoaded");
  decided = Promise.all([parsed, after(document.prerendering, "prerenderingchange"), whenDecided()]);
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
    if (mine && (key === VISITOR || key === null) && !newValue) lostElsewhere();
  });
  customElements.define("endcap-shelf", Shelf);
}

if (globalThis.customElements && globalThis.CSSStyleSheet && !customElements.get("endcap-shelf")) start();
