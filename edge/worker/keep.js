/**
 * What this data centre keeps: answers for pages, answers for shoppers (only for when the origin fails), popular ones.
 *
 * Cloudflare's cache can lose anything at any time and empties no other data centre on demand, so nothing here relies
 * on an entry that says "no": a shopper's answers are found only through an *epoch*, a random word kept for each
 * shopper. Withdrawal overwrites it. Lost or overwritten, what was kept under the old one can no longer be named.
 *
 * The cache is asked by explicit keys: signed addresses never repeat. Ids of people stand in keys as keyed hashes only.
 */

import { sign, toHex } from "./signatures.js";

const STORE = "endcap";
const META = "x-endcap-kept";
const EPOCH_S = 7 * 86_400; // an epoch outlives every answer kept under it
const LEARNED_S = 7 * 86_400;
const MEMORY_MS = 5_000; // then another isolate's news is looked at
const REFRESH_PAUSE_MS = 1_000;
const KV_PATIENCE_MS = 100;
const KV_TTL_MIN_S = 60;
const MEMORY_ENTRIES = 1_000;
/** Headers that belong to the answer, not to the moment that it was given. */
const LASTING = [
  "content-type",
  "cache-control",
  "etag",
  "x-endcap-version",
  "x-endcap-scope",
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "cross-origin-resource-policy",
  "vary",
];

/** @type {Map<string, {text: string, at: number}>} what was learned and done; lives as long as the isolate */
const memory = new Map();

function remember(name, text) {
  if (memory.size >= MEMORY_ENTRIES) memory.clear();
  memory.set(name, { text, at: Date.now() });
}

/** @typedef {{text: string, headers: Record<string, string>, at: number}} Kept `at`: when it was asked for, unix ms */

/** Everything kept for one shop, as one request sees it. */
export class Keep {
  /**
   * @param {Cache} cache @param {ReturnType<import("./config.js").readConfig>} config
   * @param {{shop: string, host: string, door: string, reader: string, key: string}} place `door`: how it was asked;
   *   `reader`: the browser's Origin, whose CORS headers an answer carries; `key`: what a server shows to be believed
   */
  constructor(cache, config, place) {
    this.cache = cache;
    this.config = config;
    this.shop = place.shop;
    this.place = place;
    this.secret = config.workerSecrets[0] ?? config.shopifySecrets[0] ?? "endcap";
  }

  /** What is kept for the one who makes this call. */
  static async open({ config, door, request, url }) {
    const [reader, key] = ["origin", "authorization"].map((name) => request.headers.get(name) ?? "");
    const place = { shop: door.shop, host: url.host, door: door.proxied ? "proxy" : "open", reader, key };
    return new Keep(await caches.open(STORE), config, place);
  }

  // --- contextual ----------------------------------------------------------------------------------------------------

  /** The answer for a page, under the version now in force. @returns {Promise<Kept | null>} */
  async page(question) {
    const version = await this.version();
    return version ? this.#read("page", [version, ...this.#page(question)]) : null;
  }

  async keepPage(question, kept) {
    const version = kept.headers["x-endcap-version"];
    if (!version || version.includes(",")) return; // a batch by a model and by another one on trial
    await Promise.all([this.learn("version", version), this.learn("rules", rulesOf(version))]);
    await this.#write("page", [version, ...this.#page(question)], kept, this.config.staleS);
  }

  #page({ context, market, locale, consent }) {
    return [this.shop, this.place.door, context, market, locale, consent.join(), this.place.reader];
  }

  /** The version of model and rules that contextual answers last came with; null where none is known. */
  async version() {
    return this.#learned("version");
  }

  /** Remember what an answer came with: here, and in the cache for other isolates. */
  async learn(kind, text) {
    if (!text || (await this.#learned(kind)) === text) return;
    remember(`${kind} ${this.shop}`, text);
    await this.#write(kind, [this.shop], { text, headers: {}, at: Date.now() }, LEARNED_S);
  }

  async #learned(kind) {
    const known = memory.get(`${kind} ${this.shop}`);
    if (known && Date.now() - known.at < MEMORY_MS) return known.text;
    const text = (await this.#read(kind, [this.shop]))?.text ?? known?.text ?? null;
    if (text) remember(`${kind} ${this.shop}`, text);
    return text;
  }

  // --- personal ------------------------------------------------------------------------------------------------------

  /**
   * The name under which a shopper's answer may be kept. To be asked for *before* the origin is: an answer that was
   * under way while its shopper withdrew is then kept under a name that nobody can find any more.
   */
  async permit(question) {
    const subjects = await this.#subjects(question);
    const epochs = await Promise.all(subjects.map((subject) => this.#epoch(subject)));
    return [this.place.key, ...subjects, ...epochs];
  }

  async keepPersonal(question, permit, kept) {
    const rules = rulesOf(kept.headers["x-endcap-version"]);
    await this.learn("rules", rules);
    await this.#write("personal", [...permit, rules, ...this.#page(question)], kept, this.config.staleS);
  }

  /** What this shopper last got for this page. @returns {Promise<Kept | null>} */
  async personal(question, permit) {
    const rules = (await this.#learned("rules")) ?? "";
    const kept = await this.#read("personal", [...permit, rules, ...this.#page(question)]);
    if (!kept) return null;
    const subjects = await this.#subjects(question);
    const withdrawn = await Promise.all(subjects.map((subject) => this.#withdrawnElsewhere(subject)));
    return withdrawn.some(Boolean) ? null : kept;
  }

  /**
   * Make everything kept for these people unfindable here. Throws where the cache cannot be written to.
   * @param {{visitor?: string | null, customer?: string | null}} people
   */
  async forget(people) {
    const subjects = await this.#subjects(people);
    await Promise.all(subjects.map((subject) => this.#newEpoch(subject)));
  }

  /** Tell the other data centres. KV takes up to a minute to reach them all; docs/worker.md says what that means. */
  async tellOthers(people) {
    const kv = this.config.withdrawn;
    if (!kv) return;
    const expirationTtl = Math.max(KV_TTL_MIN_S, Math.ceil(this.config.staleS));
    const subjects = await this.#subjects(people);
    await Promise.all(subjects.map((subject) => kv.put(subject, "1", { expirationTtl })));
  }

  /**
   * Keyed hashes of those who are named. Not by shop: too much forgotten does no harm.
   * @param {{visitor?: string | null, customer?: string | null}} people
   */
  async #subjects({ visitor, customer }) {
    const names = [visitor && `visitor:${visitor}`, customer && `customer:${customer}`].filter(Boolean);
    return Promise.all(names.map((name) => this.#hash(["subject", name])));
  }

  async #epoch(subject) {
    return (await this.#read("epoch", [subject]))?.text ?? this.#newEpoch(subject);
  }

  async #newEpoch(subject) {
    const text = crypto.randomUUID();
    await this.#write("epoch", [subject], { text, headers: {}, at: Date.now() }, EPOCH_S);
    return text;
  }

  /** Asked only where something personal is about to be served stale. No answer counts as yes. */
  async #withdrawnElsewhere(subject) {
    const kv = this.config.withdrawn;
    if (!kv) return false;
    const late = new Promise((resolve) => setTimeout(resolve, KV_PATIENCE_MS, "late"));
    try {
      return (await Promise.race([kv.get(subject), late])) !== null;
    } catch {
      return true;
    }
  }

  // --- popular -------------------------------------------------------------------------------------------------------

  /** The popular answer of a surface, whoever asks. @returns {Promise<Kept | null>} */
  async popular(question) {
    return this.#read("popular", this.#surface(question));
  }

  async keepPopular(question, kept) {
    await this.#write("popular", this.#surface(question), kept, this.config.popularS);
  }

  /** Whether this isolate should look after the popular answer: not again a moment after it did. */
  turnToRefresh(question) {
    const name = `refreshed ${this.#surface(question).join(" ")}`;
    const last = memory.get(name)?.at ?? 0;
    if (Date.now() - last < REFRESH_PAUSE_MS) return false;
    remember(name, "");
    return true;
  }

  #surface({ surface, shape, place, market, locale }) {
    return [this.shop, shape, place, surface, market, locale];
  }

  // --- files ---------------------------------------------------------------------------------------------------------

  /** A file by its path, without the signature. @returns {Promise<Kept | null>} */
  async file(path) {
    return this.#read("file", [path]);
  }

  async keepFile(path, kept) {
    await this.#write("file", [path], kept, this.config.popularS);
  }

  // --- the cache itself ----------------------------------------------------------------------------------------------

  async #read(kind, parts) {
    const response = await this.cache.match(await this.#address(kind, parts));
    if (!response) return null;
    const { headers, at } = JSON.parse(decodeURIComponent(response.headers.get(META)));
    return { text: await response.text(), headers, at };
  }

  async #write(kind, parts, { text, headers, at }, seconds) {
    const response = new Response(text, {
      headers: {
        "Content-Type": "application/octet-stream",
        "Cache-Control": `max-age=${Math.ceil(seconds)}`,
        [META]: encodeURIComponent(JSON.stringify({ headers, at })),
      },
    });
    await this.cache.put(await this.#address(kind, parts), response);
  }

  async #address(kind, parts) {
    return `https://${this.place.host}/endcap-kept/${kind}/${await this.#hash([kind, ...parts])}`;
  }

  async #hash(parts) {
    return toHex(await sign(this.secret, JSON.stringify(parts)));
  }
}

/** What of an origin's answer is worth keeping. @returns {Kept} */
export function kept(text, headers, at) {
  const lasting = LASTING.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]);
  return { text, headers: Object.fromEntries(lasting), at };
}

/**
 * The rules' part of `<model version>.<rules digest>`. A newer model does not make a shopper's last answer wrong, and
 * while one is on trial versions differ by shopper; newer rules may forbid what it shows.
 */
const rulesOf = (version) => (version ?? "").split(".").at(-1);
