/** The Worker before the real edge. ORIGIN_URL, SHOPIFY_SECRET, WORKER_SECRET and PRODUCTS come from test_worker.py. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before, describe, it } from "node:test";

import { delivery, signed, startWorker, until } from "./worker_stage.mjs";

const { ORIGIN_URL, SHOPIFY_SECRET: secret, WORKER_SECRET, PRODUCTS } = process.env;
const [first, second, third] = PRODUCTS.split(",");
const CONSENT = "analytics,personalization";

/** The line to the edge, which can be cut. */
class Line {
  sockets = new Set();
  cut = false;

  async lay(url) {
    const { hostname, port } = new URL(url);
    this.server = createServer((near) => {
      if (this.cut) return near.destroy();
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on("error", () => {}).on("close", () => (near.destroy(), far.destroy(), this.sockets.delete(socket)));
      }
      return near.pipe(far).pipe(near);
    }).listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  down() {
    this.cut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  up() {
    this.cut = false;
  }

  remove() {
    this.down();
    this.server.close();
  }
}

const line = new Line();
let worker;

before(async () => {
  worker = await startWorker(await line.lay(ORIGIN_URL), {
    ENDCAP_SHOPIFY_SECRETS: secret,
    ENDCAP_WORKER_SECRETS: WORKER_SECRET,
    ORIGIN_TIMEOUT_MS: "10000", // a busy machine is not what is tested here
    EVENTS_TIMEOUT_MS: "10000",
    WEBHOOK_TIMEOUT_MS: "10000",
  });
});
after(async () => {
  await worker.stop();
  line.remove();
});

const proxied = (path, fields = {}, init = {}) => worker.ask(`/proxy${path}?${signed(fields, { secret })}`, init);
const post = (path, content) => proxied(path, {}, { method: "POST", body: JSON.stringify(content) });
const shown = ({ json }) => json.slots.map(({ id, items }) => [id, items.map((item) => item.id)]);

/** What is answered while the line is cut. */
async function without(ask) {
  line.down();
  const answer = await ask();
  line.up();
  return answer;
}

/** Ask with the line and without it, until the popular answer of that surface has been kept. */
const popularKept = (path, fields) =>
  until(
    async () => {
      const stranger = { ...fields, visitor_id: randomUUID(), consent: CONSENT };
      await proxied(path, stranger);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return without(() => proxied(path, { ...stranger, visitor_id: randomUUID() }));
    },
    ({ json }) => json.slots.length > 0,
  );

describe("before the real edge", () => {
  it("contextual shelves are a MISS, then a HIT, and the same as without the Worker", async () => {
    const fields = { product_id: first };
    const pdp = () => proxied("/v1/recommendations/pdp", fields);
    const miss = await pdp();
    assert.deepEqual([miss.status, miss.edge, miss.headers.get("x-endcap-scope")], [200, "MISS", "shared"]);
    const hit = await until(pdp, ({ edge }) => edge === "HIT");
    const direct = await fetch(`${ORIGIN_URL}/proxy/v1/recommendations/pdp?${signed(fields, { secret })}`);
    assert.deepEqual(JSON.parse(hit.text), await direct.json());
    assert.ok(shown(hit).length > 0);
    assert.match(hit.headers.get("x-endcap-version"), /\./);
  });

  it("the open door is the Worker's: visitors, no customers, nobody without its signature", async () => {
    const home = "/v1/recommendations/home";
    assert.equal((await fetch(ORIGIN_URL + home)).status, 401);
    assert.equal((await worker.ask(home)).status, 200);
    assert.equal((await worker.ask(`${home}?visitor_id=${randomUUID()}&consent=personalization`)).edge, "PASS");
    const named = await worker.ask(`${home}?customer_id=7&consent=personalization`);
    assert.deepEqual([named.status, named.json.parameter], [400, "customer_id"]);
  });

  it("what was viewed shapes the next page, stale when the line is cut, gone after a withdrawal", async () => {
    const visitor_id = randomUUID();
    const fields = { visitor_id, consent: CONSENT };
    const home = () => proxied("/v1/recommendations/home", fields);
    const events = [first, second, third].map((product_id) => ({
      id: randomUUID(),
      type: "detail-page-view",
      time: new Date().toISOString(),
      visitor_id,
      consent: CONSENT.split(","),
      products: [{ product_id }],
      source: "web",
    }));
    const taken = await post("/v1/events", { events });
    assert.deepEqual(taken.json.results.map(({ status }) => status), ["accepted", "accepted", "accepted"]);

    const personal = await home();
    assert.deepEqual([personal.edge, personal.headers.get("x-endcap-scope")], ["PASS", "personal"]);
    assert.ok(personal.json.slots.some(({ served_by }) => served_by === "personal"), personal.text);

    await popularKept("/v1/recommendations/home");
    const stale = await until(() => without(home), ({ edge }) => edge === "STALE");
    assert.deepEqual(shown(stale), shown(personal));
    assert.deepEqual(stale.json.degraded, ["origin"]);

    const decided = await post("/v1/consent", { id: randomUUID(), visitor_id, consent: [] });
    assert.equal(decided.status, 200, decided.text);
    const after = await without(home);
    assert.equal(after.edge, "FALLBACK");
    assert.deepEqual(after.json.degraded, ["origin"]);
    assert.ok(after.json.slots.length > 0, "popular products, learned from the real edge");
    assert.ok(after.json.slots.every(({ served_by }) => served_by !== "personal"));
    const again = await home();
    assert.ok(again.json.slots.every(({ served_by }) => served_by !== "personal"), "the edge has forgotten, too");
  });

  it("a product page has popular products when nothing else is left", async () => {
    await popularKept("/v1/recommendations/pdp", { product_id: second });
    const bare = await without(() => proxied("/v1/recommendations/pdp", { product_id: third, limit: "3" }));
    assert.deepEqual([bare.edge, bare.json.degraded], ["FALLBACK", ["origin"]]);
    const [slot] = bare.json.slots;
    assert.deepEqual([slot.id, slot.served_by, slot.items.length], ["similar", "popular", 3]);
    assert.ok(slot.items.every(({ id }) => id !== third));
  });

  it("a batch is answered, and from here when the line is cut", async () => {
    const requests = [{ surface: "home" }, { surface: "pdp", product_id: first }, { surface: "pdp" }];
    const batch = () => post("/v1/recommendations", { requests });
    assert.deepEqual((await batch()).json.results.map(({ status }) => status), [200, 200, 400]);
    const poor = await without(batch);
    assert.equal(poor.status, 200);
    assert.deepEqual(poor.json.results.slice(0, 2).map(({ status, body }) => [status, body.degraded]), [
      [200, ["origin"]],
      [200, ["origin"]],
    ]);
  });

  it("Shopify's own endpoint answers in its shape, found again by another signature", async () => {
    const ask = () => proxied("/recommendations/products.json", { product_id: first, limit: "4" });
    assert.equal((await ask()).edge, "MISS");
    const hit = await until(ask, ({ edge }) => edge === "HIT");
    assert.equal(hit.json.intent, "related");
    assert.ok(hit.json.products.length > 0 && hit.json.products.length <= 4);
  });

  it("webhooks pass two verifications, and are 503 when the line is cut", async () => {
    const shop_domain = "shop-name.myshopify.com";
    const body = JSON.stringify({ id: 1, shop_domain, customer: { id: 7 }, orders_to_redact: [] });
    const made = () => delivery("customers/redact", body, { secret });
    assert.equal((await worker.ask("/webhooks/shopify", made())).status, 200);
    assert.equal((await worker.ask("/webhooks/shopify", { ...made(), body: `${body} ` })).status, 401);
    assert.equal((await without(() => worker.ask("/webhooks/shopify", made()))).status, 503);
  });

  it("the theme script comes through, kept and unchanged", async () => {
    const ask = () => worker.ask("/proxy/endcap.js");
    assert.equal((await ask()).status, 200);
    const hit = await until(ask, ({ edge }) => edge === "HIT");
    assert.equal(hit.text, await (await fetch(`${ORIGIN_URL}/endcap.js`)).text());
  });
});
