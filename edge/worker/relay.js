/**
 * What is only handed on: events, decisions about consent, webhooks, files. Bodies go on as the bytes they came in,
 * because ids of 64 bits and signatures do not survive being read and written again.
 *
 * Nothing here is answered in the origin's place: what was not taken is answered 503, so that the sender sends it again.
 */

import { problem } from "./answers.js";
import { Keep } from "./keep.js";
import { ask, OriginFailure } from "./origin.js";
import { isShopifys } from "./signatures.js";

const MAX_EVENTS = 262_144;
const MAX_WEBHOOK = 2_097_152;
const MAX_CONSENT = 16_384;
const FILE_TIMEOUT_MS = 5_000;
const RATE_PERIOD_S = "60";

/** Hand a request on and its answer back; 503 where the origin fails. `keepable`: it says nothing of any shopper. */
async function relay(call, body, timeoutMs, keepable = false) {
  try {
    const { status, headers, body: said } = await ask(call, { method: call.request.method, body, timeoutMs });
    headers.set("x-endcap-edge", "PASS");
    if (call.door.proxied && !keepable) headers.set("cache-control", "private, no-store");
    return new Response(status === 204 || status === 304 ? null : said, { status, headers });
  } catch (error) {
    if (!(error instanceof OriginFailure)) throw error;
    console.warn(`origin: ${error.message}`);
    return problem(503, "nothing was accepted; send it again", { headers: { "Retry-After": "2" } });
  }
}

const tooMany = () =>
  problem(429, "too many requests from one place; send it again later", { headers: { "Retry-After": RATE_PERIOD_S } });

export async function events(call) {
  if (!(await call.admitted("tell"))) return tooMany();
  return relay(call, await call.body(MAX_EVENTS), call.config.eventsTimeoutMs);
}

/**
 * A decision. One without personalization makes what is kept here unfindable, before the origin hears of it (so that it
 * holds where the origin is away) and after (for answers that were under way meanwhile).
 */
export async function consent(call) {
  if (!(await call.admitted("decide"))) return tooMany();
  const body = await call.body(MAX_CONSENT);
  return forgetting(call, withdrawer(body, call.door.customer), () => relay(call, body, call.config.eventsTimeoutMs));
}

/** Who takes back the consent to personalization with this body; null for nobody. */
function withdrawer(body, customer) {
  const said = read(body);
  if (said === null || typeof said !== "object") return null;
  if (Array.isArray(said.consent) && said.consent.includes("personalization")) return null;
  return { visitor: said.visitor_id, customer: customer ?? said.customer_id };
}

/** Shopify's deliveries are verified here, so that nothing else costs the origin anything; the origin verifies again. */
export async function shopifyWebhook(call) {
  const body = await call.body(MAX_WEBHOOK);
  const { headers } = call.request;
  if (!(await isShopifys(call.config.shopifySecrets, headers, body))) {
    return problem(401, "not signed as it should be");
  }
  const topic = headers.get("x-shopify-topic") ?? headers.get("shopify-topic");
  const redacted = topic?.toLowerCase() === "customers/redact" ? read(body)?.customer?.id : null;
  const people = redacted ? { customer: String(redacted) } : null;
  return forgetting(call, people, () => relay(call, body, call.config.webhookTimeoutMs));
}

/** Deliveries that the origin verifies: their keys are not all fit for this place. */
export async function webhook(call) {
  const body = call.request.method === "POST" ? await call.body(MAX_WEBHOOK) : null;
  return relay(call, body, call.config.webhookTimeoutMs);
}

/** Anything else of the contract: handed on and back, never kept. */
export async function pass(call) {
  const body = ["GET", "HEAD", "OPTIONS"].includes(call.request.method) ? null : await call.body(MAX_EVENTS);
  return relay(call, body, call.config.eventsTimeoutMs);
}

async function forgetting(call, people, step) {
  if (!people) return step();
  const keep = await Keep.open(call);
  await keep.forget(people);
  const response = await step();
  await keep.forget(people);
  call.waitUntil(keep.tellOthers(people).catch((error) => console.error(`withdrawal: other places not told: ${error}`)));
  return response;
}

/** JSON with numbers as the digits they are written in; null for what is none. */
function read(body) {
  const digits = (_, value, context) => (typeof value === "number" ? (context?.source ?? String(value)) : value);
  try {
    return JSON.parse(new TextDecoder().decode(body), digits);
  } catch {
    return null;
  }
}

/** The theme script and its kin: kept as long as the origin allows, for its address without the signature. */
export async function file(call) {
  const keep = await Keep.open(call);
  const path = call.url.pathname;
  const found = await keep.file(path);
  if (found) return sameFile(call, found, await found.arrayBuffer(), "HIT");
  const response = await relay(call, null, FILE_TIMEOUT_MS, true);
  const body = await response.arrayBuffer();
  const lasts = /max-age=[1-9]/.test(response.headers.get("cache-control") ?? "");
  if (call.request.method === "GET" && response.status === 200 && lasts) {
    call.waitUntil(keep.keepFile(path, new Response(body, response)));
  }
  return sameFile(call, response, body, response.status === 200 ? "MISS" : "PASS");
}

function sameFile(call, { status, headers: given }, body, state) {
  const headers = new Headers(given);
  headers.set("x-endcap-edge", state);
  const etag = headers.get("etag");
  if (etag && (call.request.headers.get("if-none-match") ?? "").includes(etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(call.request.method === "HEAD" ? null : body, { status, headers });
}
