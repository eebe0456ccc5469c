"""The event log: consented events as Parquet by shop and day, in a directory or an object store (docs/event-log.md)."""
