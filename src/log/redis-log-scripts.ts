/**
 * The Lua scripts of the Redis log. KEYS[1] is the stream, KEYS[2] a hash of its byte count; both have the shard's hash tag.
 *
 * `total` counts the body bytes ever appended, modulo 2^50 so that Lua's doubles stay exact for ever; each entry keeps the
 * total at its end. `trimmed` is the total at the end of what was trimmed. Their difference is what the log holds, known
 * without reading bodies.
 */

/** Returned instead of an id when the log has as many entries as it may. */
export const TOO_MANY_ENTRIES = "entries";

/** Returned instead of an id when the log would hold more bytes than it may. */
export const TOO_MANY_BYTES = "bytes";

const COUNTERS = `
local WRAP = 1125899906842624
local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end
local function ends(entry)
  return tonumber(field(entry, 'total') or nil)
end
local function starts(entry)
  local total = ends(entry)
  return total and (total - #(field(entry, 'body') or '')) % WRAP
end
-- The first value that 'of' finds, walking over a bounded number of entries that others put into the stream.
local function first(command, from, to, of)
  for _ = 1, 1000 do
    local entry = redis.call(command, KEYS[1], from, to, 'COUNT', 1)[1]
    if not entry then return nil end
    local found = of(entry)
    if found then return found end
    from = '(' .. entry[1]
  end
end
-- The counters, or what the stream itself says when the hash was lost.
local function counters()
  local stored = redis.call('HMGET', KEYS[2], 'total', 'trimmed')
  local total, trimmed = tonumber(stored[1] or nil), tonumber(stored[2] or nil)
  if total and trimmed then return total, trimmed end
  return first('XREVRANGE', '+', '-', ends) or 0, first('XRANGE', '-', '+', starts) or 0
end
`;

/**
 * ARGV: most entries, most bytes, then body and meta of each entry. Returns for each its new id, {@link TOO_MANY_ENTRIES},
 * {@link TOO_MANY_BYTES} or an error. What keeps the first write from happening keeps all: the script then fails as a whole.
 */
export const APPEND_SCRIPT: string = `${COUNTERS}
local mostEntries, mostBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('XLEN', KEYS[1])
local total, trimmed = counters()
local appended, replies = 0, {}
for i = 3, #ARGV, 2 do
  local body = ARGV[i]
  local reply
  if held + appended >= mostEntries then
    reply = '${TOO_MANY_ENTRIES}'
  elseif (total - trimmed) % WRAP + #body > mostBytes then
    reply = '${TOO_MANY_BYTES}'
  else
    local after = (total + #body) % WRAP
    local text = string.format('%.0f', after)
    -- An error here must not keep what was appended before it from being counted.
    reply = redis.pcall('XADD', KEYS[1], '*', 'body', body, 'meta', ARGV[i + 1], 'total', text)
    if type(reply) == 'string' then
      total, appended = after, appended + 1
    elseif appended == 0 then
      return reply
    end
  end
  replies[#replies + 1] = reply
end
if appended > 0 then
  redis.call('HSET', KEYS[2], 'total', string.format('%.0f', total), 'trimmed', string.format('%.0f', trimmed))
end
return replies
`;

/**
 * ARGV: the lowest id to keep. Returns how many entries went. XTRIM comes first: at maxmemory Redis refuses a script's first
 * write if that could grow, and HSET could.
 */
export const TRIM_SCRIPT: string = `${COUNTERS}
local total = counters()
local gone = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
if gone > 0 then
  local trimmed = total
  if redis.call('XLEN', KEYS[1]) > 0 then trimmed = first('XRANGE', '-', '+', starts) or total end
  redis.call('HSET', KEYS[2], 'total', string.format('%.0f', total), 'trimmed', string.format('%.0f', trimmed))
end
return gone
`;

/** Returns the number of entries, their bytes and the newest id ever appended, as text. */
export const STATUS_SCRIPT: string = `${COUNTERS}
local total, trimmed = counters()
local newest = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then newest = info[i + 1] end
  end
end
return { tostring(redis.call('XLEN', KEYS[1])), string.format('%.0f', (total - trimmed) % WRAP), newest }
`;

/**
 * KEYS[3] is a key to write to; ARGV: most entries, most bytes. Returns "OK", or what {@link APPEND_SCRIPT} would return. The
 * write is refused for the same reasons as an append: memory, a replica, the disk.
 */
export const WRITABLE_SCRIPT: string = `${COUNTERS}
redis.call('SET', KEYS[3], '1', 'EX', 60)
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return '${TOO_MANY_ENTRIES}' end
local total, trimmed = counters()
if (total - trimmed) % WRAP >= tonumber(ARGV[2]) then return '${TOO_MANY_BYTES}' end
return 'OK'
`;
