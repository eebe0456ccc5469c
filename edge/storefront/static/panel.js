/** The panel: for each shelf of the page what served it, why its products, how long it took, and by which model. */

const toggle = document.querySelector("#panel-toggle");
const panel = document.querySelector("#panel");
const answers = document.querySelector("#panel-answers");
const shown = new Map(); // surface -> its section

/** An element with attributes and children; text stays text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Name-value pairs as a list; those without a value are left out. */
function pairs(entries) {
  const list = make("dl");
  for (const [name, value, attributes] of entries) {
    if (value !== null && value !== undefined && value !== "") list.append(make("dt", {}, name), make("dd", attributes, String(value)));
  }
  return list;
}

/** One shelf. */
function shelf(slot) {
  const badge = make("span", { class: "badge", "data-served-by": slot.served_by }, slot.served_by);
  const items = slot.items.map((item) =>
    make("li", { "data-reason": item.reason }, item.product?.title ?? item.id, make("span", {}, ` · ${item.reason} · ${item.score}`)));
  return make("section", { class: "panel-shelf", "data-panel-slot": slot.id }, make("h3", {}, slot.title, badge), make("ol", {}, ...items));
}

/** One answer of the app. */
function answered({ surface, answer, ms, failed, headers = {} }) {
  const facts = pairs([
    ["page", surface],
    ["model", answer.model_version ?? "none", { "data-model-version": answer.model_version ?? "" }],
    ["in the browser", `${Math.round(ms)} ms`, { "data-client-ms": Math.round(ms) }],
    ["at the edge", headers.timing, { "data-server-timing": headers.timing ?? "" }],
    ["cache", headers.cache, { "data-cache": headers.cache ?? "" }],
    ["rules", headers.version, {}],
    ["request", headers.requestId, {}],
    ["degraded", answer.degraded?.join(", "), { "data-degraded": answer.degraded?.join(",") ?? "" }],
    ["failed", failed ? "yes, the shelves show what the shop had put there" : "", {}],
  ]);
  return make("div", { "data-panel-surface": surface }, facts, ...answer.slots.map(shelf));
}

document.addEventListener("endcap:answer", (event) => {
  const section = answered(event.detail);
  const before = shown.get(event.detail.surface);
  if (before) before.replaceWith(section);
  else if (shown.size) answers.append(section);
  else answers.replaceChildren(section);
  shown.set(event.detail.surface, section);
});

/** Open or close; the focus goes along. */
function open(wanted) {
  panel.hidden = !wanted;
  toggle.setAttribute("aria-expanded", String(wanted));
  (wanted ? document.querySelector("#panel-close") : toggle).focus();
}

toggle.hidden = false;
toggle.addEventListener("click", () => open(panel.hidden));
document.querySelector("#panel-close").addEventListener("click", () => open(false));
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape") open(false);
});
