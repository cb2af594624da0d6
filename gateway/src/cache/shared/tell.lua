-- Hears of a change. KEYS[1]: the history. ARGV: "tags" or "place", the position's timeline and lsn, an id for a
-- new history, the tags.

local kind, timeline, lsn = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local function hear()
  if redis.call("HEXISTS", place, "id") == 0 then begin(ARGV[4], timeline, lsn) end
  local tick = redis.call("HINCRBY", place, "tick", 1)
  local mark = { timeline, lsn, tick }
  see(timeline, tick)
  raise("latest", mark)
  if kind == "place" then raise("floor", mark) end
  for i = 5, #ARGV do raise("t:" .. ARGV[i], mark) end
  return tick
end

local isHeard, tick = pcall(hear)
if not isHeard then
  -- A full Redis takes no mark; but it can forget the history, and all entries with it.
  redis.call("DEL", place)
  return "OK"
end

if redis.call("HLEN", place) > MARKS_MAX then
  local id, latest, known = unpack(redis.call("HMGET", place, "id", "latest", "timeline"))
  redis.call("DEL", place)
  redis.call("HSET", place, "id", id, "tick", tick, "timeline", known, "latest", latest, "floor", latest)
end
redis.call("PEXPIRE", place, HISTORY_MS)
return "OK"
