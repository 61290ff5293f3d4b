-- Put back keys whose lease has ended. ARGV: now, how many at most. Answers key, owner, key, owner, …
local now = clock(ARGV[1])
local answer = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', stamp(now), 'LIMIT', 0, ARGV[2])) do
  table.insert(answer, key)
  table.insert(answer, give_back(key, now))
end
return answer
