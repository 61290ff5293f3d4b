-- End one key's lease before its time; the key waits again. ARGV: now, key. Answers 1, or 0 if nobody holds it.
if not holder(ARGV[2]) then
  return 0
end
give_back(ARGV[2], clock(ARGV[1]))
return 1
