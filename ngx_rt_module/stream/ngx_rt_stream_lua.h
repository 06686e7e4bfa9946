
/*
 * What scripts have in common: functions in Lua, for the head of a script.
 */


#ifndef _NGX_RT_STREAM_LUA_H_INCLUDED_
#define _NGX_RT_STREAM_LUA_H_INCLUDED_


/*
 * The status of an event that was accepted; about: rt_event_about(): empty, the
 * key's mark says all there is to be said.  false: it could not be written, and
 * is made of the mark when it is asked for, as far as that goes.
 */

#define NGX_RT_LUA_NOTE                                                       \
    "local function note(event, window, about, offset, epoch, now)\n"         \
    "  if about == '' then return true end\n"                                 \
    "  local f = { 'status', 'accepted', 'offset', offset, 'epoch', epoch,\n" \
    "              'time', now }\n"                                           \
    "  local names = { 'session', 'version', 'traceparent', 'type' }\n"       \
    "  for i, v in ipairs({ about:match('^(%S+) (%S+) (%S+) (.*)$') }) do\n"  \
    "    if v ~= (i < 4 and '-' or '') then\n"                                \
    "      f[#f + 1], f[#f + 2] = names[i], v\n"                              \
    "    end\n"                                                               \
    "  end\n"                                                                 \
    "  local set = redis.pcall('HSET', event, unpack(f))\n"                   \
    "  redis.pcall('PEXPIRE', event, window)\n"                               \
    "  return type(set) ~= 'table'\n"                                         \
    "end\n"


#endif /* _NGX_RT_STREAM_LUA_H_INCLUDED_ */
