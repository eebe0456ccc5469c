/** What the shop itself reports, through the theme script's data layer, as far as the shopper allows. */

/** The id the theme script keeps for this browser; none where nothing may be kept. */
function visitor() {
  try {
    return localStorage.getItem("endcap.visitor") ?? undefined;
  } catch {
    return undefined;
  }
}

/** Send one event; without the theme script, or without consent, nothing happens. */
export async function tell(type, products, fields = {}) {
  const { consent: said, household } = document.documentElement.dataset;
  const consent = said.split(",").filter(Boolean);
  const visitor_id = visitor();
  if (!consent.length || !(visitor_id || household)) return;
  try {
    const { track } = await import("/apps/endcap/endcap.js");
    await track?.([{ type, visitor_id, products, consent, ...fields }]);
  } catch {
    // Nobody's shopping waits for a report.
  }
}
