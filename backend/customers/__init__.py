"""Facts about customers, computed from the history and kept where the edge reads them."""
