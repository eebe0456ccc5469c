// The data layer of edge/web/endcap.js in Node, against a real server that answers, stalls, breaks off and lies.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { getPages, getShelves, setConsent, track } from "../../edge/web/endcap.js";

const ANSWER = { surface: "home", model_version: "v1", degraded: [], slots: [{ id: "for_you", title: "For you", items: [] }] };
const EMPTY = (surface) => ({ surface, model_version: null, degraded: ["client"], slots: [] });

let server;
let endpoint;
let answer; // (request, response, body) => void
let asked;

const say = (response, body, status = 200, type = "application/json") => {
  response.writeHead(status, { "Content-Type": type, "X-Request-Id": "r1" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

before(async () => {
  server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    asked.push({ method: request.method, url: new URL(request.url, endpoint), headers: request.headers, body });
    answer(request, response, body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  endpoint = `http://127.0.0.1:${server.address().port}/apps/endcap/`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  asked = [];
  answer = (request, response) => say(response, ANSWER);
});

test("shelves are asked for by GET, with lists joined by commas and empty values left out", async () => {
  const query = { visitor_id: "v", session: ["p1", "p2"], consent: "personalization, analytics", slots: [], limit: 4, rev: 0, market: undefined, locale: "" };
  assert.deepEqual(await getShelves("home", query, { endpoint }), ANSWER);
  const [{ method, url }] = asked;
  assert.equal(method, "GET");
  assert.equal(url.pathname, "/apps/endcap/v1/recommendations/home");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    visitor_id: "v", session: "p1,p2", consent: "personalization,analytics", limit: "4", rev: "0",
  });
});

test("a filter travels as JSON", async () => {
  await getShelves("home", { filter: { brand: "Alder", price_max: 5 } }, { endpoint });
  assert.deepEqual(JSON.parse(asked[0].url.searchParams.get("filter")), { brand: "Alder", price_max: 5 });
});

test("query names sort the same in every order that Shopify signs by", async () => {
  const everything = {
    product_id: "1", product_ids: ["2"], visitor_id: "v", customer_id: "c", session: ["1"], consent: ["analytics"], market: "US", locale: "en",
    slots: ["similar"], limit: 2, exclude: ["3"], filter: { brand: "b" }, min_score: 0.5, fallback: "none", rev: 1,
  };
  const { product_ids, ...page } = everything;
  const { product_id, ...cart } = everything;
  await getShelves("pdp", page, { endpoint, key: "pk_1" });
  await getShelves("cart", cart, { endpoint, key: "pk_1" });
  await getShelves("pdp", everything, { endpoint, key: "pk_1" });
  const shopify = ["shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature"];
  for (const { url } of asked.slice(0, 2)) {
    const names = [...url.searchParams.keys(), ...shopify];
    assert.ok(names.length > 15);
    assert.ok(names.every((name) => /^[a-z_]+$/.test(name)), `${names}`);
    assert.equal(new Set(names).size, names.length);
    for (const one of names) assert.ok(!names.some((other) => other !== one && other.startsWith(one)), one);
    const bytewise = names.map((name) => `${name}=x`).sort();
    const byLocale = [...names].sort((a, b) => a.localeCompare(b)).map((name) => `${name}=x`);
    assert.deepEqual(bytewise, byLocale);
  }
  assert.equal(asked[2].method, "POST"); // both product names: not in one URL
  assert.equal(asked[2].url.search, "");
  assert.deepEqual(JSON.parse(asked[2].body).product_ids, ["2"]);
});

test("what a URL cannot hold goes as a body: cart lines, long lists, both product names", async () => {
  await getShelves("pdp", { product_id: "1", product_ids: ["2"] }, { endpoint });
  await getShelves("cart", { lines: [{ product_id: "1", quantity: 2 }] }, { endpoint });
  await getShelves("cart", { product_ids: Array.from({ length: 200 }, (_, place) => `a-rather-long-product-id-${place}`) }, { endpoint });
  assert.deepEqual(asked.map(({ method }) => method), ["POST", "POST", "POST"]);
  assert.deepEqual(JSON.parse(asked[0].body), { product_id: "1", product_ids: ["2"] });
  assert.equal(asked[0].headers["content-type"], "text/plain;charset=UTF-8"); // needs no preflight
});

test("numbers and ids go out in the wire's types", async () => {
  const lines = [{ product_id: "1", quantity: 2 }];
  await getShelves("cart", { lines, exclude: [1, " 2 "], customer_id: 7, limit: 3, min_score: 0.5 }, { endpoint });
  assert.deepEqual(JSON.parse(asked[0].body), { lines, exclude: ["1", "2"], customer_id: "7", limit: 3, min_score: 0.5 });
});

for (const [name, ill] of Object.entries({
  "an error": (request, response) => say(response, { title: "Bad", status: 400, detail: "no" }, 400),
  "a fault": (request, response) => say(response, "<h1>Sorry</h1>", 500, "text/html"),
  "no JSON": (request, response) => say(response, "{"),
  "JSON that is no answer": (request, response) => say(response, { hello: "world" }),
  null: (request, response) => say(response, "null"),
  "a closed connection": (request, response) => response.destroy(),
  "half a body, then the end": (request, response) => {
    response.writeHead(200, { "Content-Length": "500" });
    response.write('{"surface":');
    setTimeout(() => response.destroy(), 20);
  },
})) {
  test(`${name} is answered by the fallback`, async () => {
    answer = ill;
    assert.deepEqual(await getShelves("home", {}, { endpoint }), EMPTY("home"));
    const mine = { ...ANSWER, model_version: "mine" };
    assert.equal(await getShelves("home", {}, { endpoint, fallback: mine }), mine);
    let heard;
    const made = await getShelves("home", {}, { endpoint, fallback: (error) => ((heard = error), mine) });
    assert.equal(made, mine);
    assert.ok(heard instanceof Error);
  });
}

test("the fallback learns what was wrong with a request", async () => {
  answer = (request, response) => say(response, { title: "Bad Request", status: 400, detail: "unknown parameter" }, 400);
  let heard;
  await getShelves("home", {}, { endpoint, fallback: (error) => void (heard = error) });
  assert.equal(heard.status, 400);
  assert.match(heard.message, /unknown parameter/);
});

test("nobody listening is answered by the fallback", async () => {
  assert.deepEqual(await getShelves("pdp", { product_id: "1" }, { endpoint: "http://127.0.0.1:1" }), EMPTY("pdp"));
});

for (const [name, stall] of Object.entries({
  "a server that says nothing": () => {},
  "a body that stops halfway": (request, response) => response.write('{"surface":'),
})) {
  test(`${name} is cut at the deadline`, async () => {
    answer = stall;
    const started = performance.now();
    assert.deepEqual(await getShelves("home", {}, { endpoint, timeout: 150 }), EMPTY("home"));
    const took = performance.now() - started;
    assert.ok(took >= 140 && took < 10_000, `${took} ms`);
  });
  test(`${name} is left when the caller aborts, who gets the own reason`, async () => {
    answer = stall;
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("navigated away")), 50);
    await assert.rejects(getShelves("home", {}, { endpoint, timeout: 60_000, signal: stop.signal }), /navigated away/);
  });
}

test("a signal that was aborted before asks nothing", async () => {
  await assert.rejects(getShelves("home", {}, { endpoint, signal: AbortSignal.abort(new Error("too late")) }), /too late/);
  assert.equal(asked.length, 0);
});

test("an endpoint that nobody named is the caller's fault, and says so", async () => {
  await assert.rejects(getShelves("home"), /endpoint: name where Endcap is/);
  await assert.rejects(track({ type: "home-page-view", visitor_id: "v" }), TypeError);
  globalThis.endcap = { endpoint };
  assert.deepEqual(await getShelves("home"), ANSWER);
  delete globalThis.endcap;
});

test("several pages are one request, each with its own fallback", async () => {
  answer = (request, response) => say(response, { results: [{ status: 200, body: ANSWER }, { status: 400, body: { detail: "no" } }] });
  const pages = await getPages([{ surface: "home" }, { surface: "pdp", product_id: 5, slots: "similar" }], { endpoint });
  assert.deepEqual(pages, [ANSWER, EMPTY("pdp")]);
  assert.equal(asked[0].url.pathname, "/apps/endcap/v1/recommendations");
  assert.deepEqual(JSON.parse(asked[0].body), { requests: [{ surface: "home" }, { surface: "pdp", product_id: "5", slots: ["similar"] }] });
  answer = (request, response) => response.destroy();
  assert.deepEqual(await getPages([{ surface: "home" }, { surface: "cart" }], { endpoint }), [EMPTY("home"), EMPTY("cart")]);
});

test("no pages are asked of nobody", async () => {
  assert.deepEqual(await getPages([], { endpoint }), []);
  assert.equal(asked.length, 0);
});

test("secret keys travel in a header, publishable ones where no preflight is needed", async () => {
  await getShelves("home", {}, { endpoint, key: "sk_1" });
  await getShelves("home", {}, { endpoint, key: "pk_1" });
  assert.equal(asked[0].headers.authorization, "Bearer sk_1");
  assert.equal(asked[0].url.search, "");
  assert.equal(asked[1].headers.authorization, undefined);
  assert.equal(asked[1].url.search, "?key=pk_1");
});

test("a shopper's token travels in a body, beside a publishable key", async () => {
  const options = { endpoint, key: "pk_1", shopper_token: "st_1" };
  await getShelves("home", {}, options);
  await getPages([{ surface: "home" }, { surface: "cart" }], options);
  await setConsent({ consent: [], visitor_id: "v" }, options);
  const bodies = asked.map(({ body }) => JSON.parse(body));
  assert.ok(asked.every(({ url }) => url.search === ""));
  assert.deepEqual(bodies[0], { key: "pk_1", shopper_token: "st_1" });
  assert.ok(bodies[1].requests.every(({ key, shopper_token }) => key === "pk_1" && shopper_token === "st_1"));
  assert.deepEqual([bodies[2].key, bodies[2].shopper_token], ["pk_1", "st_1"]);
});

const accept = (request, response, body) =>
  say(response, { results: JSON.parse(body).events.map(({ id }) => ({ id, status: "accepted" })) });

test("events get id, time and source, and the same objects keep them", async () => {
  answer = accept;
  const event = { type: "home-page-view", visitor_id: "v", consent: ["analytics"] };
  const [result] = await track(event, { endpoint });
  assert.equal(result.status, "accepted");
  const again = await track([event, { ...event, id: "mine", time: "2026-11-01T00:00:00Z", source: "app" }], { endpoint, key: "pk_1" });
  assert.equal(again[0].id, result.id);
  const [{ events: [first] }, { events, key }] = asked.map(({ body }) => JSON.parse(body));
  assert.match(first.id, /^[0-9a-f-]{36}$/);
  assert.ok(Math.abs(Date.parse(first.time) - Date.now()) < 60_000 && first.time.endsWith("Z"));
  assert.equal(first.source, "web");
  assert.deepEqual([events[1].id, events[1].time, events[1].source, key], ["mine", "2026-11-01T00:00:00Z", "app", "pk_1"]);
  assert.deepEqual(Object.keys(event), ["type", "visitor_id", "consent"]); // the caller's object is left as it was
});

test("events are cut into what server and beacons take: 100 each, 64 kB", async () => {
  answer = accept;
  const results = await track(Array.from({ length: 250 }, () => ({ type: "search", visitor_id: "v", query: "tea" })), { endpoint });
  assert.equal(results.length, 250);
  assert.deepEqual(asked.map(({ body }) => JSON.parse(body).events.length), [100, 100, 50]);
  asked = [];
  await track(Array.from({ length: 90 }, () => ({ type: "search", visitor_id: "v", query: "\u8336".repeat(500) })), { endpoint });
  assert.ok(asked.length > 1 && asked.every(({ body }) => Buffer.byteLength(body) < 64_000));
  assert.deepEqual(await track([], { endpoint }), []);
});

test("events that could not be sent are null, so that the caller keeps them", async () => {
  const event = { type: "home-page-view", visitor_id: "v" };
  assert.equal(await track(event, { endpoint: "http://127.0.0.1:1" }), null);
  answer = (request, response) => say(response, { title: "Try later" }, 503);
  assert.equal(await track(event, { endpoint }), null);
  answer = () => {};
  assert.equal(await track(event, { endpoint, timeout: 50 }), null);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("closing")), 20);
  await assert.rejects(track(event, { endpoint, signal: stop.signal }), /closing/);
});

test("beacons are used where there are any, but never for a secret key", async () => {
  answer = accept;
  const sent = [];
  const event = { type: "home-page-view", visitor_id: "v" };
  assert.equal((await track(event, { endpoint, beacon: true })).length, 1); // Node has none: an ordinary request
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { sendBeacon: (...call) => sent.push(call) } });
  assert.deepEqual(await track(event, { endpoint, beacon: true, key: "pk_1" }), []);
  assert.equal((await track(event, { endpoint, beacon: true, key: "sk_1" })).length, 1);
  globalThis.navigator.sendBeacon = () => false; // the browser's own queue is full
  assert.equal((await track(event, { endpoint, beacon: true })).length, 1);
  delete globalThis.navigator;
  assert.equal(sent.length, 1);
  assert.equal(sent[0][0], `${endpoint}v1/events`);
  assert.equal(JSON.parse(sent[0][1]).key, "pk_1");
});

test("a decision is sent with an id, and what is in force comes back", async () => {
  answer = (request, response) => say(response, { consent: ["analytics"] });
  assert.deepEqual(await setConsent({ visitor_id: "v", consent: "analytics" }, { endpoint }), ["analytics"]);
  const [{ url, body }] = asked;
  assert.equal(url.pathname, "/apps/endcap/v1/consent");
  const { id, ...rest } = JSON.parse(body);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, { visitor_id: "v", consent: ["analytics"] });
  assert.deepEqual(await setConsent({ id: "mine", visitor_id: "v", consent: [] }, { endpoint }), ["analytics"]);
  assert.equal(JSON.parse(asked[1].body).id, "mine");
  assert.equal(await setConsent({ visitor_id: "v", consent: [] }, { endpoint: "http://127.0.0.1:1" }), null);
});
