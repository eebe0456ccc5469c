"""Who a name belongs to: visitors, orders, loyalty numbers, mail and telephone on their way to one customer."""
