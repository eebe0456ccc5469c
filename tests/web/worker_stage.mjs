/**
 * What the Worker's tests stand on: workerd with the real Worker in it, an origin on loopback that can fail in every
 * way, Shopify's signatures.
 */

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { Miniflare } from "miniflare";

const MAIN = fileURLToPath(new URL("../../edge/worker.js", import.meta.url));
export const SECRET = "hush";
export const WORKER_SECRET = "between-us";
export const HOST = "https://recs.example.com";

// --- the origin ------------------------------------------------------------------------------------------------------

/** How an origin fails. Each gets the response and ends it, or does not. */
export const FAILURES = {
  "status 500": (response) => response.writeHead(500).end("no"),
  "status 429": (response) => response.writeHead(429).end("no"),
  "a redirect": (response) => response.writeHead(302, { Location: "/elsewhere" }).end(),
  "a closed connection": (response) => response.socket.destroy(),
  silence: () => {},
  "half a body, then silence": (response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
    response.write('{"surface": "home", "slots": [');
  },
  "half a body, then a closed connection": (response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
    response.write('{"surface": "home", "slots": [', () => response.socket.destroy());
  },
  "a page that is no JSON": (response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<p>parked</p>"),
};

const product = (id) => ({ id, score: 0.5, reason: "suggested", product: { title: id, price: { amount: "2.99" } } });

/** An app of a few lines that answers as the contract says; `for` in the model version shows whose answer it was. */
export class Origin {
  /** As it was: nothing seen, nothing wrong. */
  reset() {
    this.version = "m1.r1"; // of model and rules
    this.failure = null; // one of FAILURES
    this.degraded = []; // what answers say is missing
    this.overrides = {}; // path -> what to do instead
    this.before = null; // waited for before a request is answered
    this.seen = []; // requests that came in
    this.served = []; // addresses answered in full
  }

  async start() {
    this.reset();
    this.server = createServer((request, response) => this.#take(request, response));
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  /** Requests that came for shoppers, without the Worker's own for popular answers. */
  get asked() {
    return this.seen.filter(({ url }) => !url.includes("limit=24"));
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const seen = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
    this.seen.push(seen);
    await this.before?.(seen);
    if (this.failure) return this.failure(response);
    response.once("finish", () => this.served.push(request.url));
    const url = new URL(request.url, "http://origin");
    const path = url.pathname.replace(/^\/proxy/, "");
    const custom = this.overrides[path];
    if (custom) return custom(response, seen);
    if (path.startsWith("/v1/recommendations") || path.endsWith("/products.json")) {
      return this.#recommend(path, url.searchParams, seen, response);
    }
    if (path === "/v1/consent") return send(response, 200, { consent: [] });
    if (path === "/v1/events") return send(response, 200, { results: [{ id: null, status: "accepted" }] });
    if (path.startsWith("/webhooks/")) return response.writeHead(200).end();
    return send(response, 404, { title: "Not Found", status: 404 });
  }

  #recommend(path, query, { method, body }, response) {
    if (path === "/v1/recommendations") {
      const results = JSON.parse(body).requests.map((one) => {
        const said = new URLSearchParams(Object.entries(one).map(([name, value]) => [name, String(value)]));
        return SURFACES.includes(one.surface)
          ? { status: 200, body: this.#page(one.surface, said).answer }
          : { status: 400, body: { title: "Bad Request", status: 400 } };
      });
      return send(response, 200, { results }, this.#headers("personal"));
    }
    const surface = path.split("/").at(-1);
    const said = method === "POST" ? new URLSearchParams(Object.entries(JSON.parse(body))) : query;
    const { answer, scope } = surface === "products.json" ? this.#shopifys(said) : this.#page(surface, said);
    return send(response, 200, answer, this.#headers(scope));
  }

  #page(surface, said) {
    const who = said.get("logged_in_customer_id") || said.get("visitor_id") || "";
    const allowed = (said.get("consent") ?? "").split(",").includes("personalization");
    const personal = allowed && who !== "";
    const popular = said.get("limit") === "24";
    const of = personal ? `for ${who}` : popular ? "popular" : `on ${said.get("product_id") ?? surface}`;
    const ids = ["p1", "p2", "p3", "p4"];
    const slots = SLOTS[surface].map((id) => slot(id, personal ? "personal" : popular ? "popular" : "context", ids));
    return {
      answer: { surface, model_version: of, degraded: this.degraded, slots },
      scope: personal || said.has("session") || this.degraded.length > 0 ? "personal" : "shared",
    };
  }

  #shopifys(said) {
    const products = ["p1", "p2", "p3"].map((id) => ({ id, title: id }));
    return { answer: { intent: said.get("intent") ?? "related", products }, scope: "shared" };
  }

  #headers(scope) {
    return { "X-Endcap-Scope": scope, "X-Endcap-Version": this.version, ETag: '"e1"', "X-Request-Id": randomUUID() };
  }
}

const SURFACES = ["pdp", "cart", "home"];
const SLOTS = { pdp: ["bought_together", "similar"], cart: ["cart_complements"], home: ["for_you", "trending"] };

function slot(id, by, ids) {
  return { id, title: id, served_by: by, attribution_token: `token-${id}`, items: ids.map(product) };
}

function send(response, status, content, headers = {}) {
  const fixed = { "Content-Type": "application/json", "Cache-Control": "public, max-age=5, s-maxage=30" };
  response.writeHead(status, { ...fixed, ...headers }).end(JSON.stringify(content));
}

// --- the Worker ------------------------------------------------------------------------------------------------------

/** workerd with the Worker. `vars` replace bindings; `options` go to Miniflare. */
export async function startWorker(originUrl, vars = {}, options = {}) {
  const miniflare = new Miniflare({
    scriptPath: MAIN,
    modules: true,
    modulesRules: [{ type: "ESModule", include: ["**/*.js"] }],
    compatibilityDate: "2026-04-01",
    cf: false,
    bindings: {
      ORIGIN_URL: originUrl,
      ORIGIN_TIMEOUT_MS: "400",
      EVENTS_TIMEOUT_MS: "400",
      WEBHOOK_TIMEOUT_MS: "400",
      FRESH_S: "30",
      STALE_S: "3600",
      PROXY_MAX_AGE_S: "90",
      ENDCAP_SHOPIFY_SECRETS: SECRET,
      ENDCAP_WORKER_SECRETS: WORKER_SECRET,
      ...vars,
    },
    ...options,
  });
  await miniflare.ready;
  const ask = async (target, init) => {
    const response = await miniflare.dispatchFetch(HOST + target, { redirect: "manual", ...init });
    const text = await response.text();
    const json = /json/.test(response.headers.get("content-type") ?? "") && text ? JSON.parse(text) : null;
    const { status, headers } = response;
    return { status, headers, text, json, edge: headers.get("x-endcap-edge") };
  };
  return { ask, miniflare, stop: () => miniflare.dispose() };
}

/** A body of `length` bytes is refused. The refusal comes before it is read, so its sender may find the line cut. */
export async function tooLong(worker, path, length) {
  const answer = await worker.ask(path, { method: "POST", body: "x".repeat(length) }).catch((error) => error.cause);
  assert.ok(answer.status === 413 || /ECONNRESET|EPIPE|UND_ERR_SOCKET/.test(answer.code), JSON.stringify(answer));
}

/** Ask again until the answer is as wanted; keeping goes on after an answer is out. */
export async function until(ask, wanted, seconds = 5) {
  const ends = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > ends) throw new Error(`not so within ${seconds} s; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// --- Shopify ---------------------------------------------------------------------------------------------------------

const hmac = (secret, message) => createHmac("sha256", secret).update(message);

/** A query as Shopify's app proxy signs it. */
export function signed(fields, { secret = SECRET, now = Date.now() / 1000, shop = "shop-name.myshopify.com" } = {}) {
  const said = {
    ...fields,
    shop,
    logged_in_customer_id: fields.logged_in_customer_id ?? "",
    path_prefix: "/apps/endcap",
    timestamp: String(Math.floor(now)),
  };
  const text = Object.entries(said).map(([name, value]) => `${name}=${value}`).sort().join("");
  return `${new URLSearchParams(said)}&signature=${hmac(secret, text).digest("hex")}`;
}

/** A webhook as Shopify sends it. */
export function delivery(topic, body, { secret = SECRET, prefix = "x-shopify-" } = {}) {
  const headers = {
    "content-type": "application/json",
    [`${prefix}hmac-sha256`]: hmac(secret, body).digest("base64"),
    [`${prefix}topic`]: topic,
    [`${prefix}shop-domain`]: "shop-name.myshopify.com",
    [`${prefix}webhook-id`]: randomUUID(),
  };
  return { method: "POST", headers, body };
}
