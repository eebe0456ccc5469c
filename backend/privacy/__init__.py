"""Forgetting, handing over and keeping no longer than agreed: everywhere something of a shopper lies."""
