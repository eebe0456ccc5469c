/** A page of a React shop, for test_react.py: `shop` lets the test mount it, walk on, and take it away. */

import { StrictMode, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { Shelf, useShelves } from "../../edge/web/endcap-react.js";

const selected = [];
let walk;

function Product({ first, initial, options }) {
  const [query, setQuery] = useState({ product_id: first });
  const { answer, error, loading } = useShelves("pdp", query, {
    endpoint: "/apps/endcap",
    timeout: 20_000,
    initial,
    ...options,
  });
  walk = (changed) => setQuery((before) => ({ ...before, ...changed }));
  return (
    <main
      aria-busy={loading}
      data-product={query.product_id}
      data-error={error?.message}
      data-degraded={answer?.degraded.join()}
    >
      <h1>Product</h1>
      <Shelf
        answer={answer}
        slot="similar"
        fallback={<p>Bestsellers</p>}
        onSelect={(item, slot) => selected.push([item.id, slot.id])}
      />
    </main>
  );
}

const page = (first, initial, options) => (
  <StrictMode>
    <Product first={first} initial={initial} options={options} />
  </StrictMode>
);

globalThis.shop = {
  selected,
  walk: (changed) => walk(changed),
  mount(first, options) {
    this.root = createRoot(document.body.appendChild(document.createElement("div")));
    this.root.render(page(first, undefined, options));
  },
  hydrate(first, initial) {
    const place = document.body.appendChild(document.createElement("div"));
    place.innerHTML = renderToString(page(first, initial));
    this.root = hydrateRoot(place, page(first, initial));
    return place.textContent;
  },
  leave() {
    this.root.unmount();
  },
};
