-- Keeps entries that are neither older than what is kept nor than a change that was heard of, and gives the
-- leases back. KEYS: the history, then the entries. ARGV for each entry: its lease's token, its value, its ms to
-- live. Answers for each: "kept", "stale" or "older".

local id, tick = unpack(redis.call("HMGET", place, "id", "tick"))

local function isOlder(entry, kept)
  local range, other = entry.range, kept.range
  if range and other then
    if range[1] == other[1] and range[2] == other[2] then
      return isBefore(range[3], range[4], other[3], other[4])
    end
    return isBefore(range[1], range[2], other[1], other[2])
  end
  if range then return false end
  return other ~= nil or entry.tick < kept.tick
end

local function put(key, value, ms)
  local entry = parseEntry(value)
  if entry.id ~= id then return "stale" end
  if entry.range then see(entry.range[3], tonumber(tick)) end
  if isOutdated(entry) then return "stale" end
  local known = redis.call("GET", key)
  local kept = known and parseEntry(known)
  if kept and kept.id == id and not isOutdated(kept) and isOlder(entry, kept) then return "older" end
  redis.call("SET", key, value, "PX", ms)
  return "kept"
end

-- A full Redis refuses a write only if it is a script's first: leases are given back after all entries.
local answers = {}
for i = 2, #KEYS do answers[i - 1] = put(KEYS[i], ARGV[3 * i - 4], ARGV[3 * i - 3]) end
for i = 2, #KEYS do giveBack(KEYS[i], ARGV[3 * i - 5]) end
if id then redis.call("PEXPIRE", place, HISTORY_MS) end
return answers
