/** What the shop itself reports, through the theme script's data layer, as far as the shopper allows. */

/** Send one event; without the theme script, or without consent, nothing happens. */
export async function tell(type, products, fields = {}) {
  const consent = (document.documentElement.dataset.consent ?? "").split(",").filter(Boolean);
  if (!consent.length) return;
  try {
    const { track } = await import("/apps/endcap/endcap.js");
    await track?.([{ type, products, consent, ...fields }]);
  } catch {
    // Nobody's shopping waits for a report.
  }
}
