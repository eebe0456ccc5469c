/** Who may come through the Worker, what goes on to the origin, what comes back, and how much of it. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";

import {
  delivery,
  FAILURES,
  Origin,
  SECRET,
  signed,
  startWorker,
  tooLong,
  until,
  WORKER_SECRET,
} from "./worker_stage.mjs";

let origin, worker;
let count = 0;
let anna; // somebody else in each test: nothing kept by one test is found by another
const HOME = "/proxy/v1/recommendations/home?";

before(async () => {
  origin = await new Origin().start();
  worker = await startWorker(origin.url, { ENDCAP_SHOPIFY_SECRETS: `new-secret, ${SECRET}` });
});
after(async () => {
  await worker.stop();
  await origin.stop();
});
beforeEach(() => {
  origin.reset();
  count += 1;
  anna = { consent: "personalization", visitor_id: `anna-${count}`, logged_in_customer_id: `82098291194615${count}` };
});

const page = (fields, of = worker, options = {}) => of.ask(HOME + signed(fields, options));

describe("the app proxy's signature", () => {
  const refused = async (query) => {
    const answer = await worker.ask(HOME + query);
    assert.deepEqual([answer.status, answer.json.detail], [401, "not signed as it should be"]);
    assert.equal(origin.seen.length, 0, "the origin hears nothing of it");
  };

  it("unsigned: 401", () => refused("shop=shop-name.myshopify.com&timestamp=1"));
  it("tampered: 401", () => refused(signed({ limit: "4" }).replace("limit=4", "limit=5")));
  it("with a tampered signature: 401", () => refused(signed({}).replace(/.$/, (char) => (char === "0" ? "1" : "0"))));
  it("of another secret: 401", () => refused(signed({}, { secret: "guessed" })));
  it("with a stale timestamp: 401", () => refused(signed({}, { now: Date.now() / 1000 - 95 })));
  it("with a timestamp of the future: 401", () => refused(signed({}, { now: Date.now() / 1000 + 95 })));
  for (const name of ["shop", "timestamp", "path_prefix", "logged_in_customer_id", "signature"]) {
    it(`with a repeated ${name}: 401`, async () => {
      // Signed by the shop's own secret, as if the splitting of one signed text could be had for asking.
      const said = [...new URLSearchParams(signed({})), [name, "x"]].filter(([key]) => key !== "signature");
      const groups = group(said);
      const texts = Array.from(groups, ([key, all]) => `${key}=${all.map(([, value]) => value).join(",")}`);
      const text = texts.sort().join("");
      const signature = createHmac("sha256", SECRET).update(text).digest("hex");
      const twice = name === "signature" ? [["signature", signature]] : [];
      await refused(String(new URLSearchParams([...said, ...twice, ["signature", signature]])));
    });
  }
  it("of the old secret and of the new one, while both are in use: 200", async () => {
    for (const secret of [SECRET, "new-secret"]) assert.equal((await page({}, worker, { secret })).status, 200);
  });
  it("of another shop than the one that is set: 401", async () => {
    const one = await startWorker(origin.url, { ENDCAP_SHOPIFY_DOMAIN: "shop-name.myshopify.com" });
    try {
      assert.equal((await page({}, one)).status, 200);
      assert.equal((await page({}, one, { shop: "other.myshopify.com" })).status, 401);
    } finally {
      await one.stop();
    }
  });
  it("where no secret is set: 401, and webhooks too", async () => {
    const none = await startWorker(origin.url, { ENDCAP_SHOPIFY_SECRETS: "" });
    try {
      assert.equal((await page({}, none)).status, 401);
      const empty = createHmac("sha256", "").update("{}").digest("base64");
      const init = { method: "POST", body: "{}", headers: { "x-shopify-hmac-sha256": empty } };
      assert.equal((await none.ask("/webhooks/shopify", init)).status, 401);
    } finally {
      await none.stop();
    }
  });
});

function group(pairs) {
  const groups = new Map();
  for (const pair of pairs) groups.set(pair[0], [...(groups.get(pair[0]) ?? []), pair]);
  return groups;
}

describe("what goes on to the origin", () => {
  it("is signed by the Worker: method, path and raw query, at this moment", async () => {
    const query = signed({ market: `a${count}`, title: "a b&c=ä" });
    await worker.ask(HOME + query);
    const [{ url, headers }] = origin.asked;
    assert.equal(url, HOME + query, "the signed address goes on unchanged");
    const [, stamp, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["x-endcap-worker"]);
    assert.ok(Math.abs(Number(stamp) - Date.now() / 1000) < 30);
    const expected = createHmac("sha256", WORKER_SECRET).update(`${stamp}.GET.${url}`).digest("hex");
    assert.equal(signature, expected);
  });

  it("has none of the headers that outsiders must not set, and the address that Cloudflare saw", async () => {
    const headers = {
      "X-Endcap-Worker": "t=1,v1=0",
      "X-Endcap-Anything": "1",
      "X-Forwarded-For": "6.6.6.6",
      "X-Forwarded-Host": "evil.example",
      Cookie: "session=1",
      "If-None-Match": '"e1"',
      "CF-Connecting-IP": "203.0.113.9",
      Authorization: "Bearer sk_1",
      "Accept-Language": "de",
    };
    await worker.ask(`/v1/recommendations/home?market=h${count}`, { headers });
    const got = origin.asked[0].headers;
    assert.match(got["x-endcap-worker"], /^t=\d{10},/);
    for (const name of ["x-endcap-anything", "x-forwarded-host", "cookie", "if-none-match", "cf-connecting-ip"]) {
      assert.equal(got[name], undefined, name);
    }
    assert.equal(got["x-forwarded-for"], "203.0.113.9");
    assert.deepEqual([got.authorization, got["accept-language"]], ["Bearer sk_1", "de"]);
  });

  it("is not signed where no secret is set, as with an app in demo mode", async () => {
    const open = await startWorker(origin.url, { ENDCAP_WORKER_SECRETS: "" });
    try {
      await open.ask("/v1/recommendations/home");
      assert.equal(origin.asked[0].headers["x-endcap-worker"], undefined);
    } finally {
      await open.stop();
    }
  });

  it("comes back without cookies", async () => {
    origin.overrides["/v1/recommendations/home"] = (response) =>
      response.writeHead(200, { "Set-Cookie": "a=1" }).end("{}");
    assert.equal((await worker.ask("/v1/recommendations/home?market=k")).headers.get("set-cookie"), null);
  });

  it("is a preflight, too, with the origin's answer", async () => {
    origin.overrides["/v1/events"] = (response, { method, headers }) =>
      response.writeHead(204, { "Access-Control-Allow-Origin": headers.origin, "X-Method": method }).end();
    const headers = { Origin: "https://shop.example", "Access-Control-Request-Method": "POST" };
    const answer = await worker.ask("/v1/events", { method: "OPTIONS", headers });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-origin"), "https://shop.example");
    assert.equal(answer.headers.get("x-method"), "OPTIONS");
  });

  it("is what a server asks with its key, handed on and never kept", async () => {
    origin.overrides["/v1/customers/7/facts"] = (response, { headers }) =>
      response
        .writeHead(200, { "Content-Type": "application/json" })
        .end(JSON.stringify({ key: headers.authorization }));
    const init = { headers: { Authorization: "Bearer sk_1" } };
    assert.deepEqual((await worker.ask("/v1/customers/7/facts", init)).json, { key: "Bearer sk_1" });
    await worker.ask("/v1/customers/7/facts", init);
    assert.equal(origin.seen.length, 2);
  });
});

describe("what the Worker answers itself", () => {
  it("is that it is alive", async () => {
    assert.deepEqual((await worker.ask("/healthz")).json, { status: "ok" });
    assert.equal(origin.seen.length, 0);
  });
  it("is 404 for what is not the contract's, 405 for another method", async () => {
    for (const path of ["/metrics", "/readyz", "/", "/v1/other", "/v1/recommendations/HOME", "/webhooks/other"]) {
      assert.equal((await worker.ask(path)).status, 404, path);
    }
    for (const path of ["/webhooks/shopify", "/v1/customers/7/facts"]) {
      assert.equal((await worker.ask(`/proxy${path}?${signed({})}`)).status, 404, "not through the app proxy");
    }
    const answer = await worker.ask("/v1/events");
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST"]);
    assert.equal(origin.seen.length, 0);
  });
  it("is 500, logged, where its own settings are wrong", async () => {
    const wrong = await startWorker(origin.url, { FRESH_S: "soon" });
    try {
      const answer = await wrong.ask("/healthz");
      assert.deepEqual([answer.status, answer.json.detail], [500, "a fault in the Worker; it has been logged"]);
    } finally {
      await wrong.stop();
    }
  });
});

describe("pages on other origins", () => {
  it("that the shop named may read what is answered here, others may not", async () => {
    const named = await startWorker(origin.url, { ENDCAP_ORIGINS: "https://shop.example, https://other.example" });
    origin.failure = FAILURES["status 500"];
    const from = (Origin, method = "GET") => named.ask("/v1/recommendations/home", { method, headers: { Origin } });
    const allowed = ({ headers }) => headers.get("access-control-allow-origin");
    try {
      const answer = await from("https://shop.example");
      assert.deepEqual([answer.edge, allowed(answer)], ["FALLBACK", "https://shop.example"]);
      assert.equal(answer.headers.get("vary"), "Origin");
      assert.equal(allowed(await from("https://evil.example")), null);
      const asked = await from("https://other.example", "OPTIONS");
      assert.deepEqual([asked.status, allowed(asked)], [204, "https://other.example"]);
      assert.equal((await from("https://evil.example", "OPTIONS")).status, 503);
    } finally {
      await named.stop();
    }
  });
});

describe("the rate limit", () => {
  let limited;
  const from = (address) => ({ headers: { "CF-Connecting-IP": address } });
  before(async () => {
    limited = await startWorker(origin.url, {}, { ratelimits: { SHOP_LIMIT: { simple: { limit: 3, period: 60 } } } });
  });
  after(() => limited.stop());

  it("counts: then shelves are popular ones, with 200, and the origin is spared", async () => {
    const home = "/v1/recommendations/home?visitor_id=v&consent=personalization";
    const ask = () => limited.ask(home, from("198.51.100.1"));
    for (let time = 0; time < 3; time += 1) assert.equal((await ask()).edge, "PASS");
    const asked = origin.asked.length;
    const over = await ask();
    assert.deepEqual([over.status, over.edge, over.json.degraded], [200, "FALLBACK", ["overload"]]);
    assert.equal(origin.asked.length, asked);
    const other = await limited.ask(home, from("198.51.100.2"));
    assert.equal(other.edge, "PASS", "another address has its own count");
  });

  it("counts events and decisions by themselves, and says 429", async () => {
    const post = (path) => limited.ask(path, { method: "POST", body: "{}", ...from("198.51.100.3") });
    for (const path of ["/v1/events", "/v1/consent"]) {
      for (let time = 0; time < 3; time += 1) assert.equal((await post(path)).status, 200);
      const over = await post(path);
      assert.deepEqual([over.status, over.headers.get("retry-after")], [429, "60"]);
    }
  });

  it("knows shoppers behind the app proxy by the address that Shopify saw, not by one they made up", async () => {
    const ask = (forwarded) =>
      limited.ask(HOME + signed({ ...anna }), {
        headers: { "CF-Connecting-IP": "192.0.2.1", "X-Forwarded-For": forwarded },
      });
    for (const made of ["1.1.1.1", "2.2.2.2", "3.3.3.3"]) {
      assert.equal((await ask(`${made}, 198.51.100.9`)).edge, "PASS");
    }
    assert.equal((await ask("4.4.4.4, 198.51.100.9, 192.0.2.1")).json.degraded[0], "overload");
    assert.equal((await ask("198.51.100.10")).edge, "PASS");
  });
});

describe("webhooks", () => {
  // 820982911946154508 becomes ...500 where a JavaScript reads it as a number and writes it again.
  const BODY = '{"id": 820982911946154508,  "note":"ä", "line_items":[]}';

  for (const prefix of ["x-shopify-", "shopify-"]) {
    it(`of Shopify's with a good ${prefix}hmac go on as the bytes they were: 200`, async () => {
      const answer = await worker.ask("/webhooks/shopify", delivery("orders/create", BODY, { prefix }));
      assert.equal(answer.status, 200);
      assert.deepEqual(origin.seen[0].body, Buffer.from(BODY));
      assert.equal(origin.seen[0].headers[`${prefix}topic`], "orders/create");
      assert.match(origin.seen[0].headers["x-endcap-worker"], /^t=\d+,v1=/);
    });
  }
  it("of Shopify's, altered: 401", async () => {
    const altered = { ...delivery("orders/create", BODY), body: BODY.replace("508", "500") };
    assert.equal((await worker.ask("/webhooks/shopify", altered)).status, 401);
    assert.equal(origin.seen.length, 0);
  });
  it("of Shopify's, unsigned, or signed in two ways: 401", async () => {
    const unsigned = { method: "POST", body: BODY, headers: { "x-shopify-topic": "orders/create" } };
    assert.equal((await worker.ask("/webhooks/shopify", unsigned)).status, 401);
    const one = delivery("orders/create", BODY);
    const both = { ...one, headers: { ...one.headers, "shopify-hmac-sha256": one.headers["x-shopify-hmac-sha256"] } };
    assert.equal((await worker.ask("/webhooks/shopify", both)).status, 401);
    const odd = { ...one, headers: { ...one.headers, "x-shopify-hmac-sha256": "not base64" } };
    assert.equal((await worker.ask("/webhooks/shopify", odd)).status, 401);
  });
  it("of Shopify's, during rotation of the secret: 200", async () => {
    const answer = await worker.ask("/webhooks/shopify", delivery("orders/create", BODY, { secret: "new-secret" }));
    assert.equal(answer.status, 200);
  });
  for (const [name, failure] of Object.entries(FAILURES)) {
    if (name === "a page that is no JSON") continue; // a webhook's answer is its status
    it(`are 503 with ${name}, so that the platform sends them again`, async () => {
      origin.failure = failure;
      const answer = await worker.ask("/webhooks/shopify", delivery("orders/create", BODY));
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "2"]);
    });
  }
  it("of other platforms go on for the origin to verify, with their headers and bytes", async () => {
    const headers = { "webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": "v1,abc" };
    for (const path of ["/webhooks/bigcommerce", "/webhooks/endcap", "/webhooks/adobe"]) {
      origin.seen = [];
      assert.equal((await worker.ask(path, { method: "POST", body: BODY, headers })).status, 200);
      const [{ body, headers: got }] = origin.seen;
      assert.deepEqual([body.toString(), got["webhook-signature"]], [BODY, "v1,abc"]);
    }
    await worker.ask("/webhooks/adobe?challenge=x");
    assert.equal(origin.seen.at(-1).url, "/webhooks/adobe?challenge=x");
  });
  it("too long are refused before they are read to the end", async () => {
    await tooLong(worker, "/webhooks/endcap", 2_097_153);
    assert.equal(origin.seen.length, 0);
  });
});

describe("events and decisions", () => {
  it("go on as the bytes they were, signed address and all", async () => {
    const body = '{"events": [ {"id":"1"} ]}';
    const query = signed({});
    assert.equal((await worker.ask(`/proxy/v1/events?${query}`, { method: "POST", body })).status, 200);
    assert.deepEqual([origin.seen[0].url, origin.seen[0].body.toString()], [`/proxy/v1/events?${query}`, body]);
    assert.equal((await worker.ask(`/proxy/v1/events?${query}x`, { method: "POST", body })).status, 401);
  });
  for (const path of ["/v1/events", "/v1/consent"]) {
    it(`are 503 on ${path} when the origin fails, so that nothing is lost in silence`, async () => {
      origin.failure = FAILURES.silence;
      const answer = await worker.ask(path, { method: "POST", body: '{"visitor_id":"v","consent":[]}' });
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "2"]);
    });
  }
});

describe("files", () => {
  const fixed = { ETag: '"s1"', "Content-Type": "text/javascript" };
  const script = (cache) => (response) =>
    response.writeHead(200, { ...fixed, "Cache-Control": cache }).end("export {}");
  const said = ({ status, text, headers }) => [status, text, headers.get("cache-control")];

  it("with a hash are kept, for any signature or none", async () => {
    origin.overrides["/endcap.0a1b2c3d.js"] = script("public, max-age=31536000, immutable");
    const ask = () => worker.ask(`/proxy/endcap.0a1b2c3d.js?${signed({ v: String(Math.random()) })}`);
    assert.equal((await ask()).edge, "MISS");
    await until(ask, ({ edge }) => edge === "HIT");
    const found = await worker.ask("/proxy/endcap.0a1b2c3d.js");
    assert.deepEqual(said(found), [200, "export {}", "public, max-age=31536000, immutable"]);
  });

  it("are 304 for a reader who has them", async () => {
    origin.overrides["/endcap.js"] = script("public, max-age=60");
    const again = await worker.ask("/endcap.js", { headers: { "If-None-Match": '"s1"' } });
    assert.deepEqual([again.status, again.text], [304, ""]);
  });

  it("too old are asked for anew, and served all the same while the origin fails", async () => {
    origin.overrides["/endcap-react.js"] = script("public, max-age=1");
    const ask = () => worker.ask("/endcap-react.js");
    await ask();
    await until(ask, ({ edge }) => edge === "HIT");
    await until(ask, ({ edge }) => edge === "MISS");
    origin.failure = FAILURES["status 500"];
    const stale = await until(ask, ({ edge }) => edge === "STALE");
    assert.deepEqual(said(stale), [200, "export {}", "public, max-age=60"]);
    assert.equal((await worker.ask("/endcap-none.js")).status, 503);
  });

  it("that the origin does not have are not kept", async () => {
    assert.equal((await worker.ask("/endcap.ffff.js")).status, 404);
    assert.equal((await worker.ask("/endcap.ffff.js")).status, 404);
    assert.equal(origin.seen.length, 2);
  });
});
