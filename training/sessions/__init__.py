"""Training of the next-click model: sessions in, arrays and a forest out. See `edge.core.sessions` for what serves."""
