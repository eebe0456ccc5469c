/** The React module in TypeScript: right uses, and wrong ones marked. */

import type { ReactNode } from "react";
import { Shelf, useShelves } from "../../../edge/web/endcap-react.js";
import { track } from "../../../edge/web/endcap.js";
import type { Answer } from "../../../edge/web/endcap.js";

export function ProductPage({ id, initial }: { id: string; initial?: Answer }): ReactNode {
  const { answer, error, loading } = useShelves(
    "pdp",
    { product_id: id },
    { endpoint: "/apps/endcap", initial, timeout: 500 },
  );
  return (
    <main aria-busy={loading} title={error?.message}>
      <Shelf
        answer={answer}
        slot="similar"
        heading={<em>More</em>}
        headingLevel={3}
        locale="de-DE"
        fallback={<p>Nothing yet</p>}
      />
      <Shelf
        answer={answer}
        onSelect={(item, slot) =>
          void track({
            type: "recommendation-click",
            products: [{ product_id: item.id }],
            attribution_token: slot.attribution_token,
          })
        }
      >
        {(item, slot) => <b title={slot.title}>{item.product.title}</b>}
      </Shelf>
      <endcap-shelf surface="pdp" slot="bought_together" product-id={id} limit={4} heading-level="3">
        <p>Until it comes</p>
      </endcap-shelf>
    </main>
  );
}

export function Wrong(): ReactNode {
  // @ts-expect-error: the hook has a signal of its own
  useShelves("home", {}, { signal: new AbortController().signal });
  return (
    <>
      {/* @ts-expect-error: no such level */}
      <Shelf headingLevel={7} />
      {/* @ts-expect-error: no such surface */}
      <endcap-shelf surface="checkout" />
      {/* @ts-expect-error: attributes are written as in HTML */}
      <endcap-shelf surface="pdp" productId="1" />
    </>
  );
}
