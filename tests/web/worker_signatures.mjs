/** Answers questions about signatures with the Worker's own functions, for test_worker.py: JSON on stdin, JSON out. */

import { text } from "node:stream/consumers";

import { isShopifys, openProxyQuery, originHeader, signedBytes, parseQuery } from "../../edge/worker/signatures.js";

const answers = {
  /** What would be signed, in hex. */
  message: async ({ query }) => Buffer.from(signedBytes(parseQuery(query))).toString("hex"),
  /** Whether a proxy query is let in, and as whom. */
  proxy: async ({ query, secrets, now }) => {
    const said = await openProxyQuery(query, { secrets, maxAgeS: 90, now });
    return said && { shop: said.shop, customer: said.customer };
  },
  header: async ({ secret, method, target, now }) => originHeader(secret, method, target, now),
  webhook: async ({ secrets, headers, body }) => isShopifys(secrets, new Headers(headers), Buffer.from(body, "base64")),
};

const questions = JSON.parse(await text(process.stdin));
const said = await Promise.all(questions.map(({ ask, ...rest }) => answers[ask](rest)));
process.stdout.write(JSON.stringify(said));
