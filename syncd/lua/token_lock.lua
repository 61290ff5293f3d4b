-- Become the one who fetches a new token.
-- KEYS[1] hash: owner, until (epoch seconds; judged by the clock handed in, so that tests need not wait)
-- ARGV    1 now or ""   2 owner   3 seconds the lock lasts
-- Answers 1 when the lock is ours.
local now = clock(ARGV[1])
local held = redis.call('HMGET', KEYS[1], 'owner', 'until')
if held[1] and (tonumber(held[2]) or 0) > now then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'until', string.format('%.6f', now + tonumber(ARGV[3])))
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3]) * 1000))
return 1
