/**
 * What the Worker is told by its variables and secrets (docs/worker.md lists them), read once per request.
 *
 * In: the bindings that workerd hands over. Out: plain values with defaults; a number that is none is a mistake of
 * whoever deployed it and is said loudly instead of being guessed.
 */

/** Comma lists, as the app's own settings have them: no empty parts, no blanks around them. */
const list = (text) => (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);

function number(env, name, standard) {
  const value = Number(env[name] ?? standard);
  if (!Number.isFinite(value) || value < 0) {
    throw new TypeError(`${name} is ${JSON.stringify(env[name])}; it must be a number, 0 or more`);
  }
  return value;
}

/**
 * @param {Record<string, any>} env
 * @returns the configuration; times in ms where the name ends in Ms, else in s.
 */
export function readConfig(env) {
  return {
    originUrl: env.ORIGIN_URL ?? "",
    shop: env.SHOP ?? "default",
    shopifyDomain: (env.ENDCAP_SHOPIFY_DOMAIN ?? "").toLowerCase(),
    shopifySecrets: list(env.ENDCAP_SHOPIFY_SECRETS),
    workerSecrets: list(env.ENDCAP_WORKER_SECRETS),
    origins: list(env.ENDCAP_ORIGINS),
    proxyMaxAgeS: number(env, "PROXY_MAX_AGE_S", 90),
    originTimeoutMs: number(env, "ORIGIN_TIMEOUT_MS", 250),
    eventsTimeoutMs: number(env, "EVENTS_TIMEOUT_MS", 1000),
    webhookTimeoutMs: number(env, "WEBHOOK_TIMEOUT_MS", 4500),
    freshS: number(env, "FRESH_S", 30),
    staleS: number(env, "STALE_S", 3600),
    popularS: number(env, "POPULAR_S", 604_800),
    popularFreshS: number(env, "POPULAR_FRESH_S", 600),
    limit: env.SHOP_LIMIT, // rate limit binding; absent: no limit
    withdrawn: env.WITHDRAWN, // KV binding; absent: other data centres forget when STALE_S has passed
  };
}
