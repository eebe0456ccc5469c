"""The writing end of a shop's streams: marks and entries in one atomic step, so that a repeated message has one effect.

In: events for `e:{shop}` and tasks for `w:{shop}`, each with its idempotency mark. Out: the ids of the entries made,
durable or StoreUnavailableError. Pages and webhooks write through here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from redis.exceptions import ResponseError

from edge.core import keys
from edge.core.events import Event
from edge.core.tasks import FIELD, AnyTask, encode_task
from edge.profiles import ShopperStore, StoreUnavailableError

_EVENT: Literal["e"] = "e"

# Never trims: an entry goes when both readers are done with it. A stream nobody reads fills up to the limit and then
# refuses, all of the step or nothing of it. Tasks are few and are never refused.
_APPEND = """
local events, results = 0, {}
for i = 3, #ARGV, 2 do
  if ARGV[i] == 'e' then events = events + 1 end
end
local size = redis.call('XLEN', KEYS[1])
if events > 0 and size + events > tonumber(ARGV[1]) then
  return redis.error_reply('FULL it holds ' .. size .. ' entries')
end
for i = 3, #KEYS do
  local at = 2 * i - 3
  results[i - 2] = ''
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then
    local stream = ARGV[at] == 'e' and KEYS[1] or KEYS[2]
    results[i - 2] = redis.call('XADD', stream, '*', ARGV[at], ARGV[at + 1])
  end
end
return results
"""


@dataclass(frozen=True)
class Entry:
    """One message on its way into a stream: its idempotency mark, the field it stands in, its bytes."""

    mark: str
    field: Literal["e", "t"]
    data: bytes


def event_entry(event: Event) -> Entry:
    """An event, in pseudonyms, marked by its id."""
    return Entry(event.id, _EVENT, msgspec.json.encode(event))


def task_entry(task: AnyTask) -> Entry:
    """A task, marked by its id, apart from the events' ids."""
    return Entry(f"task:{task.id}", FIELD, encode_task(task))


class Stream:
    """Appends to the streams of shops, through a store's client and breaker."""

    def __init__(self, store: ShopperStore, max_entries: int) -> None:
        self._store = store
        self._max_entries = max_entries
        self._append = store.redis.register_script(_APPEND)

    async def append(self, shop: str, entries: Sequence[Entry]) -> list[bytes]:
        """The ids of the entries made, empty where the mark was there already. Raises StoreUnavailableError."""
        if not entries:
            return []
        names = [keys.events_key(shop), keys.tasks_key(shop), *(keys.seen_key(shop, entry.mark) for entry in entries)]
        arguments: list[int | str | bytes] = [self._max_entries, keys.SEEN_TTL_S]
        for entry in entries:
            arguments += [entry.field, entry.data]
        try:
            made: list[bytes] = await self._store.ask(lambda: self._append(keys=names, args=arguments))
        except StoreUnavailableError as error:
            if isinstance(error.__cause__, ResponseError) and "FULL" in str(error.__cause__):
                raise StoreUnavailableError("the event stream is full; start the consumer") from error
            raise
        return made
