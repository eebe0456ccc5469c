"""What shops' platforms tell us: signed deliveries in, events, tasks and product changes out."""
