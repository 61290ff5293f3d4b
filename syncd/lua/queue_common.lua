-- Joined before every queue_*.lua, after clock.lua: the keys, and the moves all of them share.
--
-- KEYS[1..5]  sorted sets, one per lane, best lane first: waiting key -> due time
-- KEYS[6]     sorted set: key being worked on -> time its lease ends
-- KEYS[7]     hash: key being worked on -> token|lane|since|owner
-- KEYS[8]     hash: key added while being worked on -> lane|due
-- KEYS[9]     sorted set: key edited of late -> time when all its turns are there again
--
-- What always holds: a key waits in at most one lane; a key with a lease does not wait; only a key with a lease is in
-- KEYS[8]. Times are epoch seconds.
local LANES = 5
local leases, holders, again, edits = KEYS[6], KEYS[7], KEYS[8], KEYS[9]

-- Lua prints 14 digits of a number; an epoch time with microseconds has 16.
local function stamp(seconds)
  return string.format('%.6f', seconds)
end

-- Make the key wait; one that waits already keeps the better lane and the earlier time.
local function wait(key, lane, due)
  for n = 0, LANES - 1 do
    local score = redis.call('ZSCORE', KEYS[n + 1], key)
    if score then
      due = math.min(due, tonumber(score))
      if n <= lane then
        lane = n
      else
        redis.call('ZREM', KEYS[n + 1], key)
      end
      break
    end
  end
  redis.call('ZADD', KEYS[lane + 1], stamp(due), key)
end

-- Note that the key being worked on has to be worked on once more afterwards.
local function remember(key, lane, due)
  local noted = redis.call('HGET', again, key)
  if noted then
    local noted_lane, noted_due = string.match(noted, '^(%d+)|(.*)$')
    lane = math.min(lane, tonumber(noted_lane))
    due = math.min(due, tonumber(noted_due))
  end
  redis.call('HSET', again, key, lane .. '|' .. stamp(due))
end

-- token, lane, since, owner of the key being worked on; nothing if it is not.
local function holder(key)
  local text = redis.call('HGET', holders, key)
  if text then
    return string.match(text, '^([^|]*)|(%d+)|([^|]*)|(.*)$')
  end
end

local function holds(key, token)
  return token ~= '' and holder(key) == token
end

-- End the lease; what was noted meanwhile waits from now on.
local function release(key)
  redis.call('ZREM', leases, key)
  redis.call('HDEL', holders, key)
  local noted = redis.call('HGET', again, key)
  if noted then
    redis.call('HDEL', again, key)
    local lane, due = string.match(noted, '^(%d+)|(.*)$')
    wait(key, tonumber(lane), tonumber(due))
  end
end

-- End a lease whose owner did not: the key waits again in the lane it had, because nobody knows how far the work got.
local function give_back(key, now)
  local _, lane, _, owner = holder(key)
  release(key)
  wait(key, tonumber(lane), now)
  return owner
end
