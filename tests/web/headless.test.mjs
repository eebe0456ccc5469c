/**
 * The data layer in Node against a running edge, as a headless storefront's server uses it. tests/web/test_headless.py
 * starts the edge, puts a customer with a history into its store, and looks at the store afterwards.
 *
 * EDGE: the edge. HELD: a way to it that lets nothing through. DEAD: where nobody listens. PRODUCT: what `ada` buys.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { getPages, getShelves, setConsent, track } from "../../edge/web/endcap.js";

const { EDGE: endpoint, HELD, DEAD, PRODUCT: product_id, VISITOR: visitor_id, LEAVER, KEYED, KEY } = process.env;
const patient = { endpoint, timeout: 20_000 };
const all = ["personalization", "analytics"];
const ids = (answer) => answer.slots.flatMap((slot) => slot.items.map((item) => item.id));
const event = (fields) => ({
  type: "detail-page-view",
  visitor_id,
  consent: all,
  products: [{ product_id }],
  ...fields,
});

test("a known customer gets a personal homepage, and without consent what everybody gets", async () => {
  const known = await getShelves("home", { customer_id: "ada", consent: ["personalization"] }, patient);
  const silent = await getShelves("home", { customer_id: "ada" }, patient);
  const nobody = await getShelves("home", {}, patient);
  assert.ok(known.slots.some((slot) => slot.served_by === "personal"));
  assert.ok(ids(known).includes(product_id));
  assert.deepEqual(silent, nobody);
  assert.ok(nobody.slots.every((slot) => slot.served_by !== "personal"));
});

test("a product page says what the product is, and everybody gets the same", async () => {
  const answer = await getShelves("pdp", { product_id, limit: 3, slots: ["similar", "bought_together"] }, patient);
  assert.equal(answer.surface, "pdp");
  assert.deepEqual(answer.degraded, []);
  assert.ok(answer.slots.length > 0 && answer.slots.every((slot) => slot.items.length <= 3 && slot.attribution_token));
  assert.ok(!ids(answer).includes(product_id));
  for (const { product } of answer.slots.flatMap((slot) => slot.items)) {
    assert.match(product.price.amount, /^\d+\.\d\d$/);
    assert.equal(product.available, true);
    assert.ok(product.title);
  }
  assert.deepEqual(
    await getShelves("pdp", { product_id, limit: 3, slots: "similar,bought_together" }, patient),
    answer,
  );
});

test("products of this visit make a session's shelves, without an id of anybody", async () => {
  const answer = await getShelves("home", { session: [product_id], consent: ["personalization"] }, patient);
  assert.ok(
    answer.slots.some((slot) => slot.served_by === "session"),
    JSON.stringify(answer.slots.map((slot) => slot.served_by)),
  );
});

test("carts come as ids and as lines, filters and exclusions count", async () => {
  const plain = await getShelves("cart", { product_ids: [product_id] }, patient);
  assert.deepEqual(await getShelves("cart", { lines: [{ product_id, quantity: 2 }] }, patient), plain);
  const [first] = ids(plain);
  const less = await getShelves(
    "cart",
    { product_ids: [product_id], exclude: [first], filter: { price_min: 0.01 } },
    patient,
  );
  assert.ok(!ids(less).includes(first));
});

test("several pages are one request; what one of them gets wrong is its own", async () => {
  let asked = 0;
  const counting = (...request) => (asked++, fetch(...request));
  const reasons = [];
  const fallback = (error, query) => (
    reasons.push(error.message),
    { surface: query.surface, degraded: ["mine"], slots: [] }
  );
  const queries = [{ surface: "pdp", product_id }, { surface: "pdp" }, { surface: "home" }];
  const [pdp, bad, home] = await getPages(queries, { ...patient, fetch: counting, fallback });
  assert.equal(asked, 1);
  assert.deepEqual(pdp, await getShelves("pdp", { product_id }, patient));
  assert.deepEqual(home, await getShelves("home", {}, patient));
  assert.deepEqual(bad, { surface: "pdp", degraded: ["mine"], slots: [] });
  assert.match(reasons[0], /400.*product/);
});

test("more pages than one request may hold are several, in order", async () => {
  const queries = Array.from({ length: 23 }, (_, at) => ({
    surface: at % 2 ? "home" : "pdp",
    product_id,
    limit: 1 + (at % 3),
  }));
  const answers = await getPages(queries, patient);
  assert.deepEqual(
    answers.map((answer) => answer.surface),
    queries.map((query) => query.surface),
  );
});

test("an answer is the fallback when the deadline passes", async () => {
  const begun = performance.now();
  const answer = await getShelves("home", {}, { endpoint: HELD, timeout: 150 });
  assert.deepEqual(answer, { surface: "home", model_version: null, degraded: ["client"], slots: [] });
  assert.ok(performance.now() - begun >= 140);
  const mine = { surface: "pdp", model_version: "kept", degraded: [], slots: [] };
  assert.equal(await getShelves("pdp", { product_id }, { endpoint: HELD, timeout: 50, fallback: mine }), mine);
});

test("an edge that is away, or refuses, is a fallback and no exception", async () => {
  const reasons = [];
  const fallback = (error) => void reasons.push(error);
  assert.deepEqual((await getShelves("home", {}, { endpoint: DEAD, fallback })).degraded, ["client"]);
  assert.deepEqual((await getShelves("checkout", {}, { ...patient, fallback })).degraded, ["client"]);
  assert.deepEqual(
    (await getPages([{ surface: "home" }, { surface: "cart" }], { endpoint: DEAD })).map((one) => one.surface),
    ["home", "cart"],
  );
  assert.equal(reasons.length, 2);
  assert.equal(reasons[1].status, 400);
  assert.equal(await track([event()], { endpoint: DEAD }), null);
  assert.equal(await setConsent({ visitor_id, consent: [] }, { endpoint: DEAD }), null);
});

test("who aborts gets the reason back, before and during the request", async () => {
  const reason = new Error("the page has gone");
  const gone = { endpoint: HELD, timeout: 20_000, fallback: { slots: [] } };
  await assert.rejects(getShelves("home", {}, { ...gone, signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const asked = getShelves("home", {}, { ...gone, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 50);
  await assert.rejects(asked, reason);
});

test("events are taken once each, and said to be ignored without consent", async () => {
  const first = event();
  assert.deepEqual(
    (await track([first, event({ id: "mine" })], patient)).map((one) => one.status),
    ["accepted", "accepted"],
  );
  assert.deepEqual(
    (await track([first, event({ id: "mine" })], patient)).map((one) => one.status),
    ["duplicate", "duplicate"],
  );
  assert.deepEqual(
    (await track([event({ consent: [] })], patient)).map((one) => one.status),
    ["ignored"],
  );
  const [bad, good] = await track([event({ currency: "dollars" }), event()], patient);
  assert.equal(bad.status, "rejected");
  assert.match(bad.detail, /currency/);
  assert.equal(good.status, "accepted");
});

test("what was viewed moves the next page, until consent is withdrawn", async () => {
  const who = { visitor_id: LEAVER, consent: all };
  const before = await getShelves("home", who, patient);
  await track([{ type: "detail-page-view", ...who, products: [{ product_id }] }], patient);
  const after = await getShelves("home", { ...who, rev: 1 }, patient);
  assert.notDeepEqual(ids(after), ids(before));
  assert.ok(after.slots.some((slot) => slot.served_by === "personal"));
  assert.deepEqual(await setConsent({ visitor_id: LEAVER, consent: [] }, patient), []);
  const left = await getShelves("home", { ...who, rev: 2 }, patient);
  assert.ok(
    left.slots.every((slot) => slot.served_by !== "personal"),
    "a stored denial wins",
  );
  assert.deepEqual(
    (await track([{ type: "home-page-view", ...who }], patient)).map((one) => one.status),
    ["ignored"],
  );
});

test("outside demo mode a server shows its secret key, in the header alone", async () => {
  const urls = [];
  const noting = (url, init) => (urls.push(url + init.body), fetch(url, init));
  const server = { endpoint: KEYED, key: KEY, timeout: 20_000, fetch: noting };
  const known = await getShelves("home", { customer_id: "ada", consent: ["personalization"] }, server);
  assert.ok(known.slots.some((slot) => slot.served_by === "personal"));
  assert.equal((await track([event({ type: "home-page-view", products: [] })], server))[0].status, "accepted");
  assert.deepEqual(await setConsent({ visitor_id: "somebody", consent: all }, server), [...all].sort());
  assert.ok(urls.length === 3 && urls.every((url) => !url.includes(KEY)));
  const without = await getShelves(
    "home",
    {},
    { endpoint: KEYED, timeout: 20_000, fallback: (error) => ({ slots: [], why: error.status }) },
  );
  assert.equal(without.why, 401);
});
