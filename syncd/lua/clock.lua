-- Set before the scripts that need the time: the one handed in, or Redis' own where that is "".
local function clock(given)
  local now = tonumber(given)
  if now then return now end
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end
