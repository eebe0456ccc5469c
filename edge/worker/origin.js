/**
 * The way to the app behind this Worker: what goes on with a request, what does not, and how long it may take.
 *
 * The deadline covers headers and body: an origin that sends half an answer and then nothing counts as one that failed.
 */

import { originHeader } from "./signatures.js";

/** The origin did not answer, not in time, or not in a way that can be passed on. */
export class OriginFailure extends Error {}

const TOO_MANY = 429;
/** Of the connection, not of the message; of another hop's business; Cloudflare's own; ours, which no one else sets. */
const NOT_ON = new Set([
  ..."connection keep-alive te trailer transfer-encoding upgrade host content-length cookie expect".split(" "),
  ..."forwarded x-real-ip true-client-ip if-none-match if-modified-since".split(" "),
]);
const NOT_ON_FAMILIES = /^(?:cf|x-endcap|x-forwarded|proxy|sec)-/;
const NOT_BACK = /^(?:connection|keep-alive|transfer-encoding|content-length|content-encoding|set-cookie|server)$/;

/**
 * Where requests go to: an ordinary host, or what a container binding offers.
 * @typedef {(request: Request) => Promise<Response>} Send
 */

/** The headers that the origin gets. */
function onward(request) {
  const headers = new Headers();
  for (const [name, value] of request.headers) {
    if (!NOT_ON.has(name) && !NOT_ON_FAMILIES.test(name)) headers.set(name, value);
  }
  const client = request.headers.get("cf-connecting-ip");
  if (client) headers.set("x-forwarded-for", client);
  return headers;
}

/** A promise that fails when the time is up, and the way to stop its clock. */
function clock(ms, controller) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(new OriginFailure(`no whole answer within ${ms} ms`));
    }, ms);
  });
  return { over, stop: () => clearTimeout(timer) };
}

/**
 * Ask the origin and wait for the whole answer.
 * @param {{config: object, send: Send, request: Request, url: URL}} call
 * @param {{target?: string, method?: string, body?: ArrayBuffer | null, timeoutMs: number, bare?: boolean}} what
 *   `target`: path and raw query, those of the request by default; `bare`: a question of our own, nothing passed on
 * @returns {Promise<{status: number, headers: Headers, body: ArrayBuffer}>} Throws OriginFailure.
 */
export async function ask(call, { target, method = "GET", body = null, timeoutMs, bare = false }) {
  const path = target ?? call.url.pathname + call.url.search;
  const headers = bare ? new Headers() : onward(call.request);
  const [secret] = call.config.workerSecrets;
  if (secret) headers.set("x-endcap-worker", await originHeader(secret, method, path, Date.now() / 1000));
  const controller = new AbortController();
  const { over, stop } = clock(timeoutMs, controller);
  const request = new Request(new URL(path, call.config.originUrl), {
    method,
    headers,
    body,
    redirect: "manual", // followed, it would carry our signature somewhere else
    signal: controller.signal,
  });
  try {
    return await Promise.race([whole(call.send(request)), over]);
  } catch (error) {
    throw error instanceof OriginFailure ? error : new OriginFailure(String(error?.message ?? error));
  } finally {
    stop();
  }
}

async function whole(sent) {
  const response = await sent;
  const body = await response.arrayBuffer();
  const { status } = response;
  if (status >= 500 || status === TOO_MANY || (status >= 300 && status < 400 && status !== 304)) {
    throw new OriginFailure(`status ${status}`);
  }
  const headers = new Headers();
  for (const [name, value] of response.headers) if (!NOT_BACK.test(name)) headers.set(name, value);
  return { status, headers, body };
}
