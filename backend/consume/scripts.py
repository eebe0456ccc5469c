"""The consumer's atomic steps, in Lua. Each touches keys of one slot only: one shopper's, or one shop's."""

# KEYS profile, consent, marks, trail, parts, link of one shopper.
# ARGV profile before, consent before, profile after, TTLs of profile and of marks, the score before which marks are
# too old, how many marks, how many parts, whether there must be no link yet, then (score, mark) of each (without score:
# it must only be absent), (name, bytes) of each part, then the stream entries to take off the trail.
# 1: written. 0: profile or consent changed since they were read. A list: the scores of marks that were there already.
WRITE = """
local function is(key, expected) return (redis.call('GET', key) or '') == expected end
if not is(KEYS[1], ARGV[1]) or not is(KEYS[2], ARGV[2]) then return 0 end
if ARGV[9] ~= '' and redis.call('EXISTS', KEYS[6]) == 1 then return 0 end
local count, found, scores = tonumber(ARGV[7]), false, {}
for i = 1, count do
  scores[i] = redis.call('ZSCORE', KEYS[3], ARGV[9 + 2 * i])
  found = found or scores[i]
end
if found then
  for i = 1, count do scores[i] = scores[i] or '' end
  return scores
end
if ARGV[3] ~= '' then redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4]) end
for i = 1, count do
  if ARGV[8 + 2 * i] ~= '' then redis.call('ZADD', KEYS[3], ARGV[8 + 2 * i], ARGV[9 + 2 * i]) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[5])
local at = 10 + 2 * count
for _ = 1, tonumber(ARGV[8]) do redis.call('HSET', KEYS[5], ARGV[at], ARGV[at + 1]); at = at + 2 end
if ARGV[8] ~= '0' then redis.call('EXPIRE', KEYS[5], ARGV[4]) end
for i = at, #ARGV do redis.call('LREM', KEYS[4], 1, ARGV[i]) end
return 1
"""

# KEYS trail. ARGV the stream entries to take off it.
FORGET = """
for i = 1, #ARGV do redis.call('LREM', KEYS[1], 1, ARGV[i]) end
return 1
"""

# KEYS event stream, then the counts of some days. ARGV group, TTL of counts, most fields of a day, then kinds as JSON:
# {day = index into KEYS or 0, fields = what an entry of this kind adds one to, entries = the ids}.
# Acknowledges and counts in one step, so that an entry delivered to two consumers is counted by one of them.
DONE = """
local acknowledged = 0
for i = 4, #ARGV do
  local kind = cjson.decode(ARGV[i])
  local mine = 0
  for _, entry in ipairs(kind.entries) do mine = mine + redis.call('XACK', KEYS[1], ARGV[1], entry) end
  acknowledged = acknowledged + mine
  if kind.day > 0 and mine > 0 then
    local key = KEYS[1 + kind.day]
    local full = redis.call('HLEN', key) >= tonumber(ARGV[3])
    for _, name in ipairs(kind.fields) do
      if full and redis.call('HEXISTS', key, name) == 0 then name = 'other' end
      redis.call('HINCRBY', key, name, mine)
    end
    redis.call('EXPIRE', key, ARGV[2])
  end
end
return acknowledged
"""

# KEYS event stream, dead letters. ARGV group, entry, its bytes, reason, pseudonyms, deliveries, TTL of dead letters,
# the id before which dead letters are too old. Acknowledged and written down, or (acknowledged by another) neither.
BURY = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[3], 'r', ARGV[4], 'p', ARGV[5], 'n', ARGV[6], 'i', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[7])
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[8])
return 1
"""

# KEYS event stream, dead letters, tasks. ARGV a dead letter. Back into its stream as a new entry, or (gone) nothing.
REVIVE = """
local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if not found then return false end
for i = 1, #found[2], 2 do
  if found[2][i] == 'e' then
    redis.call('XDEL', KEYS[2], ARGV[1])
    return redis.call('XADD', KEYS[1], '*', 'e', found[2][i + 1])
  end
  if found[2][i] == 't' then
    redis.call('XDEL', KEYS[2], ARGV[1])
    return redis.call('XADD', KEYS[3], '*', 't', found[2][i + 1])
  end
end
return false
"""

# KEYS event stream. ARGV most entries to remove at once. Removes what every group is done with: entries below the
# oldest that any group has pending or has not been given. One step, so that no group can appear or read in between.
TRIM = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function number(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local low_ms, low_seq, low
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #flat, 2 do group[flat[i]] = flat[i + 1] end
  local id = group['last-delivered-id']
  local ms, seq = number(id)
  if group['pending'] > 0 then
    id = redis.call('XPENDING', KEYS[1], group['name'])[2]
    ms, seq = number(id)
  else
    seq = seq + 1
    id = string.match(id, '^(%d+)') .. '-' .. string.format('%.0f', seq)
  end
  if not low or ms < low_ms or (ms == low_ms and seq < low_seq) then low_ms, low_seq, low = ms, seq, id end
end
if not low then return 0 end
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '~', low, 'LIMIT', ARGV[1])
if removed > 0 then return removed end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', low)
"""

# KEYS event stream. ARGV group, milliseconds, a consumer's name or nothing. Removes the names of consumers (or this
# one) that were silent for so long and left nothing; one with entries pending would take them along.
SWEEP = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local swept = 0
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local one = {}
  for i = 1, #flat, 2 do one[flat[i]] = flat[i + 1] end
  local named = ARGV[3] == '' or ARGV[3] == one['name']
  if named and one['pending'] == 0 and one['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one['name'])
    swept = swept + 1
  end
end
return swept
"""
