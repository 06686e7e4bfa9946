-- A/B of two orchestrators: a conversation is a channel of "ask", and all of it
-- goes to one of the two, whoever writes.  The flag "orchestrator-b" says how
-- many of the conversations (rt_flag orchestrator-b 10%;), and which of them in
-- any case: its lists name channels.
--
-- What is published says which one is to answer; a client cannot choose it.
-- $rt_flags in rt_log, and rt_flag_commands_total, tell the two apart.

local function orchestrator(channel)
  return rt.flag("orchestrator-b", channel) and "b" or "a"
end

return {
  publish = function(session, publication)
    if publication.namespace ~= "ask" then return nil end

    local data = publication.data

    if type(data) ~= "table" then
      return rt.deny(107, "data: an object is expected")
    end

    data.orchestrator = orchestrator(publication.channel)

    return rt.transform(data)
  end,

  -- {"method": "orchestrator", "data": {"channel": "ask:17"}}
  command = function(session, command)
    if command.method ~= "orchestrator" then return nil end

    local data = command.data

    if type(data) ~= "table" or type(data.channel) ~= "string" then
      return rt.deny(107, "data.channel: a string is expected")
    end

    return rt.reply({ orchestrator = orchestrator(data.channel) })
  end,
}
