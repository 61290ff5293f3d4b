-- Store a new token and give the lock back; nothing is stored when the lock has been lost.
-- KEYS[1] hash of the token: access, obtained, expires   KEYS[2] lock of token_lock.lua
-- ARGV    1 now or ""   2 owner   3 access   4 obtained   5 expires   6 seconds the token lives
-- Answers 1 when stored.
local now = clock(ARGV[1])
local held = redis.call('HMGET', KEYS[2], 'owner', 'until')
if held[1] ~= ARGV[2] or (tonumber(held[2]) or 0) <= now then return 0 end
redis.call('HSET', KEYS[1], 'access', ARGV[3], 'obtained', ARGV[4], 'expires', ARGV[5])
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil(tonumber(ARGV[6]) * 1000)))
redis.call('DEL', KEYS[2])
return 1
