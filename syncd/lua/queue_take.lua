-- Lease the best due key: best lane first, in it the one due longest, or with "newest" the one due for the shortest
-- time. ARGV: now, owner, token, lease in seconds, how many lanes are looked at, "oldest" or "newest", how many turns a
-- key of the best lane has at once, and the seconds until it has one more.
-- Answers {key, lane, due, now, seconds until the key has a turn}, or nothing.
local now = clock(ARGV[1])

-- Take one of the key's turns; the seconds until there is one if there is none now.
local function too_soon(key)
  redis.call('ZREMRANGEBYSCORE', edits, '-inf', stamp(now))
  local at_once, every = tonumber(ARGV[7]), tonumber(ARGV[8])
  local free = (tonumber(redis.call('ZSCORE', edits, key)) or now) + every
  local wait = free - now - at_once * every
  if wait > 0.000001 then return stamp(wait) end
  redis.call('ZADD', edits, stamp(free), key)
  return '0'
end

for lane = 0, tonumber(ARGV[5]) - 1 do
  local found
  if ARGV[6] == 'newest' then
    found = redis.call('ZREVRANGEBYSCORE', KEYS[lane + 1], stamp(now), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  else
    found = redis.call('ZRANGEBYSCORE', KEYS[lane + 1], '-inf', stamp(now), 'WITHSCORES', 'LIMIT', 0, 1)
  end
  if found[1] then
    local key = found[1]
    redis.call('ZREM', KEYS[lane + 1], key)
    redis.call('ZADD', leases, stamp(now + tonumber(ARGV[4])), key)
    redis.call('HSET', holders, key, ARGV[3] .. '|' .. lane .. '|' .. stamp(now) .. '|' .. ARGV[2])
    return { key, tostring(lane), found[2], stamp(now), lane == 0 and too_soon(key) or '0' }
  end
end
return false
