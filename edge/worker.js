/**
 * The Cloudflare Worker in front of the app: thin, without dependencies, and replaceable by nothing.
 *
 * A request's way: verify -> lengths and character sets -> rate limit -> kept page -> origin under a deadline ->
 * stale -> popular -> empty shelves. The app verifies everything again: it is safe and complete without this Worker,
 * which makes it faster where pages are asked for often, and keeps shelves filled while the origin is away.
 * docs/worker.md tells the whole story.
 */

import { problem } from "./worker/answers.js";
import { readConfig } from "./worker/config.js";
import { Refusal } from "./worker/question.js";
import { recommend } from "./worker/recommend.js";
import { consent, events, file, pass, preflight, shopifyWebhook, webhook } from "./worker/relay.js";
import { openProxyQuery, parseQuery } from "./worker/signatures.js";

const MAX_QUERY = 8_192;

/**
 * Path below the door, methods, what to do with a call and what the path holds. The first that fits counts.
 * @typedef {[RegExp, string[], (call: Call, held?: string) => Promise<Response>]} Route
 */

/** @type {Route[]} */
const ROUTES = [
  [/^\/v1\/recommendations\/([a-z]{1,16})$/, ["GET", "POST"], page],
  [/^\/v1\/recommendations$/, ["POST"], (call) => page(call, null)],
  [/^(?:\/([A-Za-z-]{2,6}))?\/recommendations\/products\.json$/, ["GET"], dropIn],
  [/^\/v1\/events$/, ["POST"], events],
  [/^\/v1\/consent$/, ["POST"], consent],
];
/** The theme script and its kin say nothing of any shop: they need no signature. */
const FILES = /^(?:\/proxy)?\/endcap[a-z0-9.-]{0,64}\.(?:js|ts)$/;
/** Only without the app proxy: servers' questions, and platforms' deliveries. @type {Route[]} */
const OPEN_ROUTES = [
  [/^\/v1\/customers\/.{1,400}$/, ["GET"], pass],
  [/^\/webhooks\/shopify$/, ["POST"], shopifyWebhook],
  [/^\/webhooks\/(?:bigcommerce|endcap)$/, ["POST"], webhook],
  [/^\/webhooks\/adobe$/, ["GET", "POST"], webhook],
];

function page(call, surface) {
  return recommend(call, { surface, shape: "endcap" });
}

function dropIn(call, place) {
  return recommend(call, { surface: "pdp", shape: "shopify", place });
}

/**
 * How a request came in: through the app proxy or not, for which shop, who is logged in, and its query.
 * @typedef {{shop: string, customer: string | null, pairs: [string, string][], proxied: boolean}} Door
 */

/** One request on its way. */
class Call {
  /** @type {Door | null} */
  door = null;

  constructor(request, env, context, send) {
    this.request = request;
    this.url = new URL(request.url);
    this.config = readConfig(env);
    this.waitUntil = (promise) => context.waitUntil(promise);
    this.send = (onward) => send(onward, env);
  }

  /** The body, at most `limit` bytes of it. Throws Refusal. */
  async body(limit) {
    const tooLong = new Refusal(413, "body", `at most ${limit} bytes`);
    if (Number(this.request.headers.get("content-length") ?? 0) > limit) throw tooLong;
    const chunks = [];
    let length = 0;
    for await (const chunk of this.request.body ?? []) {
      length += chunk.byteLength;
      if (length > limit) throw tooLong;
      chunks.push(chunk);
    }
    return new Blob(chunks).arrayBuffer();
  }

  /** Whether the rate limit lets this one through; each kind of request has a count of its own. */
  async admitted(kind) {
    if (!this.config.limit) return true;
    try {
      const { success } = await this.config.limit.limit({ key: `${kind} ${this.door.shop} ${this.client()}` });
      return success;
    } catch (error) {
      console.warn(`rate limit: ${error}`); // a fuse that is out of order must not put out the light
      return true;
    }
  }

  /**
   * The shopper's address. Through the app proxy it is the last that Shopify wrote down: what stands before it, a
   * shopper may have made up, and what follows is Shopify's own.
   */
  client() {
    const near = this.request.headers.get("cf-connecting-ip") ?? "";
    if (!this.door.proxied) return near;
    const listed = (this.request.headers.get("x-forwarded-for") ?? "").split(",").map((part) => part.trim());
    return listed.filter((address) => address && address !== near).at(-1) ?? near;
  }
}

/** @returns {Promise<Door | null>} null where the signature is wrong. Throws Refusal for a query that is too long. */
async function openDoor(call, proxied) {
  const raw = call.url.search.slice(1);
  if (raw.length > MAX_QUERY) throw new Refusal(400, "query", `at most ${MAX_QUERY} bytes`);
  if (proxied) {
    const { shopifySecrets: secrets, proxyMaxAgeS: maxAgeS, shopifyDomain } = call.config;
    const said = await openProxyQuery(raw, { secrets, maxAgeS, now: Date.now() / 1000 });
    return said && (!shopifyDomain || said.shop === shopifyDomain) ? { ...said, proxied } : null;
  }
  return { shop: call.config.shop, customer: null, pairs: parseQuery(raw), proxied };
}

async function answer(call) {
  const { pathname } = call.url;
  if (pathname === "/healthz") return Response.json({ status: "ok" }, { headers: { "Cache-Control": "no-store" } });
  const proxied = pathname.startsWith("/proxy/");
  if (FILES.test(pathname) && ["GET", "HEAD"].includes(call.request.method)) {
    call.door = { shop: call.config.shop, customer: null, pairs: [], proxied };
    return file(call);
  }
  call.door = await openDoor(call, proxied);
  if (!call.door) return problem(401, "not signed as it should be");
  const path = proxied ? pathname.slice("/proxy".length) : pathname;
  if (call.request.method === "OPTIONS" && !proxied && path.startsWith("/v1/")) return preflight(call);
  for (const [pattern, methods, act] of proxied ? ROUTES : [...ROUTES, ...OPEN_ROUTES]) {
    const match = pattern.exec(path);
    if (!match) continue;
    if (methods.includes(call.request.method)) return act(call, match[1]);
    return problem(405, `${methods.join(" or ")} is needed here`, { headers: { Allow: methods.join(", ") } });
  }
  return problem(404, "nothing here; see the app's /openapi.json");
}

/** Answer a request; `send` brings what goes on to the origin. */
export async function handle(request, env, context, send) {
  try {
    return await answer(new Call(request, env, context, send));
  } catch (error) {
    if (error instanceof Refusal) return problem(error.status, error.message, { parameter: error.parameter });
    console.error(error?.stack ?? String(error));
    return problem(500, "a fault in the Worker; it has been logged");
  }
}

export default {
  fetch: (request, env, context) => handle(request, env, context, (onward) => fetch(onward)),
};
