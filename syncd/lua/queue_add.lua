-- Add keys. ARGV: now, then for each key: key, lane, due ('' = now).
local now = clock(ARGV[1])
for i = 2, #ARGV, 3 do
  local key, lane = ARGV[i], tonumber(ARGV[i + 1])
  local due = ARGV[i + 2] == '' and now or tonumber(ARGV[i + 2])
  if redis.call('ZSCORE', leases, key) then
    remember(key, lane, due)
  else
    wait(key, lane, due)
  end
end
return #ARGV
