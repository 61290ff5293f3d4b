-- Write something of no meaning: a server that is full or read-only answers questions, and takes no work.
-- KEYS[1] hash nobody reads.  ARGV[1] milliseconds it stays.
redis.call('HSET', KEYS[1], 'tried', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
