-- Forget a refused token, unless another has replaced it meanwhile.
-- KEYS[1] hash of the token   ARGV 1 access
if redis.call('HGET', KEYS[1], 'access') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
