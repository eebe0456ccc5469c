/** What goes back to a shopper: problems, answers found here, and what to show when there is no answer. */

const STATUS_TEXT = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/**
 * An RFC 9457 problem.
 * @param {number} status @param {string} detail
 * @param {{parameter?: string, headers?: Record<string, string>}} more
 */
export function problem(status, detail, { parameter, headers } = {}) {
  const body = JSON.stringify({ title: STATUS_TEXT[status], status, detail, parameter, type: "about:blank" });
  const fixed = { "Content-Type": "application/problem+json", "Cache-Control": "no-store" };
  return new Response(body, { status, headers: { ...fixed, ...headers } });
}

/** The CORS headers of an answer made here, for a page that the shop named. The origin's own answers bring theirs. */
export function crossOrigin(call) {
  const origin = call.request.headers.get("origin");
  if (!origin || !call.config.origins.includes(origin)) return {};
  return { "Access-Control-Allow-Origin": origin, Vary: "Origin" };
}

/** The same answer, saying that something is missing. */
export function degraded(text, what) {
  const answer = JSON.parse(text);
  if (!("degraded" in answer)) return text; // Shopify's shape has no such field
  return JSON.stringify({ ...answer, degraded: [...answer.degraded.filter((word) => word !== what), what] });
}

/**
 * The popular answer, cut to what this page asked for: its shelves, its number, nothing that the page holds already.
 * @param {import("./keep.js").Kept | null} kept @param {import("./question.js").Question} question
 */
export function substitute(kept, question, what) {
  if (question.shape === "shopify") return shopifys(kept, question);
  const answer = kept && question.substitutes ? JSON.parse(kept.text) : null;
  const wanted = (slot) => question.slots.length === 0 || question.slots.includes(slot.id);
  const slots = (answer?.slots ?? [])
    .filter(wanted)
    .map((slot) => ({ ...slot, items: fitting(slot.items, question) }))
    .filter((slot) => slot.items.length > 0);
  const version = answer?.model_version ?? null;
  return JSON.stringify({ surface: question.surface, model_version: version, degraded: [what], slots });
}

function shopifys(kept, question) {
  const answer = kept ? JSON.parse(kept.text) : { products: [] };
  const products = answer.products.filter(({ id }) => !question.leaveOut.has(String(id))).slice(0, question.limit);
  return JSON.stringify({ ...answer, products });
}

const fitting = (items, { leaveOut, limit }) => items.filter(({ id }) => !leaveOut.has(id)).slice(0, limit);
