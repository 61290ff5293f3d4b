-- May this call go? Where it may, a call is taken out of the side's budget, and a ticket where calls are counted.
-- The state of one side's circuit is a hash:
--   failures (in succession), openings (in succession), limit (0 or none = closed, otherwise calls at a time once
--   "until" has passed), until (epoch seconds), strikes and struck (401s of these credentials), barred (credentials)
-- KEYS[1] that hash   KEYS[2] sorted set of tickets by the time they become void   KEYS[3] hash of bucket.lua
-- ARGV    1 now or ""   2 credentials   3 ticket   4 seconds a ticket lives
--         5-10 rate, size, share, urgency, shortest, forgotten of bucket.lua; none of them where there is no limit
-- Answers "go", "watched" (go, and tell of a success), "barred", "probing", "full",
-- or "open" or "spent" with the seconds after which to ask again.
local now = clock(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'barred', 'limit', 'until', 'failures', 'strikes')
if kept[1] and kept[1] ~= '' and kept[1] == ARGV[2] then return 'barred' end
local limit = tonumber(kept[2]) or 0
if limit > 0 then
  local open_until = tonumber(kept[3]) or 0
  if now < open_until then return string.format('open %.6f', open_until - now) end
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now))
  if redis.call('ZCARD', KEYS[2]) >= limit then
    if limit == 1 then return 'probing' end
    return 'full'
  end
end
-- Last, so that nobody holds a ticket who has to wait, and no call is taken that may not go.
if ARGV[5] then
  local wait = take(KEYS[3], now, unpack(ARGV, 5))
  if wait > 0 then return string.format('spent %.6f', wait) end
end
if limit > 0 then
  redis.call('ZADD', KEYS[2], string.format('%.6f', now + tonumber(ARGV[4])), ARGV[3])
  return 'watched'
end
if (tonumber(kept[4]) or 0) + (tonumber(kept[5]) or 0) > 0 then return 'watched' end
return 'go'
