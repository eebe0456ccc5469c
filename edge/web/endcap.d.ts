/** Types of endcap.js: the data layer, the element, what a page may set, and the events it may listen to. */

export type Surface = "pdp" | "cart" | "home";
export type Purpose = "personalization" | "analytics" | "marketing";

export interface Money {
  /** Decimal, such as "2.99". */
  amount: string;
  currency_code: string;
}

export interface Product {
  handle: string;
  variant_id: string | null;
  title: string;
  url: string;
  image: string | null;
  price: Money;
  compare_at_price: Money | null;
  available: boolean;
}

export interface Item {
  id: string;
  /** 0..1, comparable within one slot only. */
  score: number;
  reason: string;
  product: Product;
}

export interface Slot {
  id: string;
  title: string;
  served_by: "personal" | "session" | "context" | "popular";
  /** Goes into the events that this shelf causes. */
  attribution_token: string;
  items: Item[];
}

export interface Answer {
  surface: Surface;
  model_version: string | null;
  /** What failed on the way; "client" where no answer came in time. */
  degraded: string[];
  slots: Slot[];
}

export interface Filter {
  category?: string;
  brand?: string;
  price_min?: number;
  price_max?: number;
}

export interface CartLine {
  product_id: string;
  variant_id?: string;
  quantity?: number;
  price?: number;
}

/** What to recommend for. Lists may be comma-separated texts, as attributes and form fields have them. */
export interface Query {
  product_id?: string;
  product_ids?: readonly string[] | string;
  lines?: readonly CartLine[];
  visitor_id?: string;
  /** Believed from servers with a secret key, and in demo mode; refused from pages, which have `shopper_token`. */
  customer_id?: string;
  /** Product ids of this visit, newest last. */
  session?: readonly string[] | string;
  consent?: readonly Purpose[] | string;
  market?: string;
  locale?: string;
  slots?: readonly string[] | string;
  /** 1 to 50, by default 8. */
  limit?: number;
  exclude?: readonly string[] | string;
  filter?: Filter;
  min_score?: number;
  fallback?: "popular" | "none";
  /** Any value that changes with what the shopper did, so that no cache hides it. */
  rev?: string | number;
}

export type Page = Query & { surface: Surface };

export interface Options {
  /** Where Endcap is; by default where the module came from. Needed in Node. */
  endpoint?: string;
  /** A publishable key, or, on servers only, a secret one. */
  key?: string;
  /** `st_...` of your server beside a publishable key: who is logged in. Asked with POST, so that it is in no address. */
  shopper_token?: string;
  /** Milliseconds for the whole call; by default 1000 for shelves, 5000 for events and decisions. */
  timeout?: number;
  /** Aborting it rejects the call with the signal's reason. */
  signal?: AbortSignal;
  fetch?: typeof globalThis.fetch;
}

export interface ShelvesOptions extends Options {
  /** Given instead of an answer when none comes in time; by default one without slots. */
  fallback?: Answer | ((error: Error, query: Page) => Answer | undefined);
}

export interface PostOptions extends Options {
  /** Hand it to the browser, also while the page goes; no results are told. */
  beacon?: boolean;
}

export type EventType =
  | "home-page-view"
  | "category-page-view"
  | "detail-page-view"
  | "search"
  | "add-to-cart"
  | "remove-from-cart"
  | "shopping-cart-page-view"
  | "purchase-complete"
  | "wishlist-add"
  | "return"
  | "recommendation-impression"
  | "recommendation-click";

export interface Line {
  product_id: string;
  variant_id?: string;
  quantity?: number;
  /** Per unit, in the event's currency. */
  price?: number;
  discount?: number;
}

/** What a shopper did. `id`, `time` and `source` are filled in where they are left out. */
export interface ShopEvent {
  type: EventType;
  id?: string;
  /** ISO 8601 with zone. */
  time?: string;
  visitor_id?: string;
  customer_id?: string;
  products?: readonly Line[];
  order_id?: string;
  currency?: string;
  query?: string;
  slot?: string;
  attribution_token?: string;
  consent?: readonly Purpose[];
  source?: "web" | "app" | "store" | "import";
  loyalty_id?: string;
  email?: string;
  phone?: string;
  delivery?: { method?: string; cost?: number; promised_days?: number; days?: number };
}

export interface Result {
  id: string | null;
  status: "accepted" | "duplicate" | "ignored" | "rejected";
  detail?: string;
}

export interface Decision {
  /** The whole decision: purposes not named are denied, and what they allowed is deleted. */
  consent: readonly Purpose[] | string;
  visitor_id?: string;
  customer_id?: string;
  source?: string;
  /** The same decision sent again has no second effect; by default a new one each time. */
  id?: string;
}

/** One page's shelves. Never rejects because of the server; rejects when the caller's own signal aborts. */
export function getShelves(surface: Surface, query?: Query, options?: ShelvesOptions): Promise<Answer>;

/** Several pages in one request, answered in their order, each with its own fallback. */
export function getPages(queries: readonly Page[], options?: ShelvesOptions): Promise<Answer[]>;

/** Says what a shopper did. A result per event, none for beacons; null when it could not be sent. */
export function track(events: ShopEvent | readonly ShopEvent[], options?: PostOptions): Promise<Result[] | null>;

/** Stores a shopper's decision. The purposes in force; null when it could not be sent. */
export function setConsent(decision: Decision, options?: PostOptions): Promise<Purpose[] | null>;

/** The attributes of `<endcap-shelf>`, as written in HTML. */
export interface ShelfAttributes {
  surface: Surface;
  /** The shelf to show; without it, the next one of the answer. */
  slot?: string;
  "product-id"?: string;
  /** The cart, comma-separated. */
  "product-ids"?: string;
  limit?: number | string;
  heading?: string;
  "heading-level"?: number | string;
  locale?: string;
  market?: string;
  endpoint?: string;
}

/** `<endcap-shelf>`. `data-state` is loading, ready or fallback; parts and custom properties style it. */
export interface ShelfElement extends HTMLElement {
  readonly dataset: DOMStringMap & { state?: "loading" | "ready" | "fallback" };
}

/** Server-Timing, Cache-Status, X-Endcap-Version and X-Request-Id; undefined without an answer, null where not sent. */
export interface AnswerHeaders {
  timing?: string | null;
  cache?: string | null;
  version?: string | null;
  requestId?: string | null;
}

/** `endcap:answer` on document: what was asked and answered, for panels and measurements. */
export interface AnswerDetail {
  surface: Surface;
  query: Page;
  answer: Answer;
  /** From asking to answer. */
  ms: number;
  failed: boolean;
  error?: Error;
  headers: AnswerHeaders;
}

/** `endcap:add`, cancelable: a shop that cancels it has put the product into the cart by itself. */
export interface AddDetail {
  product: Product & { id: string };
  variant: string | null;
  token: string;
  slot: string;
}

export type Label = "add" | "added" | "failed" | "previous" | "next" | "was";

/** `window.endcap`, set before the module loads. Without `consent` nothing is allowed. */
export interface Configuration {
  endpoint?: string;
  /** A publishable key. */
  key?: string;
  /** `st_...` of the shop's server: who is logged in. */
  shopperToken?: string;
  consent?: readonly Purpose[] | string;
  locale?: string;
  market?: string;
  /** Demo mode only. */
  customerId?: string;
  /** False where the shop sends page views itself. */
  pageViews?: boolean;
  labels?: Partial<Record<Label, string>>;
  onAdd?: (detail: AddDetail) => unknown;
  /** Installed by the module: acts on the shopper's new decision. */
  setConsent?: (purposes: readonly Purpose[] | string) => Promise<void>;
}

declare global {
  interface Window {
    endcap?: Configuration;
  }
  interface HTMLElementTagNameMap {
    "endcap-shelf": ShelfElement;
  }
  interface HTMLElementEventMap {
    "endcap:add": CustomEvent<AddDetail>;
  }
  interface DocumentEventMap {
    "endcap:answer": CustomEvent<AnswerDetail>;
    "endcap:add": CustomEvent<AddDetail>;
    /** Shopify's cart took what was added; the detail is the answer of its cart/add.js. */
    "endcap:added": CustomEvent<unknown>;
  }
}
