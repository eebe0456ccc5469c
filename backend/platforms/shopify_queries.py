"""What is asked of Shopify: no names, no addresses, nothing that the models do not use."""

_LINE = """id quantity currentQuantity isGiftCard product { id } variant { id }
  originalUnitPriceSet { shopMoney { amount } } discountedUnitPriceAfterAllDiscountsSet { shopMoney { amount } }"""
_ORDER = "id createdAt processedAt cancelledAt test currencyCode customer { id }"
_PRODUCT = """id title handle status productType vendor createdAt publishedAt updatedAt
  category { fullName } featuredMedia { preview { image { url } } }"""
_VARIANT = "id position price compareAtPrice availableForSale"

# Bulk operations: one top-level connection, two levels at most, none inside a list such as refunds.
BULK_ORDERS = f"""{{ orders%s {{ edges {{ node {{ {_ORDER} refunds {{ id createdAt }}
  lineItems {{ edges {{ node {{ {_LINE} }} }} }} }} }} }} }}"""
BULK_PRODUCTS = f"""{{ products {{ edges {{ node {{ {_PRODUCT}
  variants {{ edges {{ node {{ {_VARIANT} }} }} }} }} }} }} }}"""
BULK_CUSTOMERS = "{ customers { edges { node { id defaultEmailAddress { marketingState } } } } }"

ONE_ORDER = f"""query order($id: ID!) {{ order(id: $id) {{ {_ORDER}
  refunds(first: 50) {{ id createdAt refundLineItems(first: 100) {{ nodes {{ quantity lineItem {{ id }} }} }} }}
  lineItems(first: 200) {{ nodes {{ {_LINE} }} }} }} }}"""
ONE_PRODUCT = f"""query product($id: ID!) {{ product(id: $id) {{ {_PRODUCT}
  variants(first: 100) {{ nodes {{ {_VARIANT}
    inventoryQuantity inventoryPolicy inventoryItem {{ id tracked }} }} }} }} }}"""
ITEM = "query item($id: ID!) { inventoryItem(id: $id) { variant { product { id } } } }"
CURRENCY = "{ shop { currencyCode } }"
ORDER_IDS = """query orders($query: String!, $after: String) {
  orders(first: 250, after: $after, query: $query, sortKey: CREATED_AT) {
    nodes { id createdAt test customer { id } } pageInfo { hasNextPage endCursor } } }"""
