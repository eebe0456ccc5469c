/** What the theme script reads before it starts: the shopper's consent as the shop keeps it, and how to fill the cart. */
import { addToCart } from "./cart.js";

window.endcap = {
  ...window.endcap,
  consent: document.documentElement.dataset.consent,
  locale: "en-US",
  labels: { add: "Add to cart" },
  onAdd: ({ product }) => addToCart(product.id, 1),
};
