/** The React module on a server: `renderToString` without a browser, a DOM or a request. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Shelf, useShelves } from "../../edge/web/endcap-react.js";

const product = (fields) => ({
  handle: "h",
  variant_id: null,
  title: "Tea",
  url: "/products/tea",
  image: null,
  price: { amount: "2.50", currency_code: "EUR" },
  compare_at_price: null,
  available: true,
  ...fields,
});
const item = (id, fields) => ({ id, score: 0.5, reason: "similar", product: product(fields) });
const slot = (id, ...items) => ({
  id,
  title: `All of ${id}`,
  served_by: "context",
  attribution_token: `${id}-token`,
  items,
});
const answer = (...slots) => ({ surface: "pdp", model_version: "m", degraded: [], slots });
const drawn = (props) => renderToString(createElement(Shelf, props));

test("a shelf is a heading, a list and links", () => {
  const html = drawn({
    answer: answer(slot("similar", item("1"), item("2", { title: "Coffee", image: "https://shop.example/2.jpg" }))),
    slot: "similar",
  });
  assert.match(html, /^<section aria-labelledby="([^"]+)"><h2 id="\1">All of similar<\/h2><ul role="list"><li>/);
  assert.match(html, /<li><a href="\/products\/tea"><span>Tea<\/span> <data value="2.50">€2.50<\/data><\/a><\/li>/);
  assert.match(html, /<img src="https:\/\/shop.example\/2.jpg" alt="" loading="lazy"\/>/);
});

test("heading, level, class, locale and cards are the shop's", () => {
  const props = {
    answer: answer(slot("similar", item("1"))),
    heading: "Mehr",
    headingLevel: 3,
    className: "row",
    locale: "de-DE",
  };
  assert.match(drawn(props), /<section class="row"[^>]*><h3 [^>]*>Mehr<\/h3>.*<data value="2.50">2,50\s€<\/data>/);
  const own = (one, shelf) => createElement("b", null, `${one.id} of ${shelf.id}`);
  assert.match(drawn({ ...props, children: own }), /<li><b>1 of similar<\/b><\/li>/);
});

test("the first shelf is shown where none is named, the fallback where there is none", () => {
  const fallback = createElement("p", null, "Bestsellers");
  assert.match(drawn({ answer: answer(slot("a", item("1")), slot("b", item("2"))), fallback }), /All of a/);
  for (const none of [undefined, answer(), answer(slot("a"))])
    assert.equal(drawn({ answer: none, slot: "a", fallback }), "<p>Bestsellers</p>");
  assert.equal(drawn({ answer: answer() }), "");
});

test("texts of the catalogue stay texts, and addresses lead to the web", () => {
  const evil = { title: "<img src=x onerror=alert(1)>", url: "java\nscript:alert(1)", image: "data:text/html,x" };
  const html = drawn({
    answer: answer(slot("a", item("1", evil), item("2", { url: "https://[" }), item("3", { url: "" }))),
  });
  assert.ok(!html.includes("<img"));
  assert.ok(!/script:|data:|href=/.test(html), html);
});

test("a price in no currency is shown as it is", () => {
  const odd = { price: { amount: "7", currency_code: "points" }, title: "" };
  assert.match(
    drawn({ answer: answer(slot("a", item("9", odd))) }),
    /<span>9<\/span> <data value="7">7 points<\/data>/,
  );
});

test("on a server the hook asks nothing: it has what the server got, or loads", () => {
  const fetch = () => assert.fail("a request while rendering");
  const Page = ({ initial }) => {
    const { answer: got, loading } = useShelves(
      "pdp",
      { product_id: "1" },
      { endpoint: "https://edge.example.com", initial, fetch },
    );
    return createElement("main", { "aria-busy": loading }, createElement(Shelf, { answer: got }));
  };
  assert.match(
    renderToString(createElement(Page, { initial: answer(slot("a", item("1"))) })),
    /^<main aria-busy="false"><section/,
  );
  assert.equal(renderToString(createElement(Page)), '<main aria-busy="true"></main>');
});
