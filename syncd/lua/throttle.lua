-- Take one try of a name: so many at once, then one every so many seconds.
-- KEYS[1] when all tries are there again, in epoch seconds
-- ARGV    1 now in epoch seconds, "" = Redis' own clock   2 tries at once   3 seconds until there is one more
-- Answers "0" when a try was taken, otherwise the seconds to wait.
local now = clock(ARGV[1])
local at_once, every = tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'free')
local free = math.max(tonumber(kept[1]) or now, now) + every
local wait = free - now - at_once * every
if wait > 0.000001 then return string.format('%.6f', wait) end
redis.call('HSET', KEYS[1], 'free', string.format('%.6f', free))
redis.call('EXPIRE', KEYS[1], math.ceil(at_once * every) + 1)
return '0'
