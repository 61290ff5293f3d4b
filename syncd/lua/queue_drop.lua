-- Let a key wait no longer, nor again after the work in hand, which goes on. ARGV: key. Answers 1 if there was something.
local gone = redis.call('HDEL', again, ARGV[1])
for lane = 0, LANES - 1 do
  gone = gone + redis.call('ZREM', KEYS[lane + 1], ARGV[1])
end
return gone
