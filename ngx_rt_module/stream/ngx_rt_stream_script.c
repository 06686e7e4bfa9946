
/*
 * The scripts by which publications get into Redis.  A call has publications
 * of one tenant in one or more of its channels; each is judged by itself.
 *
 *     KEYS     of each channel its stream and its meta; accept: then, for each
 *              publication with a key, the key's mark and the event's status
 *     reply    of each channel its epoch, then of each publication what has
 *              become of it:
 *
 *              "OFFSET-0"                       accepted
 *              {"untold", offset, epoch}        accepted, but a status or the
 *                                               bus does not say so
 *              {"repeated", offset, epoch}      it was before: the first result
 *              {"conflict", offset, epoch}      the key has other content
 *              {"stale", offset, epoch}         a later version was there
 *              an error                         nothing is there
 *
 * A script does not roll back, so what may fail comes in an order in which a
 * failure leaves nothing behind that says more than there is: `top` first,
 * which is set back when an entry was not appended; then the entry; then the
 * key's mark, without which the entry goes again; then who is told.  Nothing
 * raises an error: what Redis says is looked at, each time.
 *
 * Sent by ngx_rt_stream_publish.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_lua.h"


/*
 * The short way, of most: no version, nothing said of an event, and the channel
 * is as it was at the last publication: `due` of meta has its epoch, and the
 * run and the turn in which accept was there last.  What is otherwise gets nil,
 * and goes by way of accept: a channel, one publication whose key is known, or
 * one that cannot be appended or marked, with all behind it.  A channel of
 * which all were accepted gets "EPOCH OFFSET", of the first, and nothing for
 * each; if there is no other channel that is all that is answered.
 *
 *     KEYS     if keys are said: behind the channel's two, of each publication
 *              the key's mark (without a key: any of the channel's)
 *     ARGV     time, head of the bus's messages (empty: nobody listens), how
 *              long keys are known, what of each publication is said: "1" data,
 *              "3" data, info and tags, "4" also the digest of what its key
 *              stands for (empty: it has none); of each channel: length of the
 *              stream, run and turn, number of publications; of each of those:
 *              what is said, and, for the bus, the lengths of data, info, tags
 *
 * A command of a script costs more than what is done by it, and of those one
 * that answers with a list the most; a number that is made a string costs as
 * much as a command, so of offsets only the last digit is written anew.
 */

ngx_rt_redis_script_t  ngx_rt_stream_append = {
    "append",

    "local now, bus, width, call = ARGV[1], ARGV[2], ARGV[4] + 0, redis.pcall\n"
    "local k, a, step, out, said = 1, 5, width\n"
    "if bus ~= '' then step = width + 1 end\n"

    "repeat\n"
    "  local stream, meta, count = KEYS[k], KEYS[k + 1], ARGV[a + 2] + 0\n"
    "  local due, top = call('HGET', meta, 'due')\n"
    "  said = false\n"

    "  if due and not due.err and due:sub(10) == ARGV[a + 1] then\n"
    "    top = call('HINCRBY', meta, 'top', ARGV[a + 2])\n"
    "    if type(top) == 'table' then\n"
    "      said = not top.err:find('^ERR') and top\n"
    "      top = nil\n"
    "    elseif top <= count then\n"
    "      call('HINCRBY', meta, 'top', -count)\n"
    "      top = nil\n"
    "    end\n"
    "  end\n"

    "  if top then\n"
    "    local from, p, i, good, kept = top - count + 1, a + 3, 1, 0, 0\n"
    "    local epoch, at = due:sub(1, 8), string.format('%.0f', from)\n"
    "    local first, tens, unit, known, to = at, '', 0\n"

    "    if count > 1 then tens, unit = at:sub(1, -2), from % 10 end\n"
    "    if bus ~= '' then to = stream:gsub('}:channel:', '}:bus:', 1) end\n"

    "    while i <= count do\n"
    "      local data, info, tags, mark, res = ARGV[p], '', ''\n"

    "      if width > 1 then\n"
    "        info, tags = ARGV[p + 1], ARGV[p + 2]\n"
    "        mark = width == 4 and ARGV[p + 3] ~= '' and KEYS[k + 1 + i]\n"
    "      end\n"

    "      if mark and call('GET', mark) then\n"
    "        known = known or {}\n"
    "        known[i] = true\n"
    "      else\n"
    "        if info == '' and tags == '' then\n"
    "          res = call('XADD', stream, at, 'data', data, 'time', now)\n"
    "        elseif tags == '' then\n"
    "          res = call('XADD', stream, at, 'data', data, 'info', info,\n"
    "                     'time', now)\n"
    "        else\n"
    "          res = call('XADD', stream, at, 'data', data, 'info', info,\n"
    "                     'tags', tags, 'time', now)\n"
    "        end\n"
    "        if res.err then break end\n"

    "        if mark then\n"
    "          res = call('SET', mark, ARGV[p + 3] .. ' ' .. at .. ' ' ..\n"
    "                     epoch .. ' ' .. now, 'PX', ARGV[3])\n"
    "          if res.err then\n"
    "            call('XDEL', stream, at)\n"
    "            res = call('XSETID', stream, from + good - 1)\n"
    "            kept = res.err and 1 or 0\n"
    "            break\n"
    "          end\n"
    "        end\n"

    "        if to then\n"
    "          res = call('PUBLISH', to, bus .. at .. ' ' .. epoch .. ' ' ..\n"
    "                     now .. ARGV[p + step - 1] .. data .. info .. tags)\n"
    "          if res == 0 then to = nil end\n"
    "        end\n"

    "        good = good + 1\n"
    "        if good < count then\n"
    "          unit = unit + 1\n"
    "          if unit < 10 then\n"
    "            at = tens .. ('0123456789'):sub(unit + 1, unit + 1)\n"
    "          else\n"
    "            at, unit = string.format('%.0f', from + good), 0\n"
    "            tens = at:sub(1, -2)\n"
    "          end\n"
    "        end\n"
    "      end\n"

    "      i, p = i + 1, p + step\n"
    "    end\n"

    "    if good + kept < count then\n"
    "      call('HINCRBY', meta, 'top', good + kept - count)\n"
    "    end\n"

    /* for each by itself it would cost more than now and then for many */

    "    if top % 32 < count then\n"
    "      call('XTRIM', stream, 'MAXLEN', '~', ARGV[a])\n"
    "    end\n"

    "    if good == count then\n"
    "      said = epoch .. ' ' .. first\n"
    "    elseif good > 0 then\n"
    "      said = { epoch }\n"
    "      for j = 1, count do\n"
    "        said[j + 1] = false\n"
    "        if j < i and not (known and known[j]) then\n"
    "          said[j + 1] = string.format('%.0f-0', from)\n"
    "          from = from + 1\n"
    "        end\n"
    "      end\n"
    "    end\n"
    "  end\n"

    "  k = k + 2\n"
    "  if width == 4 then k = k + count end\n"
    "  a = a + 3 + count * step\n"

    "  if not out and not KEYS[k] and type(said) == 'string' then\n"
    "    return said\n"
    "  end\n"

    "  out = out or {}\n"

    "  if type(said) == 'table' and not said.err then\n"
    "    for j = 1, #said do out[#out + 1] = said[j] end\n"
    "  else\n"
    "    out[#out + 1] = said\n"
    "  end\n"
    "until not KEYS[k]\n"

    "return out\n",
    ""
};


/*
 * The way of all others: keys, versions, a new channel, a new epoch, and what
 * is due now and then: `due` of meta has the run and the turn in which that was
 * done last; a turn is a quarter of the stream's time.
 *
 * A channel has an epoch of its own from the first publication on, and a new
 * one when entries may have been lost that somebody has seen: meta was lost;
 * Redis was started again and keeps no AOF; the stream's last id is not what
 * meta says.  Offsets go on from the higher of the two.
 *
 * A key that is claimed, by who publishes it in a channel that was fast then,
 * is taken over when that was too long ago: nobody was told anything.
 *
 *     ARGV     time, run, head of the bus's messages, epoch for channels that
 *              need one, "1" if a restart of Redis may lose its end, how long
 *              keys are known, and claimed; of each channel: length of the
 *              stream, run and turn, number of publications, time of the stream
 *              and of meta; of each of those: data, info, tags, digest of what
 *              the key stands for (empty: no key), what is said of the event,
 *              version (empty: none) and its epoch
 */

ngx_rt_redis_script_t  ngx_rt_stream_accept = {
    "accept",

    "local now, run, bus, fresh, lossy, window, patience = unpack(ARGV, 1, 7)\n"
    "local call, k, a, out = redis.pcall, 1, 8, {}\n"

    NGX_RT_LUA_NOTE

    /* the number of a stream's last id, or an error */

    "local function last(stream)\n"
    "  local info = call('XINFO', 'STREAM', stream)\n"
    "  if info.err then\n"
    "    return info.err:find('no such key', 1, true) and 0, info\n"
    "  end\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'last-generated-id' then\n"
    "      return tonumber(info[i + 1]:match('%d+'))\n"
    "    end\n"
    "  end\n"
    "end\n"

    "local function add(stream, at, data, info, tags)\n"
    "  if tags ~= '' then\n"
    "    return call('XADD', stream, at, 'data', data, 'info', info,\n"
    "                'tags', tags, 'time', now)\n"
    "  elseif info ~= '' then\n"
    "    return call('XADD', stream, at, 'data', data, 'info', info,\n"
    "                'time', now)\n"
    "  end\n"
    "  return call('XADD', stream, at, 'data', data, 'time', now)\n"
    "end\n"

    /* numbers too large for Lua's */

    "local function later(v, than)\n"
    "  return #v > #than or #v == #than and v > than\n"
    "end\n"

    /*
     * Once a turn: the keys live on, and what is older than ttl goes.  ages:
     * "SECONDS:TOP ...", by the clock of Redis, with what had been published
     * then.
     */

    "local function tend(stream, meta, turn, ttl, keep, top)\n"
    "  local clock, ages = call('TIME'), call('HGET', meta, 'ages') or ''\n"
    "  call('PEXPIRE', stream, ttl + ttl)\n"
    "  call('PEXPIRE', meta, keep + ttl)\n"
    "  if clock.err or ages.err then return end\n"
    "  local list, cut, young = {}, 0, false\n"
    "  clock = tonumber(clock[1])\n"
    "  for at, was in ages:gmatch('(%d+):(%d+)') do\n"
    "    if (clock - at) * 1000 > tonumber(ttl) then\n"
    "      cut = math.max(cut, was)\n"
    "    else\n"
    "      list[#list + 1] = at .. ':' .. was\n"
    "      young = young or clock - at < ttl / 8000\n"
    "    end\n"
    "  end\n"
    "  if not young then list[#list + 1] = clock .. ':' .. top end\n"
    "  if cut > 0 then call('XTRIM', stream, 'MINID', cut + 1 .. '-0') end\n"
    "  call('HSET', meta, 'due', turn, 'ages', table.concat(list, ' '))\n"
    "end\n"

    "while KEYS[k] do\n"
    "  local stream, meta, base = KEYS[k], KEYS[k + 1], #out + 1\n"
    "  local max, turn, count, ttl, keep = unpack(ARGV, a, a + 4)\n"
    "  local m = call('HMGET', meta, 'top', 'epoch', 'due')\n"
    "  local top, epoch, done = tonumber(m[1]), m[2], false\n"
    "  local wrong, said, new, good = m.err and m, nil, false, 0\n"
    "  local version, vepoch\n"
    "  k, a = k + 2, a + 5\n"
    "  if epoch then done = m[3] == epoch .. ' ' .. turn end\n"

    "  local function begin()\n"
    "    local id, err = last(stream)\n"
    "    if not id then wrong = err return end\n"
    "    top, epoch, new = math.max(top or 0, id), fresh, true\n"
    "    done = false\n"
    "  end\n"

    "  local function say(n)\n"
    "    local set = done and call('HSET', meta, 'top', n)\n"
    "      or call('HSET', meta, 'top', n, 'epoch', epoch, 'run', run,\n"
    "              'due', '')\n"
    "    if type(set) == 'table' then wrong = set else said = n end\n"
    "  end\n"

    "  if not wrong and (not top or not epoch\n"
    "                    or not done and lossy == '1'\n"
    "                       and call('HGET', meta, 'run') ~= run) then\n"
    "    begin()\n"
    "  end\n"

    "  local from = top\n"

    "  for i = base + 1, base + count do\n"
    "    local data, info, tags, digest, about, ver, vep =\n"
    "      unpack(ARGV, a, a + 6)\n"
    "    local res, mark, event, at, untold = wrong or nil\n"
    "    a = a + 7\n"

    "    if digest ~= '' then\n"
    "      mark, event, k = KEYS[k], KEYS[k + 1], k + 2\n"
    "      local known = call('GET', mark)\n"
    "      if known and known.err then\n"
    "        res = known\n"
    "      elseif known then\n"
    "        local d, o, e = known:match('^(%S+) (%S+) (%S+)')\n"
    "        local since = o == 'claim' and tonumber(e:match('%d*$'))\n"
    "        if not since or now - since <= patience + 0 then\n"
    "          res = { d == digest and 'repeated' or 'conflict', o, e }\n"
    "        end\n"
    "      end\n"
    "    end\n"

    "    if not res and ver ~= '' then\n"
    "      if version == nil then\n"
    "        m = call('HMGET', meta, 'version', 'vepoch')\n"
    "        version, vepoch = m[1] or false, m[2]\n"
    "      end\n"
    "      if version and vepoch == vep and not later(ver, version) then\n"
    "        res = { 'stale', top, epoch }\n"
    "      end\n"
    "    end\n"

    "    if not res and not said then\n"
    "      say(top + 1)\n"
    "      res = wrong or nil\n"
    "    end\n"

    "    if not res then\n"
    "      res = add(stream, top + 1, data, info, tags)\n"

    "      if res.err and not new and good == 0\n"
    "         and res.err:find('^ERR') then\n"
    "        begin()\n"
    "        if not wrong then say(top + 1) end\n"
    "        res = wrong or add(stream, top + 1, data, info, tags)\n"
    "      end\n"

    "      at = not res.err and res:match('%d+')\n"
    "    end\n"

    "    if at and mark then\n"
    "      local set = call('SET', mark, digest .. ' ' .. at .. ' ' ..\n"
    "                       epoch .. ' ' .. now, 'PX', window)\n"
    "      if set.err then\n"
    "        call('XDEL', stream, res)\n"
    "        if call('XSETID', stream, top).err then top = top + 1 end\n"
    "        res, at = set, nil\n"
    "      else\n"
    "        untold = not note(event, window, about, at, epoch, now)\n"
    "      end\n"
    "    end\n"

    "    if at then\n"
    "      top, good = top + 1, good + 1\n"

    "      if ver ~= '' then\n"
    "        version, vepoch = ver, vep\n"
    "        call('HSET', meta, 'version', ver, 'vepoch', vep)\n"
    "      end\n"

    "      if bus ~= '' then\n"
    "        local told = stream:gsub('}:channel:', '}:bus:', 1)\n"
    "        told = call('PUBLISH', told, bus .. at .. ' ' .. epoch ..\n"
    "                    ' ' .. now .. ' ' .. #data .. ' ' .. #info .. ' ' ..\n"
    "                    #tags .. '\\n' .. data .. info .. tags)\n"
    "        untold = untold or type(told) == 'table'\n"
    "      end\n"

    "      if untold then res = { 'untold', at, epoch } end\n"
    "    end\n"

    "    out[i] = res\n"
    "  end\n"

    "  if said and said ~= top then say(top) end\n"

    "  if good > 0 and top % 32 < good then\n"
    "    call('XTRIM', stream, 'MAXLEN', '~', max)\n"
    "  end\n"

    "  if good > 0 and not done then\n"
    "    tend(stream, meta, epoch .. ' ' .. turn, ttl, keep, from)\n"
    "  end\n"

    "  out[base] = epoch or ''\n"
    "end\n"

    "return out\n",
    ""
};
