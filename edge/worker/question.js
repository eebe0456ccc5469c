/**
 * What a recommendation request asks: read, held to lengths and character sets, and put into a form that does not
 * depend on the order of parameters or on what changes with every request (signature, timestamp, revision, key).
 *
 * In: a raw query's pairs or a decoded JSON body. Out: a Question, or a Refusal that names the parameter.
 */

import { asText } from "./signatures.js";

export const SURFACES = ["pdp", "cart", "home"];
const MAX_LIST = 200;
const DEFAULT_LIMIT = 8;
// No control characters, as the app's own ids: they are what splits lines and headers.
const ID = /^[^\u0000-\u001f\u007f-\u009f]{1,128}$/;
const RULES = {
  product_id: ID,
  visitor_id: ID,
  customer_id: ID,
  market: /^[A-Za-z0-9-]{1,16}$/,
  locale: /^[A-Za-z0-9_-]{1,35}$/,
  limit: /^[0-9]{1,2}$/,
  min_score: /^[0-9.eE+-]{1,24}$/,
  fallback: /^(popular|none)$/,
  intent: /^(related|complementary)$/,
  rev: /^.{1,64}$/su,
  key: /^.{0,256}$/su,
  filter: /^.{1,2048}$/su,
};
const LISTS = {
  product_ids: ID,
  session: ID,
  exclude: ID,
  slots: /^[a-z0-9_]{1,64}$/,
  consent: /^[a-z]{1,32}$/,
};
const KNOWN = new Set([...Object.keys(RULES), ...Object.keys(LISTS), "lines"]);

/** A request that is answered with a problem instead of a page. */
export class Refusal extends Error {
  constructor(status, parameter, detail) {
    super(detail);
    this.status = status;
    this.parameter = parameter;
  }
}

/**
 * One question. `personal`: somebody asks and allows it; anything else is contextual, and who asked is no part of it.
 * `shared`: may be answered with what another shopper got for the same page. What a visit's own products shaped may
 * not. `place`: the locale in the path of Shopify's own endpoint. `substitutes`: popular products are better than none.
 * @typedef {{surface: string, shape: "endcap" | "shopify", place: string, limit: number, slots: string[],
 *   consent: string[], market: string, locale: string, visitor: string | null, customer: string | null,
 *   personal: boolean, shared: boolean, leaveOut: Set<string>, substitutes: boolean, context: string}} Question
 */

/** The value of a parameter. Throws Refusal where it is no UTF-8. */
function text(name, value) {
  try {
    return asText(value);
  } catch {
    throw new Refusal(400, name, "percent-encode it as UTF-8");
  }
}

/** From a GET. Names that we do not know are Shopify's own under the app proxy; elsewhere the origin refuses them. */
export function fromQuery(surface, pairs, { customer, proxied, shape, place = "" }) {
  const fields = {};
  const lenient = shape === "shopify"; // there the origin passes over what it does not understand, as Shopify does
  let plain = true;
  for (const [name, value] of pairs) {
    if (!KNOWN.has(name) || name === "lines") {
      plain &&= proxied || lenient; // elsewhere the origin will say what is wrong with it
    } else if (lenient && (name in fields || !(RULES[name] ?? LISTS[name]).test(value))) {
      plain = false;
    } else if (name in fields) {
      throw new Refusal(400, name, "given twice; give it once, lists are comma-separated");
    } else if (value !== "") {
      const said = text(name, value);
      fields[name] = name in LISTS ? said.split(",").filter(Boolean) : said;
    }
  }
  return question(surface, fields, { customer, plain, shape, place });
}

/** From a POST, or from one member of a batch, which names its own surface. */
export function fromBody(surface, body, { customer }) {
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw new Refusal(400, "body", "a JSON object is needed");
  }
  const fields = { ...body };
  const asked = surface ?? String(fields.surface ?? "").slice(0, 16);
  delete fields.surface;
  const plain = Object.keys(fields).every((name) => KNOWN.has(name));
  return question(asked, fields, { customer, plain, shape: "endcap", place: "" });
}

function question(surface, fields, { customer, plain, shape, place }) {
  if (!SURFACES.includes(surface)) {
    throw new Refusal(400, "surface", `it is one of ${SURFACES.join(", ")}`);
  }
  for (const [name, rule] of Object.entries(RULES)) check(name, fields[name], rule);
  for (const [name, rule] of Object.entries(LISTS)) checkList(name, fields[name], rule);
  checkLines(fields.lines);
  const consent = [...new Set(fields.consent ?? [])].sort();
  const visitor = fields.visitor_id ?? null;
  const session = fields.session ?? [];
  const somebody = customer ?? fields.customer_id ?? null; // the origin decides whether a named customer is believed
  const personal = consent.includes("personalization") && Boolean(visitor ?? somebody);
  return {
    surface,
    shape,
    place,
    limit: Number(fields.limit ?? DEFAULT_LIMIT),
    slots: fields.slots ?? [],
    consent,
    market: fields.market ?? "",
    locale: fields.locale ?? "",
    visitor,
    customer: somebody,
    personal,
    shared: plain && !personal && session.length === 0,
    leaveOut: new Set([fields.product_id, ...cart(fields), ...(fields.exclude ?? [])].filter(Boolean)),
    // A filter needs facts that cards do not hold, and `none` says that nothing popular is wanted.
    substitutes: fields.fallback !== "none" && fields.filter === undefined && fields.min_score === undefined,
    context: context([shape, place, surface], fields),
  };
}

const cart = (fields) => [...(fields.product_ids ?? []), ...(fields.lines ?? []).map((line) => line?.product_id)];

/** The page and what is asked of it, the same text for the same page: fixed order, numbers by value. */
function context(where, fields) {
  const { product_id, lines, slots, limit, exclude, filter, min_score, fallback, intent } = fields;
  const page = [...where, product_id, fields.product_ids, lines, slots, Number(limit ?? DEFAULT_LIMIT)];
  return JSON.stringify([...page, exclude, filter, Number(min_score ?? 0), fallback, intent]);
}

function check(name, value, rule) {
  if (value === undefined || value === null) return;
  // In a body, limit, min_score and rev are numbers and filter is an object.
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (!rule.test(text)) throw new Refusal(400, name, "too long, or not of the form that it has; see /openapi.json");
}

function checkList(name, value, rule) {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value) || value.length > MAX_LIST) {
    throw new Refusal(400, name, `a list of at most ${MAX_LIST} is needed`);
  }
  for (const part of value) {
    if (typeof part !== "string" || !rule.test(part)) {
      throw new Refusal(400, name, "one of its parts is too long, or not of the form that it has; see /openapi.json");
    }
  }
}

function checkLines(lines) {
  if (lines === undefined || lines === null) return;
  if (!Array.isArray(lines) || lines.length > MAX_LIST) {
    throw new Refusal(400, "lines", `a list of at most ${MAX_LIST} is needed`);
  }
  for (const line of lines) check("lines", line?.product_id, ID);
}
