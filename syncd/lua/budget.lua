-- Take one call out of the bucket of one side.
-- KEYS[1] hash: level, background (calls), at (epoch seconds of the last refill)
-- ARGV    1 now in epoch seconds, "" = Redis' own clock   2 refill in calls per second   3 size in calls
--         4 share of background calls   5 "urgent" or "background"   6 shortest wait in seconds
--         7 "1": somebody called meanwhile without asking here, so the bucket counts as empty
-- Answers "0" when a call was taken, otherwise the seconds after which to ask again.
local now = clock(ARGV[1])
local rate, size, share = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local background_call = ARGV[5] == 'background'

local kept = redis.call('HMGET', KEYS[1], 'level', 'background', 'at')
if ARGV[7] == '1' then kept = { false, false, false } end
local level, background = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
local passed = math.max(0, now - (tonumber(kept[3]) or now))
level = math.min(size, level + passed * rate)
background = math.min(math.max(1, size * share), background + passed * rate * share)

-- Background calls leave the last part of the bucket to a clerk's edit that comes in just now.
local needed = 1
if background_call then needed = math.min(size, 1 + size * (1 - share)) end
local wait = (needed - level) / rate
if background_call then wait = math.max(wait, (1 - background) / (rate * share)) end

-- A hair's breadth of rounding must not cost another wait.
local taken = wait <= 0.000001
if taken then
  level = level - 1
  if background_call then background = background - 1 end
end
redis.call('HSET', KEYS[1], 'level', string.format('%.9f', level), 'background',
  string.format('%.9f', background), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 3600)
if taken then return '0' end
return string.format('%.6f', math.max(wait, tonumber(ARGV[6])))
