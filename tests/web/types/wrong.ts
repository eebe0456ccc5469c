/** What must not compile. tsc complains about each `@ts-expect-error` that stands before a line without a fault. */

import { getPages, getShelves, setConsent, track } from "../../../edge/web/endcap.js";
// @ts-expect-error: no such export
import { shelvesOf } from "../../../edge/web/endcap.js";

// @ts-expect-error: no such surface
void getShelves("checkout");
// @ts-expect-error: ids are strings; numbers of 64 bits do not survive JavaScript
void getShelves("pdp", { product_id: 12345678901234567890 });
// @ts-expect-error: no such name on the wire
void getShelves("pdp", { productId: "1" });
// @ts-expect-error: no such purpose
void getShelves("home", { consent: ["everything"] });
// @ts-expect-error: a fallback is an answer
void getShelves("home", {}, { fallback: "popular" });
// @ts-expect-error: a page names its surface
void getPages([{ product_id: "1" }]);
// @ts-expect-error: no such type of event
void track({ type: "page_viewed" });
// @ts-expect-error: `beacon` is for what is sent, not for what is asked
void getShelves("home", {}, { beacon: true });
// @ts-expect-error: a decision says what is allowed
void setConsent({ visitor_id: "v" });
// @ts-expect-error: prices are decimal strings, for they are money
void getShelves("home").then((answer): number => answer.slots[0].items[0].product.price.amount);
// @ts-expect-error: a shelf may have no product picture
void getShelves("home").then((answer): string => answer.slots[0].items[0].product.image);
// @ts-expect-error: no such setting
window.endcap = { consents: "analytics" };
// @ts-expect-error: the panel's event has no such field
document.addEventListener("endcap:answer", ({ detail }) => detail.took);

export { shelvesOf };
