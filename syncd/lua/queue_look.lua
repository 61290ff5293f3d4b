-- What there is, for people. ARGV: now, how many waiting keys at most.
-- Answers {now, {waiting, due, oldest due or ''} per lane, {key, lane, due, …}, {key, token|lane|since|owner, lease end, …}}.
local now = clock(ARGV[1])
local room = tonumber(ARGV[2])
local lanes, waiting, running = {}, {}, {}
for lane = 0, LANES - 1 do
  local set = KEYS[lane + 1]
  local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
  table.insert(lanes, tostring(redis.call('ZCARD', set)))
  table.insert(lanes, tostring(redis.call('ZCOUNT', set, '-inf', stamp(now))))
  table.insert(lanes, first[2] or '')
  if room > 0 then
    local found = redis.call('ZRANGE', set, 0, room - 1, 'WITHSCORES')
    for i = 1, #found, 2 do
      table.insert(waiting, found[i])
      table.insert(waiting, tostring(lane))
      table.insert(waiting, found[i + 1])
    end
    room = room - #found / 2
  end
end
local held = redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES')
for i = 1, #held, 2 do
  table.insert(running, held[i])
  table.insert(running, redis.call('HGET', holders, held[i]))
  table.insert(running, held[i + 1])
end
return { stamp(now), lanes, waiting, running }
