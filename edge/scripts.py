"""The atomic steps on one shopper's records, in Lua. Each touches keys of one slot only."""

# Sets the session only if neither it nor its owner's consent changed since they were read, and notes the stream entries
# made for it. So two events at once both count, and a withdrawal between read and write wins.
WRITE_SESSION = """
local function is(key, expected) return (redis.call('GET', key) or '') == expected end
if not is(KEYS[1], ARGV[1]) or not is(KEYS[2], ARGV[2]) then return 0 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4]) end
for i = 6, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
if #ARGV > 5 then redis.call('EXPIRE', KEYS[3], ARGV[5]) end
return 1
"""
# Stores a decision, deletes what it no longer allows, and says which stream entries are this shopper's.
# KEYS: consent, trail, then what goes. ARGV: the decision, its TTL.
DECIDE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[3] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
if #KEYS > 2 then redis.call('DEL', unpack(KEYS, 3)) end
return redis.call('LRANGE', KEYS[2], 0, -1)
"""
