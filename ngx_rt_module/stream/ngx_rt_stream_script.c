
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
 * The short way, of most: no key, no version, and the channel is as it was at
 * the last publication: `due` of meta has the run and the turn in which accept
 * was there last.  A channel in which something is otherwise gets nil and no
 * publication, and goes by way of accept.  One of which all were accepted gets
 * its epoch and, as a number, the offset of the first; nothing for each.
 *
 *     ARGV     time, head of the bus's messages (empty: nobody listens), "1" if
 *              of each publication only data is said, "3" else; of each
 *              channel: length of the stream, run and turn, number of
 *              publications; of each of those: data, info, tags
 *
 * A command of a script costs more than what is done by it, and of those one
 * that answers with a list the most.
 */

ngx_rt_redis_script_t  ngx_rt_stream_append = {
    "append",

    "local now, bus, width, a, out = ARGV[1], ARGV[2], ARGV[3] + 0, 4, {}\n"
    "local call = redis.pcall\n"

    "for k = 1, #KEYS, 2 do\n"
    "  local stream, meta, base = KEYS[k], KEYS[k + 1], #out + 1\n"
    "  local count, p, good = ARGV[a + 2] + 0, a + 3, 0\n"
    "  local top, other, res = false\n"
    "  local epoch = call('HGET', meta, 'epoch')\n"

    "  if epoch and call('HGET', meta, 'due') == ARGV[a + 1] then\n"
    "    top = call('HINCRBY', meta, 'top', count)\n"
    "    if type(top) == 'table' then\n"
    "      res, top = top, false\n"
    "    elseif top <= count then\n"
    "      call('HINCRBY', meta, 'top', -count)\n"
    "      top = false\n"
    "    end\n"
    "  end\n"

    "  if not top then\n"
    "    out[base] = res and not res.err:find('^ERR') and res or false\n"

    "  else\n"
    "    local from = top - count + 1\n"

    "    for i = 1, count do\n"
    "      local data, info, tags = ARGV[p], '', ''\n"

    "      if width == 1 then\n"
    "        res = call('XADD', stream, from + good, 'data', data,\n"
    "                   'time', now)\n"
    "      else\n"
    "        info, tags = ARGV[p + 1], ARGV[p + 2]\n"
    "        if tags ~= '' then\n"
    "          res = call('XADD', stream, from + good, 'data', data,\n"
    "                     'info', info, 'tags', tags, 'time', now)\n"
    "        else\n"
    "          res = call('XADD', stream, from + good, 'data', data,\n"
    "                     'info', info, 'time', now)\n"
    "        end\n"
    "      end\n"

    "      if res.err then\n"
    "        if good == 0 then break end\n"
    "        other = other or {}\n"
    "        other[i] = res\n"

    "      else\n"
    "        if bus ~= '' then\n"
    "          local at = string.format('%.0f', from + good)\n"
    "          local to = stream:gsub('}:channel:', '}:bus:', 1)\n"
    "          res = call('PUBLISH', to, bus .. at .. ' ' .. epoch .. ' ' ..\n"
    "                     now .. ' ' .. #data .. ' ' .. #info .. ' ' ..\n"
    "                     #tags .. '\\n' .. data .. info .. tags)\n"
    "          if type(res) == 'table' then\n"
    "            other = other or {}\n"
    "            other[i] = { 'untold', at, epoch }\n"
    "          end\n"
    "        end\n"
    "        good = good + 1\n"
    "      end\n"

    "      p = p + width\n"
    "    end\n"

    "    if good < count then\n"
    "      call('HINCRBY', meta, 'top', good - count)\n"
    "    end\n"

    /* for each by itself it would cost more than now and then for many */

    "    if top % 32 < count then\n"
    "      call('XTRIM', stream, 'MAXLEN', '~', ARGV[a])\n"
    "    end\n"

    "    if good == 0 then\n"
    "      out[base] = false\n"
    "    elseif not other then\n"
    "      out[base], out[base + 1] = epoch, from\n"
    "    else\n"
    "      out[base] = epoch\n"
    "      for i = 1, count do\n"
    "        res = other[i]\n"
    "        out[base + i] = res or string.format('%.0f-0', from)\n"
    "        if not res or not res.err then from = from + 1 end\n"
    "      end\n"
    "    end\n"
    "  end\n"

    "  a = a + 3 + count * width\n"
    "end\n"

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
 *     ARGV     time, run, head of the bus's messages, epoch for channels that
 *              need one, "1" if a restart of Redis may lose its end, how long
 *              keys are known; of each channel: length of the stream, run and
 *              turn, number of publications, time of the stream and of meta; of
 *              each of those: data, info, tags, digest of what the key stands
 *              for (empty: no key), what is said of the event, version (empty:
 *              none) and its epoch
 */

ngx_rt_redis_script_t  ngx_rt_stream_accept = {
    "accept",

    "local now, run, bus, fresh, lossy, window = unpack(ARGV, 1, 6)\n"
    "local call, k, a, out = redis.pcall, 1, 7, {}\n"

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
    "  local top, epoch, done = tonumber(m[1]), m[2], m[3] == turn\n"
    "  local wrong, said, new, good = m.err and m, nil, false, 0\n"
    "  local version, vepoch\n"
    "  k, a = k + 2, a + 5\n"

    "  local function begin()\n"
    "    local id, err = last(stream)\n"
    "    if not id then wrong = err return end\n"
    "    top, epoch, new = math.max(top or 0, id), fresh, true\n"
    "    done = false\n"
    "  end\n"

    "  local function say(n)\n"
    "    local set = done and call('HSET', meta, 'top', n)\n"
    "      or call('HSET', meta, 'top', n, 'epoch', epoch, 'run', run)\n"
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
    "        res = { d == digest and 'repeated' or 'conflict', o, e }\n"
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

    "    if at then\n"
    "      top = top + 1\n"

    "      if mark then\n"
    "        local set = call('SET', mark, digest .. ' ' .. at .. ' ' ..\n"
    "                         epoch .. ' ' .. now, 'PX', window)\n"
    "        if set.err then\n"
    "          call('XDEL', stream, res)\n"
    "          res, at = set, nil\n"
    "        else\n"
    "          untold = not note(event, window, about, at, epoch, now)\n"
    "        end\n"
    "      end\n"
    "    end\n"

    "    if at then\n"
    "      good = good + 1\n"

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
    "    tend(stream, meta, turn, ttl, keep, from)\n"
    "  end\n"

    "  out[base] = epoch or ''\n"
    "end\n"

    "return out\n",
    ""
};
