-- End one's own lease. ARGV: now, key, token, and to have it worked on once more: lane, due ('' = now).
-- Answers 1, or 0 if the lease was lost: then somebody else holds the key, or nobody, and nothing is touched.
local key = ARGV[2]
if not holds(key, ARGV[3]) then
  return 0
end
if ARGV[4] then
  local due = ARGV[5] == '' and clock(ARGV[1]) or tonumber(ARGV[5])
  remember(key, tonumber(ARGV[4]), due)
end
release(key)
return 1
