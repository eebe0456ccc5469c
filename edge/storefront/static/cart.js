/** The shop's cart, from a script: what the forms do, without a page load. */

/** POST fields to the shop; its JSON answer. */
export async function post(path, fields) {
  const body = new URLSearchParams(fields);
  const answer = await fetch(path, { method: "POST", body, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`the shop answered ${answer.status}`);
  return answer.json();
}

/** Say something to those who do not see what changed. */
export function say(text) {
  document.querySelector("#told").textContent = text;
}

/** Put a product into the cart, and show how full it is. On the cart's own page the lines are the server's to draw. */
export async function addToCart(product, quantity) {
  const { pieces, title } = await post("/cart/lines", { product, quantity, mode: "add" });
  const count = document.querySelector("#cart-count");
  count.textContent = pieces;
  count.dataset.count = pieces;
  say(`${title} is in the cart; ${pieces} in all.`);
  if (document.body.dataset.page === "cart") setTimeout(() => location.reload(), 300); // after the report has gone out
}
