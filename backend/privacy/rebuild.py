"""A stream written anew: what XDEL removes is only not shown any more, its bytes stay until the stream's node goes.

In: a stream with its readers. Out: the same entries under the same ids, the same groups, and the same entries at work
with the same consumers, in one step; nothing else.
"""

from redis.asyncio import Redis

LIMIT = 50_000  # entries; beyond it the store would stand still for too long, and old nodes go as readers go on

# KEYS stream. ARGV limit. 1: rebuilt. 0: too long.
_REBUILD = """
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return 1 end
if redis.call('XLEN', key) > tonumber(ARGV[1]) then return 0 end
local function fields(flat)
  local named = {}
  for i = 1, #flat, 2 do named[flat[i]] = flat[i + 1] end
  return named
end
local stream = fields(redis.call('XINFO', 'STREAM', key))
local entries, ttl, groups = redis.call('XRANGE', key, '-', '+'), redis.call('PTTL', key), {}
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', key)) do
  local group = fields(flat)
  group.work = group['pending'] > 0 and redis.call('XPENDING', key, group['name'], '-', '+', group['pending']) or {}
  groups[#groups + 1] = group
end
redis.call('DEL', key)
for _, entry in ipairs(entries) do redis.call('XADD', key, entry[1], unpack(entry[2])) end
for _, group in ipairs(groups) do
  local made = {'XGROUP', 'CREATE', key, group['name'], group['last-delivered-id'], 'MKSTREAM'}
  if group['entries-read'] then
    made[#made + 1] = 'ENTRIESREAD'
    made[#made + 1] = group['entries-read']
  end
  redis.call(unpack(made))
  for _, one in ipairs(group.work) do
    redis.call('XCLAIM', key, group['name'], one[2], 0, one[1], 'IDLE', one[3], 'RETRYCOUNT', one[4], 'FORCE', 'JUSTID')
  end
end
if redis.call('EXISTS', key) == 1 then
  redis.call('XSETID', key, stream['last-generated-id'], 'ENTRIESADDED', stream['entries-added'], 'MAXDELETEDID',
    stream['max-deleted-entry-id'])
  if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
end
return 1
"""


async def rebuild(redis: "Redis", key: str, limit: int = LIMIT) -> bool:
    """Write a stream anew; False where it is longer than `limit`."""
    return bool(await redis.eval(_REBUILD, 1, key, limit))
