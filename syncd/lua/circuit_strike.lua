-- A 401. The first one lets only single probes through; the 401 of such a probe bars the credentials.
-- KEYS[1] hash of circuit_admit.lua   KEYS[2] tickets
-- ARGV    1 now or ""   2 credentials   3 ticket
-- Answers 1 when these credentials are barred by it, otherwise 0.
local now = clock(ARGV[1])
local held = redis.call('ZREM', KEYS[2], ARGV[3]) == 1
if redis.call('HGET', KEYS[1], 'struck') ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'struck', ARGV[2], 'strikes', 0)
end
if redis.call('HINCRBY', KEYS[1], 'strikes', 1) == 1 then
  -- Dozens of calls may be in flight; from here on one at a time, or the address gets locked out.
  local open_until = math.max(tonumber(redis.call('HGET', KEYS[1], 'until')) or 0, now)
  redis.call('HSET', KEYS[1], 'limit', 1, 'until', string.format('%.6f', open_until))
  redis.call('DEL', KEYS[2])
  return 0
end
if not held then return 0 end
redis.call('HSET', KEYS[1], 'barred', ARGV[2])
return 1
