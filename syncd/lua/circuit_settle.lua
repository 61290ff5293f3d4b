-- How a call went.
-- KEYS[1] hash of circuit_admit.lua   KEYS[2] tickets
-- ARGV    1 now or ""   2 ticket   3 "ok", "outage" or "none" (says nothing about the side)
--         4 Retry-After in seconds or ""   5 failures to open   6 first pause   7 longest pause
--         8 shortest Retry-After   9 longest Retry-After   10 end of the ramp
local now = clock(ARGV[1])
local held = redis.call('ZREM', KEYS[2], ARGV[2]) == 1
if ARGV[3] == 'none' then return 'ok' end
local kept = redis.call('HMGET', KEYS[1], 'limit', 'until', 'openings')
local limit, open_until = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0

if ARGV[3] == 'ok' then
  if limit == 0 then
    redis.call('HDEL', KEYS[1], 'failures', 'strikes')
  elseif held then
    -- A call from before the opening proves nothing about now; the holder of a ticket does.
    redis.call('HDEL', KEYS[1], 'strikes')
    if limit + 1 > tonumber(ARGV[10]) then
      redis.call('DEL', KEYS[1], KEYS[2])
    else
      redis.call('HSET', KEYS[1], 'limit', limit + 1)
    end
  end
  return 'ok'
end

local asked = tonumber(ARGV[4])
if asked then asked = math.min(math.max(asked, tonumber(ARGV[8])), tonumber(ARGV[9])) end
if limit > 0 and now < open_until then
  if asked then
    redis.call('HSET', KEYS[1], 'until', string.format('%.6f', math.max(open_until, now + asked)))
  end
  return 'ok'
end
if limit == 0 then
  local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  if failures < tonumber(ARGV[5]) and not asked then return 'ok' end
elseif not held and not asked then
  return 'ok'
end
local openings = (tonumber(kept[3]) or 0) + 1
local pause = asked or math.min(tonumber(ARGV[6]) * 2 ^ math.min(openings - 1, 10), tonumber(ARGV[7]))
redis.call('HSET', KEYS[1], 'openings', openings, 'limit', 1, 'until', string.format('%.6f', now + pause))
redis.call('HDEL', KEYS[1], 'failures')
redis.call('DEL', KEYS[2])
return 'opened'
