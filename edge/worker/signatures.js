/**
 * Who a request comes from: Shopify's signatures, checked, and our own towards the origin, made. WebCrypto only.
 *
 * Sources: Shopify, "Authenticate app proxies" and "Verify webhook deliveries". `crypto.subtle.verify` compares in
 * constant time. Nothing a sender writes raises: what is malformed is simply not signed.
 */

const ENCODER = new TextEncoder();
const HMAC = { name: "HMAC", hash: "SHA-256" };
const KEYS_KEPT = 16;
/** Repeated, they would let one signed text be read in two ways. */
const ONCE = new Set(["shop", "signature", "timestamp", "path_prefix", "logged_in_customer_id"]);
const MAX_FIELDS = 100;

/** @type {Map<string, Promise<CryptoKey>>} imported keys, so that a request does not import them anew */
const keys = new Map();

function keyOf(secret) {
  let key = keys.get(secret);
  if (!key) {
    if (keys.size >= KEYS_KEPT) keys.clear();
    key = crypto.subtle.importKey("raw", ENCODER.encode(secret), HMAC, false, ["sign", "verify"]);
    keys.set(secret, key);
  }
  return key;
}

export const toHex = (bytes) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The 32 bytes behind base64 text; null for anything else. */
function fromBase64(text) {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** HMAC-SHA256 of text or bytes. */
export async function sign(secret, message) {
  const data = typeof message === "string" ? ENCODER.encode(message) : message;
  return crypto.subtle.sign("HMAC", await keyOf(secret), data);
}

/** Whether one of the secrets made this signature; all are tried, so that the time does not tell which. */
async function fits(secrets, signature, message) {
  const tried = secrets.map(async (secret) => crypto.subtle.verify("HMAC", await keyOf(secret), signature, message));
  return (await Promise.all(tried)).some(Boolean);
}

// --- queries ---------------------------------------------------------------------------------------------------------

/** Bytes as text of one character each: what is compared and signed is bytes, whatever language they are in. */
const fromBytes = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

const toBytes = (binary) => Uint8Array.from(binary, (char) => char.charCodeAt(0));

/** The text behind such bytes. Throws TypeError where they are no UTF-8. */
export const asText = (binary) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(toBytes(binary));

/** Percent-decoding as Ruby's and Python's: `+` is a blank, a `%` that begins nothing stays. */
function decoded(part) {
  const binary = fromBytes(ENCODER.encode(part.replaceAll("+", " ")));
  return binary.replace(/%([0-9a-fA-F]{2})/g, (_, pair) => String.fromCharCode(Number.parseInt(pair, 16)));
}

/**
 * Names and values of a raw query (without `?`), in order, as bytes; a name without `=` has the value "".
 * @returns {[string, string][]}
 */
export function parseQuery(raw) {
  const parts = raw.split("&").filter(Boolean);
  return parts.map((part) => {
    const at = part.indexOf("=");
    return at < 0 ? [decoded(part), ""] : [decoded(part.slice(0, at)), decoded(part.slice(at + 1))];
  });
}

/** What Shopify signs: `name=value,value` of all names but `signature`, sorted bytewise, with nothing in between. */
export function signedBytes(pairs) {
  const groups = new Map();
  for (const [name, value] of pairs) {
    if (name !== "signature") groups.set(name, [...(groups.get(name) ?? []), value]);
  }
  return toBytes(Array.from(groups, ([name, values]) => `${name}=${values.join(",")}`).sort().join(""));
}

/**
 * What an app-proxy query says, if Shopify signed it within `maxAgeS`; null otherwise, without saying why.
 * @param {string} raw the query as it arrived, without `?`; `pairs` of the result are bytes, see `asText`
 * @param {{secrets: string[], maxAgeS: number, now: number}} rules `now` in unix seconds
 * @returns {Promise<{shop: string, customer: string | null, pairs: [string, string][]} | null>}
 */
export async function openProxyQuery(raw, { secrets, maxAgeS, now }) {
  const pairs = parseQuery(raw);
  const once = pairs.filter(([name]) => ONCE.has(name));
  const said = Object.fromEntries(once);
  if (pairs.length > MAX_FIELDS || Object.keys(said).length !== once.length) return null;
  const { shop = "", timestamp = "", signature = "", logged_in_customer_id: customer = "" } = said;
  if (!/^[0-9a-f]{64}$/.test(signature) || !/^[0-9]{1,12}$/.test(timestamp) || !shop) return null;
  if (Math.abs(now - Number(timestamp)) > maxAgeS) return null;
  if (!(await fits(secrets, fromHex(signature), signedBytes(pairs)))) return null;
  // Shopify's ids are numbers; anything else is nobody rather than somebody made up.
  return { shop, customer: /^[0-9]{1,20}$/.test(customer) ? customer : null, pairs };
}

// --- bodies and the way on -------------------------------------------------------------------------------------------

/**
 * Whether a webhook's body is Shopify's, by the old header or the new one, of which exactly one must be there.
 * @param {string[]} secrets @param {Headers} headers @param {ArrayBuffer} body
 */
export async function isShopifys(secrets, headers, body) {
  const given = ["x-shopify-hmac-sha256", "shopify-hmac-sha256"].map((name) => headers.get(name)).filter(Boolean);
  const signature = given.length === 1 ? fromBase64(given[0]) : null; // a header sent twice arrives with a comma in it
  return signature !== null && fits(secrets, signature, body);
}

/** The header that tells the origin that a request came through this Worker. `target`: path, `?` and raw query. */
export async function originHeader(secret, method, target, now) {
  const stamp = Math.floor(now);
  return `t=${stamp},v1=${toHex(await sign(secret, `${stamp}.${method}.${target}`))}`;
}
