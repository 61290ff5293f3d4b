-- What a person is told about one side's circuit.
-- KEYS[1] hash of circuit_admit.lua
-- ARGV    1 now or ""
-- Answers {"barred" | "closed" | "open" | "ramp", seconds until the next probe}.
local now = clock(ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'barred', 'limit', 'until')
if kept[1] and kept[1] ~= '' then return {'barred', '0'} end
if (tonumber(kept[2]) or 0) == 0 then return {'closed', '0'} end
local rest = (tonumber(kept[3]) or 0) - now
if rest > 0 then return {'open', string.format('%.6f', rest)} end
return {'ramp', '0'}
