-- Give the lock back if it is still ours.
-- KEYS[1] lock of token_lock.lua   ARGV 1 owner
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
