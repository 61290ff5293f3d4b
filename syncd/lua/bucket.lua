-- Set before the scripts that take a call out of the bucket of one side.
-- key       hash: level, background (calls), at (epoch seconds of the last refill)
-- rate      refill in calls per second      size      in calls      share     of background calls
-- urgency   "urgent" or "background"        shortest  wait in seconds
-- forgotten "1": somebody called meanwhile without asking here, so the bucket counts as empty
-- Answers 0 when a call was taken, otherwise the seconds after which to ask again.
local function take(key, now, rate, size, share, urgency, shortest, forgotten)
  rate, size, share = tonumber(rate), tonumber(size), tonumber(share)
  local background_call = urgency == 'background'

  local kept = redis.call('HMGET', key, 'level', 'background', 'at')
  if forgotten == '1' then kept = { false, false, false } end
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
  redis.call('HSET', key, 'level', string.format('%.9f', level), 'background',
    string.format('%.9f', background), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', key, 3600)
  if taken then return 0 end
  return math.max(wait, tonumber(shortest))
end
