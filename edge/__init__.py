"""The edge: the Starlette app that answers recommendation requests, and what it needs to do so."""
