-- Let a lease end later, if it is still this one's. ARGV: now, key, token, lease in seconds. Answers 1, or 0 if lost.
if not holds(ARGV[2], ARGV[3]) then
  return 0
end
redis.call('ZADD', leases, stamp(clock(ARGV[1]) + tonumber(ARGV[4])), ARGV[2])
return 1
