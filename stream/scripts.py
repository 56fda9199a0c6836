"""
The scripts that run inside the server, each atomic there.

Neither a script nor MULTI rolls back after an error midway, so each checks everything first and then only
writes. Each names all its keys, which share one hash tag. A server that is full refuses a script's first
write, if that takes memory, and none after the first: so a script happens whole there, or not at all.
"""

from typing import Final

CHECK: Final = """
-- KEYS: of one slot. ARGV: the type of each, where it exists.
-- Returns {}, or {key, type, type it should have} of the first that is wrong.
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= ARGV[i] then return {key, kind, ARGV[i]} end
end
return {}
"""

ATTEND: Final = """
-- KEYS: workers. ARGV: member, how long it is to be believed in ms, name to forget or '', the longest lease.
-- Returns the members that are there.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[3] ~= '' then
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if string.match(member, '^(%S+) ') == ARGV[3] then redis.call('ZREM', KEYS[1], member) end
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
-- Nobody is to be believed for longer than a lease may last: the clock was stepped back.
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', ms + ARGV[4]), '+inf')
redis.call('ZADD', KEYS[1], string.format('%.0f', ms + ARGV[2]), ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""

ENDS: Final = """
local function info(key, wanted)
  if redis.call('EXISTS', key) == 0 then return nil end
  local found = redis.call('XINFO', 'STREAM', key)
  for i = 1, #found, 2 do
    if found[i] == wanted then return found[i + 1] end
  end
end
local function last_id(key) return info(key, 'last-generated-id') or '0-0' end
local function before(one, other)
  local ms, n = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_n = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= other_ms then return tonumber(ms) < tonumber(other_ms) end
  return tonumber(n) < tonumber(other_n)
end
"""

TAKE: Final = (
    ENDS
    + """
-- KEYS: checkpoint, lease, input streams…
-- ARGV: owner, token, lease ms, 1 to take a lease of the same owner, group prefix, taking,
--   schema that the owner knows, longest lease ms, input names…
-- Returns {1, epoch, the taking before}, or {0, holder, ms left of its lease}; {-1, stream, its last id,
-- position} where a stream ends before what was applied of it; {-2, partitions} of a partition that is
-- closed, for the deployment is to have another number of them; {-3, schema} where a newer version wrote
-- the state.
local noted = redis.call('HMGET', KEYS[1], 'closed', 'schema')
if noted[1] then return {-2, noted[1]} end
if tonumber(noted[2] or '1') > tonumber(ARGV[7]) then return {-3, noted[2]} end
local holder = redis.call('GET', KEYS[2])
local mine = ARGV[1] .. ' ' .. ARGV[2]
local left = redis.call('PTTL', KEYS[2])
-- A lease that would last for longer than any may is from before the clock was stepped back.
if holder and holder ~= mine and left <= tonumber(ARGV[8]) then
  local name = string.match(holder, '^(%S+) ') or holder
  if ARGV[4] ~= '1' or name ~= ARGV[1] then
    return {0, name, left}
  end
end
for i = 3, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= 'stream' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[i] .. ' is a ' .. kind .. ', not a stream')
  end
end
for i = 3, #KEYS do
  local at = redis.call('HGET', KEYS[1], 'in:' .. ARGV[i + 6]) or '0-0'
  local last = last_id(KEYS[i])
  if before(last, at) then return {-1, KEYS[i], last, at} end
end
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') + 1
for i = 3, #KEYS do
  local old = {}
  if redis.call('EXISTS', KEYS[i]) == 1 then old = redis.call('XINFO', 'GROUPS', KEYS[i]) end
  for _, group in ipairs(old) do
    local name = group[2]
    local number = string.sub(name, #ARGV[5] + 1)
    if string.sub(name, 1, #ARGV[5]) == ARGV[5] and string.match(number, '^%d[%d.]*$') then
      redis.call('XGROUP', 'DESTROY', KEYS[i], name)
    end
  end
  local at = redis.call('HGET', KEYS[1], 'in:' .. ARGV[i + 6]) or '0-0'
  redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[5] .. epoch .. '.' .. ARGV[6], at, 'MKSTREAM')
end
local schema = noted[2] or (epoch == 1 and ARGV[7] or '1')
local former = redis.call('HGET', KEYS[1], 'taking') or ''
redis.call('HSET', KEYS[1], 'epoch', epoch, 'taking', ARGV[6], 'owner', ARGV[1], 'schema', schema)
redis.call('SET', KEYS[2], mine, 'PX', ARGV[3])
return {1, epoch, former}
"""
)

RECOVER: Final = (
    ENDS
    + """
-- KEYS: checkpoint, lease, input streams…. ARGV: input names….
-- Sets the position of each stream that ends before it back to that end, under a new epoch.
-- Returns {1}, or {0, holder} while somebody works on the partition.
local holder = redis.call('GET', KEYS[2])
if holder then return {0, string.match(holder, '^(%S+) ') or holder} end
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') + 1
for i = 3, #KEYS do
  local name = 'in:' .. ARGV[i - 2]
  local at = redis.call('HGET', KEYS[1], name) or '0-0'
  local last = last_id(KEYS[i])
  if before(last, at) then
    local added = info(KEYS[i], 'entries-added') or 0
    redis.call('HSET', KEYS[1], name, last, name .. ':applied', added)
  end
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'taking', '')
return {1}
"""
)

STAGE: Final = """
-- KEYS: checkpoint, hash or list that is being built. ARGV: epoch, taking, command, its arguments….
-- Returns {1}, or {0, epoch} when the partition has moved on.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking')
if at[1] ~= ARGV[1] or at[2] ~= ARGV[2] then return {0, at[1] or '0'} end
redis.call(ARGV[3], KEYS[2], unpack(ARGV, 4))
return {1}
"""

MIGRATE: Final = """
-- KEYS: checkpoint, copy of it, then of each kind of state the hash, what was built beside it, the backup.
-- ARGV: epoch, taking, new schema, then for each kind 1 where it was built anew.
-- Returns {1}, or {0, epoch} when the partition has moved on.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking')
if at[1] ~= ARGV[1] or at[2] ~= ARGV[2] then return {0, at[1] or '0'} end
redis.call('COPY', KEYS[1], KEYS[2], 'REPLACE')
for i = 3, #KEYS, 3 do
  redis.call('DEL', KEYS[i + 2])
  if ARGV[4 + (i - 3) / 3] == '1' then
    if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('RENAME', KEYS[i], KEYS[i + 2]) end
    if redis.call('EXISTS', KEYS[i + 1]) == 1 then redis.call('RENAME', KEYS[i + 1], KEYS[i]) end
  else
    redis.call('COPY', KEYS[i], KEYS[i + 2])
  end
end
redis.call('HSET', KEYS[1], 'schema', ARGV[3])
return {1}
"""

REWIND: Final = """
-- KEYS: checkpoint, input streams…
-- ARGV: taking, group, new group, for each stream the id to go on behind.
-- Returns {1}, or {0, epoch} when the partition has moved on.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking')
if at[2] ~= ARGV[1] then return {0, at[1] or '0'} end
for i = 2, #KEYS do
  redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[3], ARGV[i + 2])
  redis.call('XGROUP', 'DESTROY', KEYS[i], ARGV[2])
end
return {1}
"""

RENEW: Final = """
-- KEYS: lease, checkpoint. ARGV: owner and token, lease ms, taking, last confirmed commit.
-- Returns 1 while the partition is ours; -1 when the commit was taken back (without input
-- nothing else would tell).
-- A lease that lapsed is taken up again where nobody took the partition meanwhile.
local at = redis.call('HMGET', KEYS[2], 'taking', 'seq')
if at[1] == ARGV[3] and tonumber(at[2] or '0') < tonumber(ARGV[4]) then return -1 end
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end  -- also on a full server
if holder or at[1] ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RELEASE: Final = """
-- KEYS: lease. ARGV: owner and token.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""

HAND_OVER: Final = """
-- KEYS: lease, checkpoint, window. ARGV: owner and token, taking, seq, window, ms for which it is kept.
-- Ends the lease as above, and leaves the window where the partition is at that commit of ours.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local at = redis.call('HMGET', KEYS[2], 'taking', 'seq')
if at[1] == ARGV[2] and (at[2] or '0') == ARGV[3] then redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5]) end
return redis.call('DEL', KEYS[1])
"""

COMMIT: Final = """
-- KEYS: checkpoint, dead, then the hashes and streams the groups name by index.
-- ARGV: epoch, taking, seq, number of checkpoint arguments, field, value, …, then groups:
--   'I' key 1 id              an entry that was read, which must still be there
--   'S' key n field value …   write fields of a hash       (n counts the arguments that follow)
--   'R' key n field …         remove fields of a hash
--   'O' key n event …         append events to a stream
--   'D' n stream id event reason detail signature …   append dead letters; signature may be empty
-- Returns {1}, {0, epoch, taking, seq} when the partition has moved on, or {0, key} of an entry that is gone.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking', 'seq')
if at[1] ~= ARGV[1] or (at[2] or '') ~= ARGV[2] or (at[3] or '0') ~= ARGV[3] then
  return {0, at[1] or '0', at[2] or '', at[3] or '0'}
end
local kinds = {I = 'stream', S = 'hash', R = 'hash', O = 'stream'}
local function expect(key, wanted)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a ' .. wanted)
  end
end
local first = 5 + ARGV[4]
local wrong = expect(KEYS[2], 'stream')
local i = first
while not wrong and ARGV[i] do
  if ARGV[i] == 'D' then
    i = i + 2 + ARGV[i + 1]
  else
    local key = KEYS[tonumber(ARGV[i + 1])]
    wrong = expect(key, kinds[ARGV[i]])
    if ARGV[i] == 'I' and not wrong and #redis.call('XREVRANGE', key, ARGV[i + 3], ARGV[i + 3]) == 0 then
      return {0, key}
    end
    i = i + 3 + ARGV[i + 2]
  end
end
if wrong then return wrong end

-- Lua's unpack is limited, so long runs go in pieces (of an even number, for pairs).
local piece = 4000
i = first
while ARGV[i] do
  local what = ARGV[i]
  if what == 'D' then
    local stop = i + 1 + ARGV[i + 1]
    for j = i + 2, stop, 6 do
      local letter = {'stream', ARGV[j], 'id', ARGV[j + 1], 'event', ARGV[j + 2],
        'reason', ARGV[j + 3], 'detail', ARGV[j + 4]}
      if ARGV[j + 5] ~= '' then
        letter[#letter + 1] = 'signature'
        letter[#letter + 1] = ARGV[j + 5]
      end
      redis.call('XADD', KEYS[2], '*', unpack(letter))
    end
    i = stop + 1
  else
    local key = KEYS[tonumber(ARGV[i + 1])]
    local stop = i + 2 + ARGV[i + 2]
    if what == 'O' then
      for j = i + 3, stop do
        redis.call('XADD', key, '*', 'event', ARGV[j])
      end
    elseif what ~= 'I' then
      local command = what == 'S' and 'HSET' or 'HDEL'
      for j = i + 3, stop, piece do
        redis.call(command, key, unpack(ARGV, j, math.min(j + piece - 1, stop)))
      end
    end
    i = stop + 1
  end
end
redis.call('HSET', KEYS[1], 'seq', ARGV[3] + 1, unpack(ARGV, 5, 4 + ARGV[4]))
return {1}
"""

TRIM: Final = """
-- KEYS: checkpoint, stream. ARGV: epoch, taking, seq, lowest id to keep, how many to remove at the most.
-- Returns how many are removed, always whole nodes; -1 where the partition is not at that commit or beyond.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking', 'seq')
if at[1] ~= ARGV[1] or (at[2] or '') ~= ARGV[2] then return -1 end
if tonumber(at[3] or '0') < tonumber(ARGV[3]) then return -1 end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'none' and kind ~= 'stream' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is a ' .. kind .. ', not a stream')
end
return redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[4], 'LIMIT', ARGV[5])
"""

DROP: Final = """
-- KEYS: checkpoint, dead, handled. ARGV: epoch, taking, seq, ids of dead letters…
-- Returns how many are removed; -1 where the partition is not at that commit or beyond.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'taking', 'seq')
if at[1] ~= ARGV[1] or (at[2] or '') ~= ARGV[2] then return -1 end
if tonumber(at[3] or '0') < tonumber(ARGV[3]) then return -1 end
local removed = redis.call('XDEL', KEYS[2], unpack(ARGV, 4))
redis.call('HDEL', KEYS[3], unpack(ARGV, 4))
return removed
"""

SNAPSHOT: Final = """
-- KEYS: hashes. Returns each whole, all as of one moment.
local all = {}
for i, key in ipairs(KEYS) do all[i] = redis.call('HGETALL', key) end
return all
"""

PUBLISH: Final = """
-- KEYS: stream. ARGV: events.
for i = 1, #ARGV do redis.call('XADD', KEYS[1], '*', 'event', ARGV[i]) end
return #ARGV
"""
