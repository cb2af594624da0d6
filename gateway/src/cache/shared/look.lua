-- Finds entries, and leases those that are missing.
-- KEYS: the history, then the entries. ARGV: a token, for how long a lease is given, the timeline and lsn that
-- an entry must include ("" if any will do), an id for a new history, and the timeline and lsn up to which the
-- caller has heard of changes ("" if of none).
-- Answers with the history's id and tick, then for each entry: {"found", value, its ms to live, 1 if the caller
-- should refresh it}, {"leased"}, {"busy"}, or {"none"}: it is not there and cannot be leased. None can if there
-- is no history and the caller cannot begin one.

local token, leaseMs = ARGV[1], ARGV[2]
local afterTimeline, afterLsn = tonumber(ARGV[3]), tonumber(ARGV[4])

if redis.call("HEXISTS", place, "id") == 0 then
  if ARGV[6] == "" then
    local answers = { "", "" }
    for i = 2, #KEYS do answers[i + 1] = { "none" } end
    return answers
  end
  begin(ARGV[5], ARGV[6], ARGV[7])
end
local id, tick = unpack(redis.call("HMGET", place, "id", "tick"))

local function lease(key)
  local taken = redis.pcall("SET", leaseOf(key), token, "NX", "PX", leaseMs)
  if type(taken) == "table" and taken.err then return "none" end
  return taken and "leased" or "busy"
end

local function isUsable(entry)
  if entry.id ~= id or isOutdated(entry) then return false end
  if not afterTimeline then return true end
  local range = entry.range
  return range ~= nil and not isBefore(range[1], range[2], afterTimeline, afterLsn)
end

local answers = { id, tick }
for i = 2, #KEYS do
  local value = redis.call("GET", KEYS[i])
  local entry = value and parseEntry(value)
  if entry and isUsable(entry) then
    local leftMs = redis.call("PTTL", KEYS[i])
    local isMine = leftMs <= entry.refresh and lease(KEYS[i]) == "leased"
    answers[i + 1] = { "found", value, leftMs, isMine and 1 or 0 }
  else
    answers[i + 1] = { lease(KEYS[i]) }
  end
end
return answers
