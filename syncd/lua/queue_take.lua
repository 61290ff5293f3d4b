-- Lease the best due key: best lane first, in it the one due longest, or with "newest" the one due for the shortest
-- time. ARGV: now, owner, token, lease in seconds, how many lanes are looked at, "oldest" or "newest".
-- Answers {key, lane, due, now}, or nothing.
local now = clock(ARGV[1])
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
    return { key, tostring(lane), found[2], stamp(now) }
  end
end
return false
