-- How long until a waiting key is due. ARGV: now, how many lanes are looked at. Answers seconds (0 or less: due), or nothing if none waits.
local first = nil
for lane = 0, tonumber(ARGV[2]) - 1 do
  local found = redis.call('ZRANGE', KEYS[lane + 1], 0, 0, 'WITHSCORES')
  if found[2] and (not first or tonumber(found[2]) < first) then
    first = tonumber(found[2])
  end
end
return first and stamp(first - clock(ARGV[1]))
