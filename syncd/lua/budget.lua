-- Take one call out of the bucket of one side.
-- KEYS[1] hash of bucket.lua
-- ARGV    1 now in epoch seconds, "" = Redis' own clock   2-7 rate, size, share, urgency, shortest, forgotten of bucket.lua
-- Answers the seconds after which to ask again; 0 when a call was taken.
return string.format('%.6f', take(KEYS[1], clock(ARGV[1]), unpack(ARGV, 2)))
