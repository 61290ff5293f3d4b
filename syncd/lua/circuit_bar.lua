-- Stop all calls with these credentials until they change or a person acts.
-- KEYS[1] hash of circuit_admit.lua   ARGV 1 credentials
redis.call('HSET', KEYS[1], 'barred', ARGV[1])
return 1
