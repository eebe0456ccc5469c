"""Calls to the shops' platforms: Shopify, BigCommerce, Adobe Commerce."""
