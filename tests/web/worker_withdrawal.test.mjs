/** What is forgotten when consent to personalization is withdrawn, at once, everywhere, whatever was under way. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";

import { delivery, FAILURES, Origin, signed, startWorker, until } from "./worker_stage.mjs";

let origin, worker;
let count = 0;
let anna; // somebody else in each test: nothing kept by one test is found by another
const HOME = "/proxy/v1/recommendations/home?";

before(async () => {
  origin = await new Origin().start();
  worker = await startWorker(origin.url);
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

const page = (fields, of = worker) => of.ask(HOME + signed(fields));

describe("after a withdrawal", () => {
  const down = () => (origin.failure = FAILURES["status 500"]);
  const up = () => (origin.failure = null);
  const consent = (body, query = signed({})) =>
    worker.ask(`/proxy/v1/consent?${query}`, { method: "POST", body: JSON.stringify(body) });

  /** Anna's page is kept, and served when the origin fails. */
  async function keptFor(fields, of = worker) {
    await page(fields, of);
    down();
    await until(() => page(fields, of), ({ edge }) => edge === "STALE");
    up();
  }
  const gone = async (fields, of = worker) => {
    down();
    const answer = await page(fields, of);
    assert.equal(answer.edge, "FALLBACK");
    assert.doesNotMatch(answer.text, /anna|82098291194615/);
    up();
  };

  it("by the visitor nothing kept before is served, the origin dead or not", async () => {
    await keptFor(anna);
    assert.equal((await consent({ visitor_id: anna.visitor_id, consent: ["analytics"] })).status, 200);
    await gone(anna);
  });

  it("that the origin could not take (503) nothing kept before is served either", async () => {
    await keptFor(anna);
    down();
    assert.equal((await consent({ visitor_id: anna.visitor_id, consent: [] })).status, 503);
    await gone(anna);
  });

  it("by who is logged in, as Shopify says, all the customer's devices are meant", async () => {
    const phone = { ...anna, visitor_id: `phone-${count}` };
    await keptFor(anna);
    await keptFor(phone);
    const query = signed({ logged_in_customer_id: anna.logged_in_customer_id });
    await consent({ visitor_id: anna.visitor_id, consent: [] }, query);
    await gone(anna);
    await gone(phone);
  });

  it("others keep what is theirs", async () => {
    const bert = { consent: "personalization", visitor_id: `bert-${count}` };
    await keptFor(bert);
    await consent({ visitor_id: anna.visitor_id, consent: [] });
    down();
    assert.equal((await page(bert)).edge, "STALE");
  });

  it("a decision that still allows it, or one that cannot be read, changes nothing", async () => {
    await keptFor(anna);
    await consent({ visitor_id: anna.visitor_id, consent: ["personalization"] });
    await worker.ask(`/proxy/v1/consent?${signed({})}`, { method: "POST", body: "{" });
    down();
    assert.equal((await page(anna)).edge, "STALE");
  });

  it("an answer that was under way meanwhile is not kept for later", async () => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const arrived = new Promise((resolve) => {
      origin.before = ({ url }) => {
        if (!url.includes(anna.visitor_id)) return undefined;
        resolve();
        return held;
      };
    });
    const underway = page(anna);
    await arrived;
    origin.before = null;
    await consent({ visitor_id: anna.visitor_id, consent: [] });
    release();
    assert.equal((await underway).edge, "PASS", "asked for before: its own reader gets it");
    await gone(anna);
    await gone(anna);
  });

  it("an answer begun while the withdrawal was on its way to the origin is not kept either", async () => {
    await keptFor(anna);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const arrived = new Promise((resolve) => {
      origin.before = ({ url }) => {
        if (!url.includes("/v1/consent")) return undefined;
        resolve();
        return held;
      };
    });
    const withdrawal = consent({ visitor_id: anna.visitor_id, consent: [] });
    await arrived;
    await keptFor(anna); // the origin has not heard of it yet
    release();
    assert.equal((await withdrawal).status, 200);
    await gone(anna);
  });

  it("and a new grant, what is kept from then on is served again", async () => {
    await keptFor(anna);
    await consent({ visitor_id: anna.visitor_id, consent: [] });
    await keptFor(anna);
  });

  it("customers/redact has the same effect, with an id that only exact digits name", async () => {
    const one = { consent: "personalization", visitor_id: "", logged_in_customer_id: "820982911946154508" };
    const near = { ...one, logged_in_customer_id: "820982911946154500" };
    await keptFor(one);
    await keptFor(near);
    const body = '{"shop_id":1,"shop_domain":"x.myshopify.com","customer":{"id":820982911946154508,"email":"a@b.c"}}';
    assert.equal((await worker.ask("/webhooks/shopify", delivery("customers/redact", body))).status, 200);
    await gone(one);
    down();
    assert.equal((await page(near)).edge, "STALE");
  });

  it("a forged customers/redact has none", async () => {
    await keptFor(anna);
    const body = `{"customer":{"id":${anna.logged_in_customer_id}}}`;
    const forged = delivery("customers/redact", body, { secret: "guessed" });
    assert.equal((await worker.ask("/webhooks/shopify", forged)).status, 401);
    down();
    assert.equal((await page(anna)).edge, "STALE");
  });

  it("no other data centre serves what it kept, once KV has brought the news", async () => {
    const kv = { kvNamespaces: ["WITHDRAWN"] };
    const [near, far] = await Promise.all([startWorker(origin.url, {}, kv), startWorker(origin.url, {}, kv)]);
    try {
      await keptFor(anna, far);
      const body = JSON.stringify({ visitor_id: anna.visitor_id, consent: [] });
      await near.ask(`/proxy/v1/consent?${signed({})}`, { method: "POST", body });
      const told = await near.miniflare.getKVNamespace("WITHDRAWN");
      const { keys } = await until(() => told.list(), (list) => list.keys.length > 0);
      assert.ok(keys.every(({ name, expiration }) => /^[0-9a-f]{64}$/.test(name) && expiration > Date.now() / 1000));
      const there = await far.miniflare.getKVNamespace("WITHDRAWN"); // what Cloudflare does within a minute
      for (const { name } of keys) await there.put(name, "1");
      await gone(anna, far);
    } finally {
      await Promise.all([near.stop(), far.stop()]);
    }
  });

  it("or before, the keys of what is kept name nobody", async () => {
    const folder = await mkdtemp(join(tmpdir(), "endcap-worker-"));
    const written = await startWorker(origin.url, {}, { cachePersist: folder });
    try {
      await keptFor(anna, written);
    } finally {
      await written.stop();
    }
    const names = await readdir(folder, { recursive: true });
    const indexes = names.filter((name) => /sqlite/.test(name)); // beside them lie the answers themselves
    const text = (await Promise.all(indexes.map((name) => readFile(join(folder, name), "latin1")))).join("");
    assert.match(text, /endcap-kept\/personal\/[0-9a-f]{64}/);
    assert.doesNotMatch(text, new RegExp(`${anna.visitor_id}|${anna.logged_in_customer_id}`));
    await rm(folder, { recursive: true });
  });
});
