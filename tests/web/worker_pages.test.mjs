/** Recommendations through the Worker: what is kept, what is asked for, what is shown when the origin fails. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";

import { FAILURES, Origin, signed, startWorker, tooLong, until } from "./worker_stage.mjs";

let origin, worker, unkept;
let count = 0;
let shop;
const HOME = "/proxy/v1/recommendations/home?";
const ANNA = { consent: "personalization,analytics", visitor_id: "anna" };
const BERT = { consent: "personalization,analytics", visitor_id: "bert" };

before(async () => {
  origin = await new Origin().start();
  worker = await startWorker(origin.url);
  unkept = await startWorker(origin.url, { FRESH_S: "0" }); // looks at what is kept only when the origin fails
});
after(async () => {
  await Promise.all([worker.stop(), unkept.stop()]);
  await origin.stop();
});
beforeEach(() => {
  origin.reset();
  count += 1;
  shop = `shop-${count}.myshopify.com`; // nothing kept by one test is found by another
});

/** A page asked for through the app proxy, with a signature of this moment. */
const page = (of, fields = {}, path = HOME) => of.ask(path + signed(fields, { shop }));
const kept = (of, fields, path) => until(() => page(of, fields, path), ({ edge }) => edge === "HIT");
const whose = ({ json }) => json.model_version;

/** Ask until the answer has been kept: then the origin fails, and it is served stale. */
async function keptStale(of, fields, path = HOME) {
  await page(of, fields, path);
  origin.failure = FAILURES["status 500"];
  const answer = await until(() => page(of, fields, path), ({ edge }) => edge === "STALE");
  origin.failure = null;
  return answer;
}

describe("contextual answers", () => {
  it("are a MISS first and a HIT with a new signature", async () => {
    assert.equal((await page(worker)).edge, "MISS");
    const asked = origin.asked.length;
    const again = await kept(worker, {});
    assert.equal(again.status, 200);
    assert.equal(whose(again), "on home");
    assert.match(again.headers.get("cache-status"), /^endcap-worker; hit; ttl=\d+; detail=HIT$/);
    assert.ok(Number(again.headers.get("age")) >= 0);
    await page(worker);
    assert.ok(origin.asked.length <= asked + 1, "a HIT asks the origin nothing");
  });

  it("do not depend on who is logged in, as long as nobody allows it", async () => {
    await page(worker, { logged_in_customer_id: "1" });
    assert.equal(whose(await kept(worker, { logged_in_customer_id: "2" })), "on home");
  });

  it("do not depend on the order of parameters, nor on revision and key", async () => {
    const path = "/v1/recommendations/pdp?";
    await worker.ask(`${path}product_id=7&market=c${count}&limit=4&rev=1`);
    const other = () => worker.ask(`${path}rev=2&limit=4&market=c${count}&product_id=7&key=pk_x`);
    await until(other, ({ edge }) => edge === "HIT");
  });

  for (const [name, value] of Object.entries({
    market: "CH",
    locale: "de-CH",
    consent: "analytics",
    product_id: "8",
    product_ids: "1,2",
    limit: "3",
    slots: "trending",
    exclude: "p1",
    fallback: "none",
    min_score: "0.5",
    filter: '{"brand":"x"}',
  })) {
    it(`are kept apart by ${name}`, async () => {
      await page(worker);
      await kept(worker, {});
      assert.equal((await page(worker, { [name]: value })).edge, "MISS");
      await kept(worker, { [name]: value });
    });
  }

  it("are kept apart by shop and by surface", async () => {
    await page(worker);
    await kept(worker, {});
    assert.equal((await page(worker, {}, "/proxy/v1/recommendations/cart?")).edge, "MISS");
    assert.equal((await worker.ask(HOME + signed({}, { shop: `other-${shop}` }))).edge, "MISS");
  });

  it("are asked for anew once they are too old", async () => {
    await page(unkept);
    assert.equal((await page(unkept)).edge, "MISS");
  });

  it("are not found any more under a new version of model or rules", async () => {
    await page(worker);
    await kept(worker, {});
    origin.version = "m1.r2";
    await page(worker, { product_id: "9" }); // any answer tells
    await until(() => page(worker), ({ edge }) => edge === "MISS");
    origin.failure = FAILURES.silence;
    await kept(worker, {});
  });

  it("are not kept when the origin does not call them shared", async () => {
    origin.overrides["/v1/recommendations/home"] = (response) =>
      response.writeHead(200, { "X-Endcap-Version": "m1.r1", "X-Endcap-Scope": "personal" }).end('{"slots":[]}');
    await page(worker);
    origin.failure = FAILURES["status 500"];
    assert.equal((await page(worker)).edge, "FALLBACK");
  });

  it("are not kept while they lack something", async () => {
    origin.degraded = ["ranker"];
    await page(unkept);
    await page(unkept);
    origin.failure = FAILURES["status 500"];
    assert.equal((await page(unkept)).edge, "FALLBACK");
  });

  it("are neither looked up nor kept for the products of a visit", async () => {
    await page(worker);
    await kept(worker, {});
    assert.equal((await page(worker, { session: "p1,p2" })).edge, "PASS");
    assert.equal((await page(worker, { session: "p1,p2" })).edge, "PASS");
  });

  it("say private, no-store to shoppers under the app proxy, and what the origin said elsewhere", async () => {
    assert.equal((await page(worker)).headers.get("cache-control"), "private, no-store");
    assert.equal((await kept(worker, {})).headers.get("cache-control"), "private, no-store");
    const open = await worker.ask(`/v1/recommendations/home?market=n${count}`);
    assert.equal(open.headers.get("cache-control"), "public, max-age=5, s-maxage=30");
  });

  it("are 304 for a reader who has them", async () => {
    const path = `/v1/recommendations/home?market=t${count}`;
    await worker.ask(path);
    await until(() => worker.ask(path), ({ edge }) => edge === "HIT");
    const again = await worker.ask(path, { headers: { "If-None-Match": '"e1"' } });
    assert.deepEqual([again.status, again.text], [304, ""]);
  });

  it("carry the CORS headers of the page that asked", async () => {
    const path = `/v1/recommendations/home?market=o${count}`;
    origin.overrides["/v1/recommendations/home"] = (response, { headers }) =>
      response
        .writeHead(200, {
          "X-Endcap-Scope": "shared",
          "X-Endcap-Version": "m1.r1",
          ...(headers.origin ? { "Access-Control-Allow-Origin": headers.origin, Vary: "Origin" } : {}),
        })
        .end('{"degraded":[],"slots":[]}');
    const from = (name) => () => worker.ask(path, { headers: { Origin: name } });
    for (const name of ["https://a.example", "https://b.example"]) {
      const answer = await until(from(name), ({ edge }) => edge === "HIT");
      assert.equal(answer.headers.get("access-control-allow-origin"), name);
    }
    assert.equal((await worker.ask(path)).headers.get("access-control-allow-origin"), null);
  });
});

describe("personal answers", () => {
  it("come from the origin every time", async () => {
    for (let time = 1; time <= 3; time += 1) {
      const answer = await page(worker, ANNA);
      assert.deepEqual([answer.edge, whose(answer), origin.asked.length], ["PASS", "for anna", time]);
    }
  });

  it("are served stale when the origin fails, and say so", async () => {
    const answer = await keptStale(worker, ANNA);
    assert.equal(whose(answer), "for anna");
    assert.deepEqual(answer.json.degraded, ["origin"]);
    assert.equal(answer.headers.get("cache-control"), "private, no-store");
    assert.equal(answer.json.slots[0].attribution_token, "token-for_you");
  });

  it("of one shopper are never another's", async () => {
    await keptStale(worker, ANNA);
    origin.failure = FAILURES["status 500"];
    const answer = await page(worker, BERT);
    assert.equal(answer.edge, "FALLBACK");
    assert.doesNotMatch(answer.text, /anna/);
  });

  it("of one customer are never another's, on the same device neither", async () => {
    await keptStale(worker, { ...ANNA, logged_in_customer_id: "1" });
    origin.failure = FAILURES["status 500"];
    for (const logged_in_customer_id of ["2", ""]) {
      assert.equal((await page(worker, { ...ANNA, logged_in_customer_id })).edge, "FALLBACK");
    }
  });

  it("are not served without the consent that they were made with", async () => {
    await keptStale(worker, ANNA);
    origin.failure = FAILURES["status 500"];
    for (const consent of ["", "analytics", "personalization", "personalization,analytics,marketing"]) {
      const answer = await page(worker, { ...ANNA, consent });
      assert.equal(answer.edge, "FALLBACK", consent);
    }
    assert.equal((await page(worker, { ...ANNA, consent: "analytics,personalization" })).edge, "STALE");
  });

  it("are not served on another page, market or locale", async () => {
    await keptStale(worker, ANNA);
    origin.failure = FAILURES["status 500"];
    for (const other of [{ market: "CH" }, { locale: "de-CH" }, { exclude: "p1" }]) {
      assert.equal((await page(worker, { ...ANNA, ...other })).edge, "FALLBACK");
    }
  });

  it("outlive a new model and end with new rules", async () => {
    await keptStale(worker, ANNA);
    origin.version = "m2.r1";
    await page(worker);
    await kept(worker, {});
    origin.failure = FAILURES["status 500"];
    assert.equal((await page(worker, ANNA)).edge, "STALE");
    origin.failure = null;
    origin.version = "m2.r2";
    await keptStale(worker, BERT);
    origin.failure = FAILURES["status 500"];
    assert.equal((await page(worker, ANNA)).edge, "FALLBACK");
  });

  it("are not kept while they lack something", async () => {
    origin.degraded = ["profile"];
    await page(worker, ANNA);
    await page(worker, ANNA);
    origin.failure = FAILURES["status 500"];
    assert.equal((await page(worker, ANNA)).edge, "FALLBACK");
  });
});

describe("customers named by a server", () => {
  const ask = (key) =>
    worker.ask(`/v1/recommendations/home?customer_id=c${count}&consent=personalization`, {
      headers: key ? { Authorization: `Bearer ${key}` } : {},
    });

  it("have their stale answers for that server's key only", async () => {
    origin.overrides["/v1/recommendations/home"] = (response, { headers }) =>
      headers.authorization === "Bearer sk_1"
        ? response.writeHead(200, { "X-Endcap-Version": "m1.r1" }).end('{"degraded":[],"slots":[]}')
        : response.writeHead(400).end();
    await ask("sk_1");
    origin.failure = FAILURES["status 500"];
    await until(() => ask("sk_1"), ({ edge }) => edge === "STALE");
    for (const key of ["sk_2", ""]) assert.equal((await ask(key)).edge, "FALLBACK");
  });
});

describe("a failing origin", () => {
  for (const [name, failure] of Object.entries(FAILURES)) {
    it(`with ${name}: STALE inside the deadline`, async () => {
      await keptStale(unkept, {});
      origin.failure = failure;
      const began = performance.now();
      const answer = await page(unkept);
      const took = performance.now() - began;
      assert.deepEqual([answer.status, answer.edge, answer.json.degraded], [200, "STALE", ["origin"]]);
      assert.ok(took < 3_000, `${took} ms, with a deadline of 400 ms and a busy machine`);
    });

    it(`with ${name} and nothing kept: FALLBACK 200`, async () => {
      origin.failure = failure;
      const answer = await page(worker);
      assert.deepEqual([answer.status, answer.edge], [200, "FALLBACK"]);
      assert.deepEqual(answer.json, { surface: "home", model_version: null, degraded: ["origin"], slots: [] });
    });
  }

  it("that is not there at all: FALLBACK 200", async () => {
    const gone = await new Origin().start();
    await gone.stop();
    const alone = await startWorker(gone.url);
    try {
      const answer = await page(alone, ANNA);
      assert.deepEqual([answer.status, answer.edge, answer.json.slots], [200, "FALLBACK", []]);
    } finally {
      await alone.stop();
    }
  });

  it("shows popular products, cut to the page", async () => {
    const pdp = "/proxy/v1/recommendations/pdp?";
    await page(worker, { product_id: "p9" }, pdp);
    await until(async () => origin.served, (served) => served.some((url) => url.includes("product_id=endcap-popular")));
    origin.failure = FAILURES["status 500"];
    const fields = { ...ANNA, product_id: "p2", exclude: "p3", slots: "similar", limit: "1" };
    const answer = await until(() => page(worker, fields, pdp), ({ json }) => json.slots.length > 0);
    assert.equal(answer.edge, "FALLBACK");
    assert.deepEqual(answer.json.degraded, ["origin"]);
    const shown = answer.json.slots.map(({ id, items }) => [id, items.map((item) => item.id)]);
    assert.deepEqual(shown, [["similar", ["p1"]]]);
    const none = await page(worker, { ...fields, fallback: "none" }, pdp);
    assert.deepEqual(none.json.slots, []);
    const filtered = await page(worker, { ...fields, filter: '{"brand":"x"}' }, pdp);
    assert.deepEqual(filtered.json.slots, []);
  });

  it("keeps popular answers apart by market and locale", async () => {
    await page(worker, { market: "US" });
    await until(async () => origin.served, (served) => served.some((url) => url.includes("limit=24")));
    origin.failure = FAILURES["status 500"];
    await until(() => page(worker, { ...ANNA, market: "US" }), ({ json }) => json.slots.length > 0);
    assert.deepEqual((await page(worker, { ...ANNA, market: "CH" })).json.slots, []);
    assert.deepEqual((await page(worker, { ...ANNA, market: "US", locale: "de-CH" })).json.slots, []);
  });

  it("lets what is wrong with a question through as it is", async () => {
    origin.overrides["/v1/recommendations/home"] = (response) =>
      response.writeHead(400, { "Content-Type": "application/problem+json" }).end('{"status":400,"parameter":"x"}');
    const answer = await page(worker);
    assert.deepEqual([answer.status, answer.json.parameter, answer.edge], [400, "x", "PASS"]);
  });
});

describe("posts and batches", () => {
  const post = (path, content) =>
    worker.ask(`${path}?${signed({}, { shop })}`, { method: "POST", body: JSON.stringify(content) });
  const single = (content) => post("/proxy/v1/recommendations/home", content);
  const batch = (...requests) => post("/proxy/v1/recommendations", { requests });

  it("share what is kept with the same question by GET", async () => {
    await page(worker, { limit: "5" });
    await until(() => single({ limit: 5 }), ({ edge }) => edge === "HIT");
    assert.equal((await single({ limit: 4 })).edge, "MISS");
  });

  it("go on to the origin as the bytes they were", async () => {
    const body = '{ "limit" : 5,"consent":[ ] }';
    await worker.ask(`/proxy/v1/recommendations/home?${signed({}, { shop })}`, { method: "POST", body });
    assert.equal(origin.asked.at(-1).body.toString(), body);
  });

  it("are served stale, member by member", async () => {
    const anna = { surface: "home", visitor_id: "anna", consent: ["personalization"] };
    await batch(anna, { ...anna, surface: "cart" });
    origin.failure = FAILURES["status 500"];
    const answer = await until(() => batch(anna, { ...anna, surface: "cart" }), ({ edge }) => edge === "STALE");
    assert.deepEqual(answer.json.results.map(({ status, body }) => [status, body.model_version, body.degraded]), [
      [200, "for anna", ["origin"]],
      [200, "for anna", ["origin"]],
    ]);
    const mixed = await batch(anna, { ...anna, visitor_id: "bert" });
    assert.equal(mixed.edge, "FALLBACK");
    assert.equal(mixed.json.results[0].body.model_version, "for anna");
    assert.notEqual(mixed.json.results[1].body.model_version, "for anna");
  });

  it("with a bad member spoil nothing", async () => {
    const fine = await batch({ surface: "home" }, { surface: "attic" });
    assert.deepEqual(fine.json.results.map(({ status }) => status), [200, 400]);
    origin.failure = FAILURES["status 500"];
    const poor = await batch({ surface: "home" }, { surface: "attic" });
    const told = poor.json.results.map(({ status, body }) => [status, body.parameter]);
    assert.deepEqual(told, [[200, undefined], [400, "surface"]]);
  });

  it("that are no JSON, no batch or too long are refused", async () => {
    const path = `/proxy/v1/recommendations?${signed({}, { shop })}`;
    for (const body of ["{", "[]", '{"requests":[]}', "null", '{"requests":"home"}']) {
      assert.equal((await worker.ask(path, { method: "POST", body })).status, 400, body);
    }
    await tooLong(worker, path, 70_000);
    assert.equal(origin.asked.length, 0);
  });
});

describe("Shopify's own endpoint", () => {
  const path = "/proxy/recommendations/products.json?";

  it("is kept like any contextual page", async () => {
    assert.equal((await page(worker, { product_id: "7" }, path)).edge, "MISS");
    assert.equal((await kept(worker, { product_id: "7" }, path)).json.products.length, 3);
    assert.equal((await page(worker, { product_id: "7", intent: "complementary" }, path)).edge, "MISS");
  });

  it("passes over what it does not understand, keeps that apart, and knows locales in its path", async () => {
    assert.equal((await page(worker, { product_id: "7" }, path)).edge, "MISS");
    await kept(worker, { product_id: "7", section: "1" }, path);
    assert.equal((await page(worker, { product_id: "7", limit: "many" }, path)).edge, "PASS");
    assert.equal((await page(worker, { product_id: "7" }, "/proxy/fr/recommendations/products.json?")).edge, "MISS");
  });

  it("has products, or none, in Shopify's shape while the origin is away", async () => {
    origin.failure = FAILURES["status 500"];
    assert.deepEqual((await page(worker, { product_id: "7" }, path)).json, { products: [] });
  });
});

describe("parameters", () => {
  const cases = [
    ["surface", "/v1/recommendations/attic?"],
    ["limit", "/v1/recommendations/home?limit=800"],
    ["visitor_id", `/v1/recommendations/home?visitor_id=${"x".repeat(129)}`],
    ["visitor_id", "/v1/recommendations/home?visitor_id=a%0Ab"],
    ["market", "/v1/recommendations/home?market=a%2Fb"],
    ["locale", `/v1/recommendations/home?locale=${"e".repeat(36)}`],
    ["session", `/v1/recommendations/home?session=${"p,".repeat(201)}`],
    ["slots", "/v1/recommendations/home?slots=A%20B"],
    ["consent", "/v1/recommendations/home?consent=%3Cscript%3E"],
    ["fallback", "/v1/recommendations/home?fallback=some"],
    ["limit", "/v1/recommendations/home?limit=5&limit=6"],
    ["product_id", "/v1/recommendations/home?product_id=%ff"],
    ["query", `/v1/recommendations/home?rev=${"x".repeat(9_000)}`],
  ];
  for (const [parameter, target] of cases) {
    it(`out of bounds are refused without asking the origin: ${parameter} in ${target.slice(20, 60)}`, async () => {
      const answer = await worker.ask(target);
      assert.deepEqual([answer.status, answer.json.parameter], [400, parameter]);
      assert.match(answer.headers.get("content-type"), /problem\+json/);
      assert.equal(origin.seen.length, 0);
    });
  }

  it("that nobody knows are the origin's to refuse, and never kept", async () => {
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await worker.ask("/v1/recommendations/home?colour=red")).edge, "PASS");
    }
  });

  it("that Shopify adds do not matter", async () => {
    await page(worker, { new_from_shopify: "1" });
    await kept(worker, { new_from_shopify: "2" });
  });
});
