"""Shopify's webhooks: which headers they carry, and what each topic means.

In: a verified delivery. Out: `Meaning`. Older deliveries name their headers `X-Shopify-...`, newer ones `shopify-...`.
"""

from collections.abc import Callable

from edge.webhooks import shopify_orders, shopify_people, shopify_products
from edge.webhooks.meaning import Meaning, Told

SIGNATURE = (b"x-shopify-hmac-sha256", b"shopify-hmac-sha256")
TOPIC = (b"x-shopify-topic", b"shopify-topic")
DOMAIN = (b"x-shopify-shop-domain", b"shopify-shop-domain")

TOPICS: dict[str, Callable[[Told], Meaning]] = {
    "orders/create": shopify_orders.order,
    "orders/updated": shopify_orders.order,
    "orders/paid": shopify_orders.order,
    "orders/cancelled": shopify_orders.order,
    "refunds/create": shopify_orders.refund,
    "carts/create": shopify_orders.cart,
    "carts/update": shopify_orders.cart,
    "checkouts/create": shopify_orders.checkout,
    "checkouts/update": shopify_orders.checkout,
    "products/create": shopify_products.product,
    "products/update": shopify_products.product,
    "products/delete": shopify_products.deleted,
    "inventory_levels/update": shopify_products.level,
    "customers/create": shopify_people.nothing,
    "customers/update": shopify_people.nothing,
    "customers_email_marketing_consent/update": shopify_people.mail_consent,
    "customers_marketing_consent/update": shopify_people.phone_consent,
    "customers/data_request": shopify_people.data_request,
    "customers/redact": shopify_people.redact,
    "shop/redact": shopify_people.shop_redact,
    "app/uninstalled": shopify_people.uninstalled,
    "bulk_operations/finish": shopify_people.bulk_finished,
}
