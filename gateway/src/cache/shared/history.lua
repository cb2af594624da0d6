-- What was heard of the changes of a place: the beginning of every script of the shared tier.
--
-- KEYS[1] is the place's history, a hash:
--   id        drawn when it was made. Entries name it, so without it none of them is used. Whoever makes it
--             knows a position up to which changes may have been told that it does not hold: its first floor.
--   tick      counts what was heard
--   timeline  the latest that was seen
--   floor     a mark for everything of the place
--   latest    the latest mark of all, for entries without tags
--   t:TAG     a mark for what has the tag
-- A mark is "TIMELINE LSN TICK": what was read before it may lack a change.
--
-- An entry is a line of JSON, then its own text: [id, tick, range, refresh, tags]. The range is 0, or
-- [timeline and lsn that it includes, timeline and lsn that it goes up to].

local HISTORY_MS = 7200000 -- longer than any entry and any fill live
local MARKS_MAX = 20000

local place = KEYS[1]

local function parseMark(text)
  if not text then return nil end
  local timeline, lsn, tick = string.match(text, "^(%d+) (%d+) (%d+)$")
  return { tonumber(timeline), tonumber(lsn), tonumber(tick) }
end

local function isBefore(timeline, lsn, otherTimeline, otherLsn)
  return timeline < otherTimeline or (timeline == otherTimeline and lsn < otherLsn)
end

local function raise(field, mark)
  local known = parseMark(redis.call("HGET", place, field))
  if known and isBefore(mark[1], mark[2], known[1], known[2]) then mark = { known[1], known[2], mark[3] } end
  redis.call("HSET", place, field, string.format("%.0f %.0f %.0f", mark[1], mark[2], mark[3]))
end

local function begin(id, timeline, lsn)
  redis.call("HSET", place, "id", id, "tick", 0, "timeline", timeline)
  raise("floor", { tonumber(timeline), tonumber(lsn), 0 })
  redis.call("PEXPIRE", place, HISTORY_MS)
end

-- A promotion may lose the end of the timeline before, and nobody tells what was undone with it.
local function see(timeline, tick)
  local known = tonumber(redis.call("HGET", place, "timeline"))
  if known and known >= timeline then return end
  redis.call("HSET", place, "timeline", timeline)
  if known then raise("floor", { timeline, 0, tick }) end
end

-- Nothing for what another program may have written.
local function parseEntry(value)
  local line = string.find(value, "\n", 1, true) or 1
  local isJson, head = pcall(cjson.decode, string.sub(value, 1, line - 1))
  if not isJson or type(head) ~= "table" or type(head[5]) ~= "table" then return nil end
  local range = head[3]
  if range == 0 then range = nil end
  return { id = head[1], tick = head[2], range = range, refresh = head[4], tags = head[5] }
end

local function isOutdated(entry)
  local fields = { "floor" }
  for _, tag in ipairs(entry.tags) do fields[#fields + 1] = "t:" .. tag end
  if #entry.tags == 0 then fields[2] = "latest" end
  for _, text in ipairs(redis.call("HMGET", place, unpack(fields))) do
    local mark = parseMark(text)
    if mark then
      local range = entry.range
      if range and isBefore(range[1], range[2], mark[1], mark[2]) then return true end
      if not range and entry.tick < mark[3] then return true end
    end
  end
  return false
end

local function leaseOf(key)
  return key .. ":lease"
end

local function giveBack(key, token)
  if redis.call("GET", leaseOf(key)) == token then redis.call("DEL", leaseOf(key)) end
end
