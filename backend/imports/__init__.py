"""Historical import: a shop's past, from its platform or from files, into the event log."""
