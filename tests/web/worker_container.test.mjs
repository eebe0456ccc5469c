/** The bundle of the Containers environment (at BUNDLE) where no container can start: a machine without Docker. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";

import { Miniflare } from "miniflare";

it("shelves are answered, and events are 503, where no container starts", async () => {
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "container.js", contents: await readFile(process.env.BUNDLE, "utf8") }],
    compatibilityDate: "2026-04-01",
    cf: false,
    durableObjects: { API: { className: "ApiContainer", useSQLite: true } },
    bindings: { ORIGIN_URL: "http://container", ORIGIN_TIMEOUT_MS: "2000", EVENTS_TIMEOUT_MS: "2000", INSTANCES: "2" },
  });
  try {
    const shelves = await miniflare.dispatchFetch("https://recs.example.com/v1/recommendations/home");
    assert.deepEqual([shelves.status, shelves.headers.get("x-endcap-edge")], [200, "FALLBACK"]);
    assert.deepEqual(await shelves.json(), { surface: "home", model_version: null, degraded: ["origin"], slots: [] });
    const events = await miniflare.dispatchFetch("https://recs.example.com/v1/events", { method: "POST", body: "{}" });
    assert.equal(events.status, 503);
  } finally {
    await miniflare.dispose();
  }
});
