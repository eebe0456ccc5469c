/**
 * The same Worker with the app beside it, in Cloudflare Containers: the origin is one of a few instances of the image.
 *
 * Containers are reached through this Worker only; they still verify, as everywhere. A cold one takes seconds: the
 * Worker answers stale or popular meanwhile, and a stopped one costs nothing.
 */

import { Container, getRandom } from "@cloudflare/containers";

import { handle } from "./worker.js";

const PORT = 8080;
/** Settings of the app that come from this Worker's variables and secrets. */
const PASSED_ON = [
  "REDIS_URL",
  "ENDCAP_BUNDLE_STORE",
  "ENDCAP_ORIGINS",
  "ENDCAP_PSEUDONYM_KEY",
  "ENDCAP_SHOP",
  "ENDCAP_SHOPIFY_DOMAIN",
  "ENDCAP_SHOPIFY_SECRETS",
  "ENDCAP_WORKER_SECRETS",
];

/** One instance of the app. */
export class ApiContainer extends Container {
  defaultPort = PORT;
  sleepAfter = "15m";
  pingEndpoint = "container/readyz";

  constructor(context, env) {
    super(context, env);
    const said = PASSED_ON.filter((name) => env[name]).map((name) => [name, env[name]]);
    this.envVars = { PORT: String(PORT), ENDCAP_DEMO: "0", ...Object.fromEntries(said) };
  }
}

/** Any instance: a shopper's state lies in Redis, not in them. */
async function send(request, env) {
  const instance = await getRandom(env.API, Number(env.INSTANCES ?? 1));
  return instance.fetch(request);
}

export default {
  fetch: (request, env, context) => handle(request, env, context, send),
};
