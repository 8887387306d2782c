/**
 * The Lua scripts of the Redis log. KEYS[1] is the stream, KEYS[2] a hash of what is known about it; both have the shard's hash tag.
 *
 * Entries are numbered: `last` is the number of the newest, whose id is `<last>-0`. `total` counts the body bytes ever appended,
 * modulo 2^50 so that Lua's doubles stay exact for ever; each entry keeps the total at its end. `trimmed` is the total at the end
 * of what was trimmed. Their difference is what the log holds, known without reading bodies.
 *
 * `replid` is the replication id of the server that the log was opened on. A server that was promoted or started again has
 * another one: what it holds may end earlier than what was acknowledged, so it takes no appends before the log is opened on it.
 */

/** Returned instead of an id when the log has as many entries as it may. */
export const TOO_MANY_ENTRIES = "entries";

/** Returned instead of an id when the log would hold more bytes than it may. */
export const TOO_MANY_BYTES = "bytes";

/** Returned when the log has not been opened on this server. */
export const CLOSED = "closed";

/** Told, as {@link CLOSED}, of a log that takes nothing more of its generation. */
export const SEALED = "sealed";

/** The layout of a log that was opened before there were layouts. */
const FIRST_LAYOUT = "1";

/** Returned when the log has been opened for a later generation. */
export const OPENED_LATER = "later";

/** Returned when the server is not the one that was to be opened. */
export const ANOTHER_SERVER = "another";

/** Told of a log that was closed for good on this server. */
export const SUPERSEDED = "superseded";

/**
 * At maxmemory Redis refuses a script's first write if that could grow, and lets all that follow another through. What a log needs so
 * that it can be folded and trimmed, which frees the memory, begins with a write that changes nothing.
 */
const DESPITE_FULL_MEMORY = `redis.call('HDEL', KEYS[2], 'nothing')`;

const SERVER = `
local function replid()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end
local function text(number)
  return string.format('%.0f', number)
end
local WRAP = 1125899906842624
-- The first number of the newest id ever given.
local function newest()
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '^%d+')) end
  end
end
`;

const COUNTERS = `${SERVER}
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
 * ARGV: generation, identity, the number below those of entries to come, the replication id of the server that is meant, layout. Returns
 * "OK", {@link OPENED_LATER} or {@link ANOTHER_SERVER}. Counters that were lost
 * are made anew; a stream that was lost is made anew, empty.
 */
export const OPEN_SCRIPT: string = `${COUNTERS}
if replid() ~= ARGV[4] then return '${ANOTHER_SERVER}' end
local known = redis.call('HMGET', KEYS[2], 'generation', 'replid')
local generation = tonumber(known[1] or nil) or 0
local isSealed = known[2] and string.find(known[2], '${SEALED}', 1, true) == 1
if generation > tonumber(ARGV[1]) or (isSealed and generation == tonumber(ARGV[1])) then return '${OPENED_LATER}' end
${DESPITE_FULL_MEMORY}
local total, trimmed = counters()
local stored = tonumber(redis.call('HGET', KEYS[2], 'last') or nil) or 0
local last = math.max(stored, newest(), tonumber(ARGV[3]))
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], text(last) .. '-1', 'total', text(total)))
  trimmed = total
end
redis.call('HSET', KEYS[2], 'replid', replid(), 'generation', ARGV[1], 'identity', ARGV[2], 'layout', ARGV[5],
  'last', text(last), 'total', text(total), 'trimmed', text(trimmed))
return 'OK'
`;

/** ARGV: the generation that is meant. Closes the log for as long as the server keeps its replication id. */
export const SUPERSEDE_SCRIPT: string = `${SERVER}
if (redis.call('HGET', KEYS[2], 'generation') or '0') ~= ARGV[1] then return 'OK' end
${DESPITE_FULL_MEMORY}
redis.call('HSET', KEYS[2], 'replid', '${SUPERSEDED} ' .. replid())
return 'OK'
`;

/**
 * ARGV: the generation that is meant. Closes the log until a later one is opened, also where its keys were moved to another server: they may
 * be moved back to the one that it is open on. What is sealed or superseded already, and has a word before the replication id, stays so.
 */
export const SEAL_SCRIPT: string = `
local known = redis.call('HMGET', KEYS[2], 'generation', 'replid')
if known[1] ~= ARGV[1] or not known[2] or string.find(known[2], ' ', 1, true) then return 'OK' end
${DESPITE_FULL_MEMORY}
redis.call('HSET', KEYS[2], 'replid', '${SEALED} ' .. known[2])
return 'OK'
`;

/**
 * ARGV: most entries, most bytes, layout, then body and meta of each entry. Returns {@link CLOSED}, or the generation and for each entry
 * its new id, {@link TOO_MANY_ENTRIES}, {@link TOO_MANY_BYTES} or an error. What keeps the first write from happening keeps all: the
 * script then fails as a whole.
 */
export const APPEND_SCRIPT: string = `${SERVER}
local known = redis.call('HMGET', KEYS[2], 'replid', 'generation', 'last', 'total', 'trimmed', 'layout')
local last, total, trimmed = tonumber(known[3] or nil), tonumber(known[4] or nil), tonumber(known[5] or nil)
if known[1] ~= replid() or not (last and total and trimmed) then return '${CLOSED}' end
if (known[6] or '${FIRST_LAYOUT}') ~= ARGV[3] then return '${CLOSED}' end
local mostEntries, mostBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('XLEN', KEYS[1])
local appended, replies = 0, { known[2] }
local function add(number, after, i)
  return redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', text(number) .. '-0',
    'body', ARGV[i], 'meta', ARGV[i + 1], 'total', text(after))
end
for i = 4, #ARGV, 2 do
  local reply
  if held + appended >= mostEntries then
    reply = '${TOO_MANY_ENTRIES}'
  elseif (total - trimmed) % WRAP + #ARGV[i] > mostBytes then
    reply = '${TOO_MANY_BYTES}'
  else
    local number, after = last + 1, (total + #ARGV[i]) % WRAP
    -- An error here must not keep what was appended before it from being counted.
    reply = add(number, after, i)
    if type(reply) == 'table' and newest() > last then
      -- Somebody else has written into the stream.
      number = newest() + 1
      reply = add(number, after, i)
    end
    if type(reply) == 'string' then
      last, total, appended = number, after, appended + 1
    elseif appended == 0 then
      return reply or '${CLOSED}'
    end
  end
  replies[#replies + 1] = reply
end
if appended > 0 then redis.call('HSET', KEYS[2], 'last', text(last), 'total', text(total)) end
return replies
`;

/** ARGV: the lowest id to keep. Returns how many entries went. XTRIM comes first, so that it works at maxmemory too. */
export const TRIM_SCRIPT: string = `${COUNTERS}
local total = counters()
local gone = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
if gone > 0 then
  local trimmed = total
  if redis.call('XLEN', KEYS[1]) > 0 then trimmed = first('XRANGE', '-', '+', starts) or total end
  redis.call('HSET', KEYS[2], 'total', text(total), 'trimmed', text(trimmed))
end
return gone
`;

/**
 * Returns, as text: the number of entries, their bytes, the newest id ever given, "open", {@link CLOSED} or {@link SUPERSEDED}, generation,
 * identity, the server's replication id, and "1" when the last opening was on it. ARGV: layout.
 */
export const STATUS_SCRIPT: string = `${COUNTERS}
local total, trimmed = counters()
local known = redis.call('HMGET', KEYS[2], 'replid', 'generation', 'identity', 'last', 'layout')
local last = math.max(tonumber(known[4] or nil) or 0, newest())
local server = replid()
local state = '${CLOSED}'
local exists = redis.call('EXISTS', KEYS[1]) == 1
local wasOpenedHere = (known[1] == server and known[4] and exists) or known[1] == '${SEALED} ' .. server
local isOfLayout = (known[5] or '${FIRST_LAYOUT}') == ARGV[1]
if known[1] == server and known[4] and isOfLayout and exists then state = 'open' end
if known[1] == '${SUPERSEDED} ' .. server then state = '${SUPERSEDED}' end
return { tostring(redis.call('XLEN', KEYS[1])), text((total - trimmed) % WRAP), text(last) .. '-0',
  state, known[2] or '0', known[3] or '', server, wasOpenedHere and '1' or '0' }
`;

/**
 * KEYS[3] is a key to write to; ARGV: most entries, most bytes, layout. Returns "OK", or what {@link APPEND_SCRIPT} would return. The
 * write is refused for the same reasons as an append: memory, a replica, the disk.
 */
export const WRITABLE_SCRIPT: string = `${COUNTERS}
redis.call('SET', KEYS[3], '1', 'EX', 60)
if redis.call('HGET', KEYS[2], 'replid') ~= replid() or redis.call('EXISTS', KEYS[1]) == 0 then return '${CLOSED}' end
if (redis.call('HGET', KEYS[2], 'layout') or '${FIRST_LAYOUT}') ~= ARGV[3] then return '${CLOSED}' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return '${TOO_MANY_ENTRIES}' end
local total, trimmed = counters()
if (total - trimmed) % WRAP >= tonumber(ARGV[2]) then return '${TOO_MANY_BYTES}' end
return 'OK'
`;
