"""The scripts of a change, each over the keys of one slot. `stream.scripts` has the rules they keep."""

from typing import Final

from stream.scripts import ENDS

NOTE: Final = """
-- KEYS: meta. ARGV: what its field `repartition` has to be and is to be, '' for none, how many partitions
-- there have to be, then field, value, … to write.
-- Returns {1}, or {0} when it is otherwise.
local found = redis.call('HMGET', KEYS[1], 'repartition', 'partitions')
if (found[1] or '') ~= ARGV[1] or found[2] ~= ARGV[3] then return {0} end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'repartition')
else
  redis.call('HSET', KEYS[1], 'repartition', ARGV[2])
end
if #ARGV > 3 then redis.call('HSET', KEYS[1], unpack(ARGV, 4)) end
return {1}
"""

CLOSE: Final = """
-- KEYS: checkpoint, lease, input streams that have to be applied…. ARGV: taking, partitions there are to be,
-- epoch, input names….
-- Returns {1, epoch}; {0, holder} while somebody works on it; {-1, stream} that has more than was applied;
-- {-2} when the partition has moved on.
local holder = redis.call('GET', KEYS[2])
if holder then return {0, string.match(holder, '^(%S+) ') or holder} end
if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[3] then return {-2} end
for i = 3, #KEYS do
  local at = redis.call('HGET', KEYS[1], 'in:' .. ARGV[i + 1]) or '0-0'
  if #redis.call('XRANGE', KEYS[i], '(' .. at, '+', 'COUNT', 1) > 0 then return {-1, KEYS[i]} end
end
if redis.call('HGET', KEYS[1], 'closed') ~= ARGV[2] then redis.call('HDEL', KEYS[1], 'switched') end
local epoch = ARGV[3] + 1
redis.call('HSET', KEYS[1], 'epoch', epoch, 'taking', ARGV[1], 'closed', ARGV[2])
return {1, epoch}
"""

SWITCH: Final = (
    ENDS
    + """
-- KEYS: checkpoint, base, repeats of the base, those that were built, then of each kind of state the hash,
-- the one that was built and that of the base, then output streams….
-- ARGV: taking, partitions there are to be, 1 if this is one of them, schema, number of kinds, number of
-- inputs, input names…, output names….
-- Returns {1}, or {0, epoch} when the partition has moved on.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking', 'switched')
if at[2] ~= ARGV[1] then return {0, at[1] or '0'} end
if at[3] == ARGV[2] then return {1} end
local kinds, inputs = tonumber(ARGV[5]), tonumber(ARGV[6])
for i = 7, 6 + inputs do
  local name = 'in:' .. ARGV[i]
  local begun = redis.call('HMGET', KEYS[1], name, name .. ':applied')
  redis.call('HSET', KEYS[2], name, begun[1] or '0-0', name .. ':applied', begun[2] or '0')
end
for i = 5 + 3 * kinds, #KEYS do
  redis.call('HSET', KEYS[2], 'out:' .. ARGV[i + 2 + inputs - 3 * kinds], last_id(KEYS[i]))
end
redis.call('HSET', KEYS[2], 'schema', ARGV[4])
redis.call('DEL', KEYS[3])
if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('RENAME', KEYS[4], KEYS[3]) end
for i = 5, 2 + 3 * kinds, 3 do
  redis.call('DEL', KEYS[i], KEYS[i + 2])
  if ARGV[3] == '1' and redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('RENAME', KEYS[i + 1], KEYS[i + 2])
    redis.call('COPY', KEYS[i + 2], KEYS[i])
  end
end
redis.call('HSET', KEYS[1], 'switched', ARGV[2], 'schema', ARGV[4])
return {1}
"""
)

OPEN: Final = """
-- KEYS: checkpoint. ARGV: taking.
if redis.call('HGET', KEYS[1], 'taking') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'closed', 'switched')
"""

SEND: Final = (
    ENDS
    + """
-- KEYS: base of the partition they go to, its input streams. ARGV: of each entry, in order, the field that
-- notes how far its source was brought here, its id there, number of its stream, event, signature or ''.
-- Appends those that were not yet, with ids that keep their order over all streams. Returns how many.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
for i = 2, #KEYS do
  ms = math.max(ms, tonumber(string.match(last_id(KEYS[i]), '^%d+')) + 1)
end
local sent = 0
for i = 1, #ARGV, 5 do
  if before(redis.call('HGET', KEYS[1], ARGV[i]) or '0-0', ARGV[i + 1]) then
    local fields = {'event', ARGV[i + 3]}
    if ARGV[i + 4] ~= '' then fields = {'event', ARGV[i + 3], 'signature', ARGV[i + 4]} end
    local key = KEYS[1 + tonumber(ARGV[i + 2])]
    redis.call('XADD', key, string.format('%.0f-%d', ms, sent), unpack(fields))
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    sent = sent + 1
  end
end
return sent
"""
)

DROP: Final = """
-- KEYS: checkpoint, base, input stream. ARGV: name of the stream, such as in:trade, then ids….
-- Removes entries that were brought elsewhere, and counts them as dealt with.
local count = redis.call('XDEL', KEYS[3], unpack(ARGV, 2))
if count > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1] .. ':applied', count)
  redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':applied', count)
end
return count
"""
