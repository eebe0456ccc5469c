/** The shop's own doings: its dialog, the cart without a page load, consent, and what it tells the theme script. */
import { addToCart, post, say } from "./cart.js";
import { tell } from "./events.js";

const account = document.querySelector("#account");

document.querySelector("[data-add]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  const { product, quantity } = Object.fromEntries(new FormData(form));
  try {
    await addToCart(product, quantity);
  } catch {
    form.submit(); // as without a script
    return;
  }
  const { price, currency } = form.dataset;
  tell("add-to-cart", [{ product_id: product, quantity: Number(quantity), price: Number(price) }], { currency });
});

for (const opener of document.querySelectorAll("#account-open, [data-account]")) {
  opener.addEventListener("click", (event) => {
    if (!account) return; // the page itself shows it
    event.preventDefault();
    account.showModal();
  });
}
account?.querySelector("[data-close]").addEventListener("click", () => account.close());
account?.addEventListener("click", (event) => {
  if (event.target === account) account.close(); // the backdrop
});

/** Keep the choice in the shop's cookie, then let the theme script act on it. */
async function decide(purposes) {
  await post("/consent", Object.fromEntries(purposes.map((purpose) => [purpose, "on"])));
  document.documentElement.dataset.consent = purposes.join(",");
  for (const box of document.querySelectorAll("#consent-form input[type=checkbox]")) {
    box.checked = purposes.includes(box.name);
  }
  document.querySelector("#consent-ask")?.setAttribute("hidden", "");
  window.endcap?.setConsent?.(purposes);
  say(purposes.length ? `Allowed: ${purposes.join(" and ")}.` : "Nothing is kept, and everybody sees the same.");
}

for (const form of document.querySelectorAll("[data-consent-form]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const allow = event.submitter?.dataset.allow;
    const ticked = [...form.querySelectorAll("input:checked")].map((box) => box.name);
    decide(allow === undefined ? ticked : allow.split(",").filter(Boolean));
  });
  form.addEventListener("change", () => form.requestSubmit());
}

const order = document.querySelector("[data-order]");
if (order) {
  const lines = [...order.querySelectorAll("[data-product]")].map(({ dataset }) => ({
    product_id: dataset.product,
    quantity: Number(dataset.quantity),
    price: Number(dataset.price),
  }));
  // The order's own id: told twice, by a reload, it still counts once.
  const { order: id, currency } = order.dataset;
  tell("purchase-complete", lines, { id: `order-${id}`, order_id: id, currency });
}
