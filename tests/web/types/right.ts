/** What a TypeScript user writes: all of it must compile. */

import { getPages, getShelves, setConsent, track } from "../../../edge/web/endcap.js";
import type { Answer, Configuration, Item, Page, Result, ShelfElement, ShopEvent } from "../../../edge/web/endcap.js";

const endpoint = "https://edge.example.com";
const mine: Answer = { surface: "home", model_version: null, degraded: ["mine"], slots: [] };

export async function shelves(signal: AbortSignal): Promise<Item[]> {
  const plain: Answer = await getShelves("home");
  const full = await getShelves(
    "pdp",
    {
      product_id: "1",
      visitor_id: "v",
      session: ["2", "3"],
      consent: ["personalization"],
      slots: "similar,bought_together",
      limit: 4,
      filter: { brand: "Alder", price_max: 10 },
      fallback: "none",
      rev: 7,
    },
    {
      endpoint,
      timeout: 300,
      signal,
      fallback: (error, query) => ({ ...mine, degraded: [error.message, query.surface] }),
    },
  );
  const cart = await getShelves(
    "cart",
    { product_ids: ["1"], lines: [{ product_id: "1", quantity: 2 }] },
    { fallback: mine },
  );
  const pages: Page[] = [{ surface: "pdp", product_id: "1" }, { surface: "home" }];
  const [first] = await getPages(pages, { endpoint, key: "sk_x" });
  const amount: string | undefined = first?.slots[0]?.items[0]?.product.price.amount;
  const was: string | undefined = full.slots[0]?.items[0]?.product.compare_at_price?.amount;
  return [...plain.slots, ...cart.slots]
    .flatMap((slot) => slot.items)
    .filter(({ product }) => product.price.amount !== (amount ?? was));
}

export async function tell(): Promise<void> {
  const event: ShopEvent = {
    type: "add-to-cart",
    visitor_id: "v",
    consent: ["analytics"],
    products: [{ product_id: "1", price: 2.5 }],
  };
  const results: Result[] | null = await track(event, { endpoint });
  await track([event, { ...event, id: "e", time: new Date().toISOString() }], { beacon: true });
  const rejected = results?.filter((one) => one.status === "rejected").map((one) => one.detail ?? "");
  const granted = await setConsent({ visitor_id: "v", consent: [] });
  console.log(rejected, granted?.includes("marketing"));
}

const configuration: Configuration = {
  consent: "analytics",
  pageViews: false,
  labels: { add: "In den Korb" },
  onAdd: ({ product }) => product.id,
};
window.endcap = configuration;
void window.endcap.setConsent?.(["personalization", "analytics"]);

const element: ShelfElement = document.createElement("endcap-shelf");
element.setAttribute("product-id", "1");
const state: "loading" | "ready" | "fallback" | undefined = document.querySelector("endcap-shelf")?.dataset.state;
element.addEventListener("endcap:add", (event) => event.detail.variant ?? event.preventDefault());
document.addEventListener("endcap:answer", ({ detail }) =>
  console.log(state, detail.ms, detail.headers.version, detail.query.surface),
);
document.addEventListener("endcap:add", ({ detail }) => console.log(detail.product.title, detail.token));
