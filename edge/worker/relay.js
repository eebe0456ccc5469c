/**
 * What is only handed on: events, decisions about consent, webhooks, files. Bodies go on as the bytes they came in,
 * because ids of 64 bits and signatures do not survive being read and written again.
 *
 * Nothing here is accepted in the origin's place: what was not taken is answered 503, so that its sender repeats it.
 */

import { crossOrigin, problem } from "./answers.js";
import { Keep, kept } from "./keep.js";
import { ask, OriginFailure } from "./origin.js";
import { isShopifys } from "./signatures.js";

const MAX_EVENTS = 262_144;
const MAX_WEBHOOK = 2_097_152;
const MAX_CONSENT = 16_384;
const FILE_TIMEOUT_MS = 5_000;
const RATE_PERIOD_S = "60";
/** As edge/cors.py, but for how long it holds: the app will be back. */
const ALLOWED = {
  "Access-Control-Allow-Methods": "GET, POST",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-Request-Id",
  "Access-Control-Max-Age": "60",
};

/** Hand a request on and its answer back; 503 where the origin fails. */
async function relay(call, body, timeoutMs) {
  try {
    const { status, headers, body: said } = await ask(call, { method: call.request.method, body, timeoutMs });
    headers.set("x-endcap-edge", "PASS");
    if (call.door.proxied) headers.set("cache-control", "private, no-store");
    return new Response(status === 204 || status === 304 ? null : said, { status, headers });
  } catch (error) {
    if (!(error instanceof OriginFailure)) throw error;
    console.warn(`origin: ${error.message}`);
    return notTaken("nothing was accepted; send it again");
  }
}

const notTaken = (detail) => problem(503, detail, { headers: { "Retry-After": "2" } });

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

/** Shopify's deliveries: verified here, so that forged ones cost the origin nothing; the origin verifies again. */
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

/** Questions of a server with its key: handed on and back, never kept. */
export async function pass(call) {
  return relay(call, null, call.config.eventsTimeoutMs);
}

/** May this page ask? The app says; where it fails, the same from here for the pages that the shop named. */
export async function preflight(call) {
  const response = await relay(call, null, call.config.originTimeoutMs);
  const headers = crossOrigin(call);
  if (response.status !== 503 || !("Access-Control-Allow-Origin" in headers)) return response;
  return new Response(null, { status: 204, headers: { ...headers, ...ALLOWED } });
}

async function forgetting(call, people, step) {
  if (!people) return step();
  const keep = await Keep.open(call);
  await forgotten(keep, people);
  const response = await step();
  if (!(await forgotten(keep, people))) return notTaken("the withdrawal did not take hold everywhere; send it again");
  call.waitUntil(keep.tellOthers(people).catch((error) => console.error(`withdrawal: others were not told: ${error}`)));
  return response;
}

/** Whether everything kept here for these people is out of reach now. The origin is told in any case. */
async function forgotten(keep, people) {
  try {
    await keep.forget(people);
    return true;
  } catch (error) {
    console.error(`withdrawal: ${error}`);
    return false;
  }
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

/**
 * The theme script and its kin: kept for their address without a signature, as long as the origin says, and longer
 * where the origin fails.
 */
export async function file(call) {
  const keep = await Keep.open(call);
  const path = call.url.pathname;
  const found = await keep.file(path);
  const ageS = found ? (Date.now() - found.at) / 1000 : 0;
  if (found && ageS < lifetime(found.headers["cache-control"])) return sameFile(call, found.text, found.headers, "HIT");
  const began = Date.now();
  try {
    const { status, headers, body } = await ask(call, { timeoutMs: FILE_TIMEOUT_MS });
    const text = new TextDecoder().decode(body);
    if (status !== 200) return new Response(text, { status, headers });
    if (lifetime(headers.get("cache-control")) > 0) call.waitUntil(keep.keepFile(path, kept(text, headers, began)));
    return sameFile(call, text, headers, "MISS");
  } catch (error) {
    if (!(error instanceof OriginFailure)) throw error;
    console.warn(`origin: ${error.message}`);
    return found ? sameFile(call, found.text, found.headers, "STALE") : notTaken("not here at the moment");
  }
}

const lifetime = (cacheControl) => Number(/max-age=(\d+)/.exec(cacheControl ?? "")?.[1] ?? 0);

function sameFile(call, text, given, state) {
  const headers = new Headers(given);
  headers.set("x-endcap-edge", state);
  if (state === "STALE") headers.set("cache-control", "public, max-age=60");
  const etag = headers.get("etag");
  if (etag && (call.request.headers.get("if-none-match") ?? "").includes(etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(call.request.method === "HEAD" ? null : text, { headers });
}
