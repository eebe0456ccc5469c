"""Whose profile an event changes: the one place that decides it, for a batch at a time.

In: the events of one batch, in stream order, in pseudonyms. Out: for each the shopper (a pseudonym) whose profile,
marks and consent it concerns, or None when it names nobody; it is then counted, but changes no profile.

The consumer calls `resolve` before it reads profiles, and again for the events of a shopper whose records changed while
they were being written, so it must be safe to call again with the same events. It may read (and write) the store; what
it raises leaves the batch pending. Events with the same mark (keys.marks_key) should come to the same shopper, or they
are counted once for each.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from edge.core.events import Event


async def resolve(redis: "Redis", shop: str, events: Sequence[Event]) -> list[str | None]:
    """The shopper of each event, in the order given: the customer where known, else the visitor."""
    return [event.customer_id or event.visitor_id for event in events]
