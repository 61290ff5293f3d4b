-- May this call go? The state of one side's circuit is a hash:
--   failures (in succession), openings (in succession), limit (0 or none = closed, otherwise calls at a time once
--   "until" has passed), until (epoch seconds), strikes and struck (401s of these credentials), barred (credentials)
-- KEYS[1] that hash   KEYS[2] sorted set of tickets by the time they become void
-- ARGV    1 now or ""   2 credentials   3 ticket   4 seconds a ticket lives
-- Answers {"barred"} {"open", seconds} {"probing"} {"full"} or {"go", ticketed, watched}; the last two "1" or "0".
local now = clock(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'barred', 'limit', 'until', 'failures', 'strikes')
if kept[1] and kept[1] ~= '' and kept[1] == ARGV[2] then return {'barred'} end
local limit = tonumber(kept[2]) or 0
if limit == 0 then
  local watched = '0'
  if (tonumber(kept[4]) or 0) + (tonumber(kept[5]) or 0) > 0 then watched = '1' end
  return {'go', '0', watched}
end
local open_until = tonumber(kept[3]) or 0
if now < open_until then return {'open', string.format('%.6f', open_until - now)} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.6f', now))
if redis.call('ZCARD', KEYS[2]) < limit then
  redis.call('ZADD', KEYS[2], string.format('%.6f', now + tonumber(ARGV[4])), ARGV[3])
  return {'go', '1', '1'}
end
if limit == 1 then return {'probing'} end
return {'full'}
