/**
 * The Worker where Cloudflare's own parts fail: a cache, a rate limit, a KV that only throw. workerd's do not, so the
 * Worker runs in Node here, with such parts put in their place.
 */

import assert from "node:assert/strict";
import { afterEach, it } from "node:test";

import { handle } from "../../edge/worker.js";
import { startWorker, Origin } from "./worker_stage.mjs";

const broken = async () => {
  throw new Error("out of order");
};
const HOME = "https://recs.example.com/v1/recommendations/home?visitor_id=anna&consent=personalization";
const answer = { surface: "home", model_version: "m", degraded: [], slots: [] };
const headers = { "X-Endcap-Scope": "personal", "X-Endcap-Version": "m.r" };
const up = async () => Response.json(answer, { headers });

/** Ask the Worker; `send` stands for the way to the origin. */
async function ask(request, send, bindings = {}) {
  const later = [];
  const context = { waitUntil: (promise) => later.push(promise) };
  const env = { ORIGIN_URL: "http://origin", ...bindings };
  const response = await handle(new Request(request), env, context, send);
  await Promise.all(later); // none of it may fail
  return response;
}

afterEach(() => {
  delete globalThis.caches;
});

it("a broken cache costs no answer", async () => {
  globalThis.caches = { open: async () => ({ match: broken, put: broken }) };
  const response = await ask(HOME, up);
  assert.deepEqual([response.status, response.headers.get("x-endcap-edge")], [200, "PASS"]);
  const contextual = await ask("https://recs.example.com/v1/recommendations/home", up);
  assert.equal(contextual.headers.get("x-endcap-edge"), "MISS");
  const poor = await ask(HOME, broken);
  assert.deepEqual([poor.status, (await poor.json()).degraded], [200, ["origin"]]);
});

it("a broken cache lets a withdrawal reach the origin, and says that it has to be sent again", async () => {
  globalThis.caches = { open: async () => ({ match: broken, put: broken }) };
  const told = [];
  const body = JSON.stringify({ visitor_id: "anna", consent: [] });
  const request = new Request("https://recs.example.com/v1/consent", { method: "POST", body, duplex: "half" });
  const response = await ask(request, async (onward) => {
    told.push(await onward.text());
    return Response.json({ consent: [] });
  });
  assert.deepEqual([response.status, told], [503, [body]]);
});

it("a broken rate limit lets everybody through", async () => {
  globalThis.caches = { open: async () => ({ match: async () => undefined, put: async () => undefined }) };
  const response = await ask(HOME, up, { SHOP_LIMIT: { limit: broken } });
  assert.equal(response.headers.get("x-endcap-edge"), "PASS");
});

for (const [name, get] of Object.entries({ broken, silent: () => new Promise(() => {}) })) {
  it(`a ${name} KV counts as a withdrawal: nothing personal is served stale`, async () => {
    const held = new Map();
    const match = async (address) => held.get(address)?.clone();
    const keep = async (address, response) => held.set(address, response);
    globalThis.caches = { open: async () => ({ match, put: keep }) };
    const put = name === "broken" ? broken : async () => {};
    await ask(HOME, up, { WITHDRAWN: { get, put } });
    assert.equal((await ask(HOME, broken)).headers.get("x-endcap-edge"), "STALE", "without KV it is found");
    assert.equal((await ask(HOME, broken, { WITHDRAWN: { get, put } })).headers.get("x-endcap-edge"), "FALLBACK");
    const body = JSON.stringify({ visitor_id: "anna", consent: [] });
    const request = new Request("https://recs.example.com/v1/consent", { method: "POST", body, duplex: "half" });
    const decided = await ask(request, async () => Response.json({ consent: [] }), { WITHDRAWN: { get, put } });
    assert.equal(decided.status, 200, "here it has taken hold");
  });
}

it("where nothing can be kept, as on workers.dev, everything comes from the origin", async () => {
  const origin = await new Origin().start();
  const worker = await startWorker(origin.url, {}, { cache: false });
  try {
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await worker.ask("/v1/recommendations/home")).edge, "MISS");
    }
  } finally {
    await worker.stop();
    await origin.stop();
  }
});
