-- A person says: try again.
-- KEYS[1] hash of circuit_admit.lua   KEYS[2] tickets
return redis.call('DEL', KEYS[1], KEYS[2])
