/**
 * Recommendations: kept page -> origin under a deadline -> stale -> popular -> nothing, always with status 200.
 *
 * A single page and a batch are the same thing here: a list of questions, and a way to write their answers.
 */

import { crossOrigin, degraded, problem, substitute } from "./answers.js";
import { Keep, kept } from "./keep.js";
import { ask, OriginFailure } from "./origin.js";
import { fromBody, fromQuery, Refusal } from "./question.js";

const MAX_BODY = 65_536;
const MAX_BATCH = 20;
const POPULAR_ITEMS = 24;
const POPULAR_TIMEOUT_MS = 2_000; // nobody waits for it
const NO_PRODUCT = "endcap-popular"; // a product page of nothing in particular: its shelves fall back to popular
/** Degraded for good: the same question gets the same answer. Anything else passes, so it is not kept. */
const LASTING = new Set(["unknown_product"]);

/**
 * @typedef {{form: "page" | "batch", questions: (import("./question.js").Question | Refusal)[],
 *   body: ArrayBuffer | null}} Asked
 */

/** Answer one request for shelves. Throws Refusal for what is malformed. */
export async function recommend(call, what) {
  const asked = await read(call, what);
  const keep = await Keep.open(call);
  if (!(await call.admitted("ask"))) return instead(call, keep, asked, { what: "overload" });
  const found = await fresh(keep, asked, call.config.freshS);
  if (found) return answer(call, asked, found, "HIT");

  const began = Date.now();
  const permits = await Promise.all(asked.questions.map((question) => permit(keep, question)));
  try {
    const response = await askOrigin(call, asked);
    if (response.status !== 200) return onward(call, response, "PASS");
    call.waitUntil(quietly(store(call, keep, asked, permits, response, began)));
    return onward(call, response, asked.questions.every(isShared) ? "MISS" : "PASS");
  } catch (error) {
    if (!(error instanceof OriginFailure)) throw error;
    console.warn(`origin: ${error.message}`);
    return instead(call, keep, asked, { what: "origin", permits });
  }
}

// --- the question ----------------------------------------------------------------------------------------------------

/** @returns {Promise<Asked>} */
async function read(call, { surface, shape, place }) {
  const { customer, proxied, pairs } = call.door;
  if (call.request.method === "GET") {
    return { form: "page", questions: [fromQuery(surface, pairs, { customer, proxied, shape, place })], body: null };
  }
  const body = await call.body(MAX_BODY);
  const said = parsed(body);
  if (surface) return { form: "page", questions: [fromBody(surface, said, { customer })], body };
  const members = said?.requests;
  if (!Array.isArray(members) || members.length < 1 || members.length > MAX_BATCH) {
    throw new Refusal(400, "requests", `a list of 1 to ${MAX_BATCH} questions is needed`);
  }
  return { form: "batch", questions: members.map((member) => memberOf(member, customer)), body };
}

function parsed(body) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, "body", "not valid JSON");
  }
}

/** One bad member does not spoil the others. */
function memberOf(member, customer) {
  try {
    return fromBody(null, member, { customer });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const isShared = (question) => !(question instanceof Refusal) && question.shared;

/** What the shopper's answer may be kept under; null where there is no shopper, or the cache is out of order. */
async function permit(keep, question) {
  if (question instanceof Refusal || !question.personal) return null;
  return quietly(keep.permit(question));
}

// --- answers ---------------------------------------------------------------------------------------------------------

/** Pages that are all kept and young enough; null otherwise. Personal answers are never among them. */
async function fresh(keep, { questions }, freshS) {
  if (!questions.every(isShared)) return null;
  const found = await Promise.all(questions.map((question) => quietly(keep.page(question))));
  const young = (one) => one !== null && Date.now() - one.at < freshS * 1000;
  return found.every(young) ? found : null;
}

/** The origin's answer, with its text and what it says where there are shelves in it. */
async function askOrigin(call, asked) {
  const { config, request } = call;
  const response = await ask(call, { method: request.method, body: asked.body, timeoutMs: config.originTimeoutMs });
  if (response.status !== 200) return { ...response, text: "", said: null };
  try {
    const text = new TextDecoder().decode(response.body);
    return { ...response, text, said: JSON.parse(text) };
  } catch {
    throw new OriginFailure("status 200 with something that is no answer");
  }
}

/** The origin's own answer, its headers and ours. */
function onward(call, { status, headers, body }, state) {
  headers.set("x-endcap-edge", state);
  headers.append("cache-status", `endcap-worker; fwd=${state === "MISS" ? "miss" : "bypass"}`);
  if (call.door.proxied) headers.set("cache-control", "private, no-store");
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : body, { status, headers });
}

/** Answers that are kept here. `found` has one for each question. */
function answer(call, asked, found, state) {
  const oldest = Math.max(0, Math.floor((Date.now() - Math.min(...found.map(({ at }) => at))) / 1000));
  const headers = new Headers(found[0].headers);
  if (asked.form === "batch") headers.delete("etag");
  if (state !== "HIT") headers.delete("etag"); // it says `degraded` now: other bytes
  if (call.door.proxied || state !== "HIT") headers.set("cache-control", "private, no-store");
  headers.set("age", String(oldest));
  headers.set("x-endcap-edge", state);
  headers.set("cache-status", `endcap-worker; hit; ttl=${Math.floor(call.config.freshS) - oldest}; detail=${state}`);
  const etag = headers.get("etag");
  if (etag && (call.request.headers.get("if-none-match") ?? "").includes(etag)) {
    return new Response(null, { status: 304, headers });
  }
  const texts = found.map(({ text }) => (state === "HIT" ? text : degraded(text, "origin")));
  return new Response(written(asked, texts), { headers });
}

/** One answer as it is, or a batch's results. */
function written({ form, questions }, texts) {
  if (form === "page") return texts[0];
  const results = texts.map((text, at) => {
    const status = questions[at] instanceof Refusal ? questions[at].status : 200;
    return `{"status":${status},"body":${text}}`;
  });
  return `{"results":[${results.join(",")}]}`;
}

/** What to answer without the origin: what was kept, else what is popular, else empty shelves. */
async function instead(call, keep, asked, { what, permits = null }) {
  const found = permits ? await Promise.all(asked.questions.map((one, at) => stale(keep, one, permits[at]))) : [null];
  if (found.every(Boolean)) return answer(call, asked, found, "STALE");
  const texts = asked.questions.map(async (question, at) => {
    if (question instanceof Refusal) {
      return problem(question.status, question.message, { parameter: question.parameter }).text();
    }
    if (found[at]) return degraded(found[at].text, what);
    return substitute(await quietly(keep.popular(question)), question, what);
  });
  const headers = {
    "Content-Type": "application/json",
    "Cache-Control": "private, no-store",
    "X-Endcap-Edge": "FALLBACK",
    "Cache-Status": "endcap-worker; fwd=miss; detail=FALLBACK",
    ...crossOrigin(call),
  };
  return new Response(written(asked, await Promise.all(texts)), { headers });
}

async function stale(keep, question, permit) {
  if (question instanceof Refusal) return null;
  if (question.personal) return permit && quietly(keep.personal(question, permit));
  return quietly(keep.page(question));
}

/** A cache out of order is one that holds nothing and takes nothing. */
async function quietly(reading) {
  try {
    return await reading;
  } catch (error) {
    console.warn(`cache: ${error}`);
    return null;
  }
}

// --- keeping ---------------------------------------------------------------------------------------------------------

async function store(call, keep, { form, questions }, permits, { headers, text, said }, began) {
  const members = form === "page" ? [{ status: 200, body: said }] : (said.results ?? []);
  const scope = headers.get("x-endcap-scope");
  const one = async (question, at) => {
    const { status, body } = members[at] ?? {};
    if (status !== 200 || question instanceof Refusal || !lasts(body)) return;
    const answer = kept(form === "page" ? text : JSON.stringify(body), headers, began);
    if (question.shared && scope === "shared") await keep.keepPage(question, answer);
    if (question.personal && permits[at]) await keep.keepPersonal(question, permits[at], answer);
  };
  await Promise.all(questions.map(one));
  const asked = questions.filter((question) => !(question instanceof Refusal));
  const surfaces = new Map(asked.map((question) => [question.surface, question]));
  await Promise.all(Array.from(surfaces.values(), (question) => refreshPopular(call, keep, question)));
}

const lasts = ({ degraded: what }) => (what ?? []).every((word) => LASTING.has(word));

/** Fetch the popular answer of a surface anew where the one here is old, of another version, or missing. */
async function refreshPopular(call, keep, question) {
  if (!keep.turnToRefresh(question)) return;
  const have = await keep.popular(question);
  const age = have ? (Date.now() - have.at) / 1000 : Number.POSITIVE_INFINITY;
  const version = await keep.version();
  const same = !version || have?.headers["x-endcap-version"] === version;
  if (age < (same ? call.config.popularFreshS : 1)) return;
  const began = Date.now();
  try {
    const response = await ask(call, { target: popularTarget(question), timeoutMs: POPULAR_TIMEOUT_MS, bare: true });
    const text = new TextDecoder().decode(response.body);
    if (response.status === 200 && lasts(JSON.parse(text))) {
      await keep.keepPopular(question, kept(text, response.headers, began));
    }
  } catch (error) {
    console.warn(`popular answer: ${error.message}`);
  }
}

function popularTarget({ surface, shape, place, market, locale }) {
  const query = new URLSearchParams({ limit: String(POPULAR_ITEMS) });
  if (surface === "pdp") query.set("product_id", NO_PRODUCT);
  if (market) query.set("market", market);
  if (locale) query.set("locale", locale);
  if (shape === "endcap") return `/v1/recommendations/${surface}?${query}`;
  return `${place ? `/${place}` : ""}/recommendations/products.json?${query}`;
}
