/** What the theme script reads before it starts: the shopper's consent as the shop keeps it, and the shop's language. */
const { consent } = document.documentElement.dataset;
window.endcap = { ...window.endcap, consent, locale: document.documentElement.lang === "en" ? "en-US" : undefined };
