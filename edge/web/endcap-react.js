/**
 * Endcap in React 18 and 19, in a browser as on a server; no build step. React is the caller's own.
 *
 * `useShelves` asks once for a page, `<Shelf>` draws one of its shelves: const { answer } = useShelves("home");
 * <Shelf answer={answer} slot="trending" fallback={<Bestsellers />} />
 */

import { createElement, useEffect, useId, useState } from "react";
import { getShelves } from "./endcap.js";

/**
 * The shelves of a page. A question that changes is asked anew and the former request aborted, as when the page goes.
 * @param {"pdp" | "cart" | "home"} surface
 * @param {object} query as for getShelves
 * @param {object} options as for getShelves, and `initial`: an answer that a server has got already
 * @returns {{answer?: object, error?: Error, loading: boolean}} `error` beside the fallback's answer
 */
export function useShelves(surface, query = {}, { initial, ...options } = {}) {
  // What was answered for somebody else, another page or another consent is never shown; an older `rev` is, meanwhile.
  const { rev, session, ...page } = query;
  const shown = JSON.stringify([surface, page, options.endpoint, options.shopper_token]);
  const question = JSON.stringify([shown, rev, session]);
  const [said, setSaid] = useState({ shown, question, answer: initial });
  useEffect(() => {
    if (said.question === question && said.answer) return undefined;
    const stop = new AbortController();
    let error;
    const fallback = (...why) => {
      [error] = why;
      return typeof options.fallback === "function" ? options.fallback(...why) : options.fallback;
    };
    getShelves(surface, query, { ...options, fallback, signal: stop.signal }).then(
      (answer) => setSaid({ shown, question, answer, error }),
      (why) => stop.signal.aborted || setSaid({ shown, question, error: why }),
    );
    return () => stop.abort();
  }, [question]);
  const known = said.shown === shown ? said : {};
  return {
    answer: known.answer,
    error: known.error,
    loading: known.question !== question || !(known.answer || known.error),
  };
}

/**
 * One shelf of an answer, or `fallback` where it has none. Plain markup for the shop's own styles.
 * @param {object} props answer; slot (by default the first); heading, headingLevel, locale, className; fallback;
 *   onSelect(item, slot), called when a card is followed: the place to `track` a recommendation-click;
 *   children(item, slot): draws a card, where the one here will not do
 */
export function Shelf({
  answer,
  slot,
  heading,
  headingLevel = 2,
  locale,
  className,
  fallback = null,
  onSelect,
  children,
}) {
  const id = useId();
  const shelf = answer?.slots.find((one) => slot === undefined || one.id === slot);
  if (!shelf?.items.length) return fallback;
  const card = children ?? ((item) => createElement(Card, { item, locale }));
  const items = shelf.items.map((item) => {
    const follow = onSelect && ((event) => event.target.closest("a") && onSelect(item, shelf));
    return createElement("li", { key: item.id, onClick: follow }, card(item, shelf));
  });
  const title = createElement(`h${headingLevel}`, { id }, heading ?? shelf.title);
  return createElement(
    "section",
    { className, "aria-labelledby": id },
    title,
    createElement("ul", { role: "list" }, items),
  );
}

function Card({ item: { id, product }, locale }) {
  const image = web(product.image);
  const picture = image && createElement("img", { src: image, alt: "", loading: "lazy" }); // the title says it
  const title = createElement("span", null, product.title || id);
  const price = createElement("data", { value: product.price.amount }, money(product.price, locale));
  return createElement("a", { href: web(product.url) }, picture, title, " ", price);
}

/** An address that leads to the web or to a place in the shop; anything else, such as `javascript:`, is dropped. */
function web(url) {
  try {
    return url && /^https?:$/.test(new URL(url, "https://shop.invalid").protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Server and browser must say the same, or React draws the page twice: so no locale of the machine's own. */
function money({ amount, currency_code: currency }, locale = "en-US") {
  try {
    return new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency}`; // not a locale, or not a currency
  }
}
